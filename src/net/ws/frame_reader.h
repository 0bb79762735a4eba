// Reads WebSocket frames and puts messages together (RFC 6455 sections 5 to 7). Pure and incremental: the same events come out
// however the input is cut into pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/ws/frame.h"

namespace telltale::net {

enum class WsRole : std::uint8_t { server, client };  // a server demands masked frames, a client unmasked ones

struct WsEvent {
  enum class Kind : std::uint8_t {
    need_more,  // all input was taken
    text,       // payload: the whole message, valid UTF-8
    binary,     // payload: the whole message
    ping,       // payload to send back
    pong,
    close,  // code (ws_close::no_code when the frame has none) and reason in payload; nothing follows
    error,  // code: the close code to answer with; payload says why; nothing follows
  };
  Kind kind = Kind::need_more;
  std::uint16_t code = 0;
  std::string_view payload;  // valid until the next call
};

class WsFrameReader {
 public:
  WsFrameReader(WsRole role, std::uint64_t max_message_bytes) : role_(role), max_message_bytes_(max_message_bytes) {}

  // Takes bytes from the front of `input` until there is an event.
  WsEvent next(std::string_view& input);

 private:
  enum class State : std::uint8_t { header, payload, ended };

  WsEvent fail(std::uint16_t code, std::string_view why);
  bool read_header(std::string_view& input);
  WsEvent check_header();
  WsEvent check_opcode(std::uint8_t first, std::uint64_t length);
  void read_payload(std::string_view& input);
  WsEvent finish_frame();
  WsEvent finish_control();
  WsEvent finish_message();
  WsEvent finish_close();
  void release_message();
  bool is_control() const { return (static_cast<std::uint8_t>(opcode_) & 0x8) != 0; }

  const WsRole role_;
  const std::uint64_t max_message_bytes_;
  State state_ = State::header;
  std::array<std::uint8_t, 14> header_{};  // the longest header: 2 bytes, a length of 8, a mask of 4
  std::size_t header_size_ = 0;
  // The frame under way.
  WsOpcode opcode_ = WsOpcode::text;
  bool fin_ = false;
  std::array<std::uint8_t, 4> mask_{};
  std::uint64_t length_ = 0;
  std::uint64_t taken_ = 0;
  // The message under way; control frames may stand between its fragments and have their own place.
  bool in_message_ = false;
  WsOpcode message_opcode_ = WsOpcode::text;
  bool message_delivered_ = false;
  std::string message_;
  std::string control_;
};

}  // namespace telltale::net
