// The frame reader must give the same events however its input is cut.
// Input: first byte: bit 0 the role, the rest how the input is cut; then frames.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "net/ws/frame_reader.h"

namespace {

using telltale::net::WsEvent;
using telltale::net::WsFrameReader;
using telltale::net::WsRole;

constexpr std::uint64_t max_message = 4096;

struct Seen {
  WsEvent::Kind kind;
  std::uint16_t code;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read_all(WsRole role, std::string_view input, std::size_t piece) {
  WsFrameReader reader(role, max_message);
  std::vector<Seen> seen;
  while (!input.empty()) {
    std::string_view part = input.substr(0, std::min(piece, input.size()));
    input.remove_prefix(part.size());
    while (true) {
      const WsEvent event = reader.next(part);
      if (event.kind == WsEvent::Kind::need_more) break;
      TT_ASSERT(event.payload.size() <= max_message, "no message is larger than its limit");
      TT_ASSERT(event.kind != WsEvent::Kind::text || telltale::base::is_valid_utf8(event.payload), "text is UTF-8");
      seen.push_back(Seen{event.kind, event.code, std::string(event.payload)});
    }
    TT_ASSERT(part.empty(), "a reader that needs more has taken all");
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const WsRole role = (data[0] & 1) != 0 ? WsRole::client : WsRole::server;
  const std::size_t piece = 1 + (data[0] >> 1);
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<Seen> whole = read_all(role, input, input.size() + 1);
  TT_ASSERT(read_all(role, input, 1) == whole, "bytes one by one give the same events");
  TT_ASSERT(read_all(role, input, piece) == whole, "pieces give the same events");
  return 0;
}
