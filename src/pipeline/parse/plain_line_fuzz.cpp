#include <cstddef>
#include <cstdint>

#include "pipeline/parse/parse_invariants.h"

// The bytes as lines, and behind each kind of head.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  pipeline::parse_checked(bytes);
  for (const char* head :
       {"2024-03-21T10:30:00.123Z ", "Mar 21 10:30:00 ", "<34>", "<34>1 ", "E0321 10:30:00.123456 ", "[", "[2024-03-21 10:30:00"})
    pipeline::parse_checked(head + bytes);
  return 0;
}
