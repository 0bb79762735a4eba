#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace telltale::base {

void assertion_failed(const char* expression, const char* file, int line, std::string_view why) {
  std::fprintf(stderr, "telltale: assertion failed at %s:%d: %s: %.*s\n", file, line, expression, static_cast<int>(why.size()), why.data());
  std::abort();
}

}  // namespace telltale::base
