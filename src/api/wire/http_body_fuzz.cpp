#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "api/wire/barrier_body.h"

// What is accepted is within the bounds that the header promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto timeout = telltale::api::parse_barrier_body({reinterpret_cast<const char*>(data), size});
  if (timeout && (*timeout < 1 || *timeout > telltale::api::max_barrier_ms)) std::abort();
  if (!timeout && timeout.error().message().empty()) std::abort();
  return 0;
}
