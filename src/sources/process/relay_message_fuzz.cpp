#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sources/process/relay_message.h"

// Anything may come; what is understood means the same when it is said again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale::sources;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto message = decode_from_relay(input)) {
    const std::string again = encode(*message);
    if (encode(decode_from_relay(again).value()) != again) std::abort();
  }
  if (const auto message = decode_from_engine(input)) {
    const std::string again = encode(*message);
    if (encode(decode_from_engine(again).value()) != again) std::abort();
  }
  if (const auto block = decode_block(input)) {
    const std::string again = encode(*block);
    const auto back = decode_block(again);
    if (!back || back->bytes != block->bytes || encode(*back) != again) std::abort();
  }
  return 0;
}
