// What a relay and an engine say to each other over a WebSocket (docs/reference/process-source.md, schema/relay.json).
//
// A relay reads the pipes of started programs and hands whole lines to the engine. Text messages are JSON objects with `type`; a binary
// message is a block of lines: a JSON object, a line feed, the bytes. Numbers that may need more than 53 bits are texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::sources {

inline constexpr int relay_protocol_version = 1;
inline constexpr std::string_view relay_path = "/api/v1/relay";
inline constexpr std::size_t relay_max_line_bytes = 1024 * 1024;
// Of what is sent and not committed yet: that many bytes, counted by relay_cost().
inline constexpr std::uint64_t relay_window = 2 * 1024 * 1024;

// What a block of `bytes` bytes takes of a window or a memory.
constexpr std::uint64_t relay_cost(std::uint64_t bytes) {
  return bytes + 256;
}

// A place in a stream: bytes and lines before it since the stream's beginning.
struct StreamPlace {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;
  bool operator==(const StreamPlace&) const = default;
};

// From a relay.

struct RelayHello {
  std::string relay;  // tells one relay process from another
  std::string run;
  std::string host;  // of the programs; may be empty
};
// A stream that the relay has, or has again after it connected anew. Answered by RelayPosition.
struct RelayStream {
  std::uint32_t number = 0;                                 // how this connection calls it
  std::string key;                                          // how everybody calls it, for ever
  std::vector<std::pair<std::string, std::string>> labels;  // service, stream, process
  StreamPlace from;                                         // the first that the relay still has
  StreamPlace acknowledged;                                 // what an engine told it was committed
};
// Nothing follows in the stream.
struct RelayEnd {
  std::uint32_t number = 0;
  StreamPlace at;
};
// It knows that all is stored up to the end: the engine may forget the stream. Not before, for an engine that was killed must know what it
// has of each stream that a relay may say again.
struct RelayRelease {
  std::uint32_t number = 0;
};
// Whatever the pipes held when the barrier came was sent before this.
struct RelayBarrierDone {
  std::uint64_t id = 0;
};
using FromRelay = std::variant<RelayHello, RelayStream, RelayEnd, RelayRelease, RelayBarrierDone>;

// Lines of a stream, in its order. `bytes` is a view of what was decoded.
struct RelayBlock {
  std::uint32_t number = 0;
  StreamPlace from;
  StreamPlace to;
  std::int64_t age_ns = 0;             // since the bytes were read, when the message was made
  std::optional<std::int64_t> dry_ns;  // since the pipe was last known to be empty before that
  base::UnixNanos sent_at = 0;         // when the message was made, by the relay's clock; 0: it did not say
  bool unterminated = false;           // the last line has no end: the stream ends with it
  bool truncated = false;              // one line, of which these are the first bytes
  std::string_view bytes;
};

// From an engine.

struct RelayWelcome {
  std::uint64_t max_line_bytes = relay_max_line_bytes;
  std::uint64_t window = relay_window;
};
// Where to go on: everything before it is here.
struct RelayPosition {
  std::uint32_t number = 0;
  StreamPlace at;
};
// Everything before it is stored: it need not be kept.
struct RelayCommitted {
  std::uint32_t number = 0;
  StreamPlace at;
};
// The stream's end is stored: the relay may forget it too.
struct RelayEnded {
  std::uint32_t number = 0;
};
struct RelayBarrier {
  std::uint64_t id = 0;
};
using FromEngine = std::variant<RelayWelcome, RelayPosition, RelayCommitted, RelayEnded, RelayBarrier>;

std::string encode(const FromRelay& message);
std::string encode(const FromEngine& message);
std::string encode(const RelayBlock& block);

// websocket_message, malformed_request or invalid_argument, naming the member. Members that are not known are passed over.
base::Result<FromRelay> decode_from_relay(std::string_view text);
base::Result<FromEngine> decode_from_engine(std::string_view text);
base::Result<RelayBlock> decode_block(std::string_view message);

}  // namespace telltale::sources
