#include <cstddef>
#include <cstdint>

#include "pipeline/parse/parse_invariants.h"

// The bytes behind a pair that makes any line logfmt, and behind one that does not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  pipeline::parse_checked("level=info " + bytes);
  pipeline::parse_checked("a=" + bytes);
  return 0;
}
