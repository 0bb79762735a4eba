// How much slower than without it programs are under the sanitizer that the tests were built with. tools/test/run.py says it.
#pragma once

#include <cstdlib>

namespace telltale::base::testing {

// 1 without a sanitizer. For time limits, and for the size of work that is compared with one; never for what is asserted of results.
inline double slowness() {
  const char* const text = std::getenv("TELLTALE_SLOWNESS");
  const double factor = text == nullptr ? 1.0 : std::strtod(text, nullptr);
  return factor >= 1.0 ? factor : 1.0;
}

}  // namespace telltale::base::testing
