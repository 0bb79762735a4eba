// The first byte says how the rest is packed. Whatever the bytes are, and however they are cut, the same comes out, within bounds.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "sources/packed/unpacker.h"

using namespace telltale::sources;

namespace {

struct Unpacked {
  std::string bytes;
  UnpackState state = UnpackState::going;
  bool operator==(const Unpacked&) const = default;
};

constexpr std::size_t most_bytes = 1 << 20;

Unpacked unpack(Packing packing, std::string_view packed, std::size_t in_step, std::size_t out_step) {
  const auto unpacker = make_unpacker(packing);
  Unpacked result;
  std::string out(out_step, '\0');
  while (result.bytes.size() < most_bytes) {
    const std::string_view in = packed.substr(0, in_step);
    const auto step = unpacker->step({in.data(), in.size()}, {out.data(), out.size()});
    TT_ASSERT(step.taken <= in.size() && step.given <= out.size(), "no more than there is");
    result.bytes.append(out, 0, step.given);
    result.state = step.state;
    packed.remove_prefix(step.taken);
    if (step.state == UnpackState::damaged) {
      TT_ASSERT(!unpacker->reason().empty(), "it says why");
      break;
    }
    if (step.taken == 0 && step.given == 0 && (packed.empty() || !in.empty())) {
      TT_ASSERT(packed.empty(), "it goes on while there is something");
      break;
    }
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view packed(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Packing packing = (data[0] & 1) == 0 ? Packing::gzip : Packing::zstd;
  const Unpacked whole = unpack(packing, packed, 1 << 16, 1 << 16);
  const Unpacked pieces = unpack(packing, packed, 7, 13);
  if (whole.bytes.size() < most_bytes && whole.state != UnpackState::damaged) TT_ASSERT(whole == pieces, "cuts change nothing");
  return 0;
}
