#include "net/ws/frame_reader.h"

#include <algorithm>

#include "base/text.h"

namespace telltale::net {

namespace {

constexpr std::size_t max_control_payload = 125;
// A buffer that one large message left behind is given back.
constexpr std::size_t kept_capacity = 64 * 1024;

std::size_t length_bytes(std::uint8_t second) {
  const std::uint8_t code = second & 0x7F;
  return code == 126 ? 2 : code == 127 ? 8 : 0;
}

std::size_t mask_bytes(std::uint8_t second) {
  return (second & 0x80) != 0 ? 4 : 0;
}

}  // namespace

WsEvent WsFrameReader::fail(std::uint16_t code, std::string_view why) {
  state_ = State::ended;
  return WsEvent{WsEvent::Kind::error, code, why};
}

WsEvent WsFrameReader::next(std::string_view& input) {
  if (message_delivered_) release_message();
  while (state_ != State::ended) {
    if (state_ == State::header) {
      if (!read_header(input)) return WsEvent{};
      WsEvent verdict = check_header();
      if (verdict.kind == WsEvent::Kind::error) return verdict;
      state_ = State::payload;
    }
    read_payload(input);
    if (taken_ < length_) return WsEvent{};
    WsEvent event = finish_frame();
    if (event.kind != WsEvent::Kind::need_more) return event;
  }
  input = {};
  return WsEvent{};
}

void WsFrameReader::release_message() {
  message_delivered_ = false;
  message_.clear();
  if (message_.capacity() > kept_capacity) message_.shrink_to_fit();
}

// True when the whole header is there; its first two bytes say how long it is.
bool WsFrameReader::read_header(std::string_view& input) {
  while (true) {
    const std::size_t wanted = header_size_ < 2 ? 2 : 2 + length_bytes(header_[1]) + mask_bytes(header_[1]);
    if (header_size_ == wanted) return true;
    const std::size_t count = std::min(wanted - header_size_, input.size());
    if (count == 0) return false;
    std::copy_n(input.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
    header_size_ += count;
    input.remove_prefix(count);
  }
}

WsEvent WsFrameReader::check_header() {
  const std::size_t extra = length_bytes(header_[1]);
  length_ = header_[1] & 0x7F;
  if (extra > 0) {
    length_ = 0;
    for (std::size_t i = 0; i < extra; ++i) length_ = length_ << 8 | header_[2 + i];
    const bool minimal = extra == 2 ? length_ >= 126 : length_ > 0xFFFF && (length_ >> 63) == 0;
    if (!minimal) return fail(ws_close::protocol_error, "the length is not in its shortest form");
  }
  const bool masked = mask_bytes(header_[1]) > 0;
  if (masked != (role_ == WsRole::server)) {
    return fail(ws_close::protocol_error, masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  mask_ = {};
  if (masked) std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extra), mask_.size(), mask_.begin());
  const std::uint8_t first = header_[0];
  header_size_ = 0;
  taken_ = 0;
  fin_ = (first & 0x80) != 0;
  opcode_ = static_cast<WsOpcode>(first & 0x0F);
  return check_opcode(first, length_);
}

WsEvent WsFrameReader::check_opcode(std::uint8_t first, std::uint64_t length) {
  if ((first & 0x70) != 0) return fail(ws_close::protocol_error, "a reserved bit is set");
  if (is_control()) {
    if (opcode_ > WsOpcode::pong) return fail(ws_close::protocol_error, "unknown control opcode");
    if (!fin_) return fail(ws_close::protocol_error, "a control frame is fragmented");
    if (length > max_control_payload) return fail(ws_close::protocol_error, "a control frame is longer than 125 bytes");
    control_.clear();
    return WsEvent{};
  }
  if (opcode_ > WsOpcode::binary) return fail(ws_close::protocol_error, "unknown opcode");
  if ((opcode_ == WsOpcode::continuation) != in_message_) {
    return fail(ws_close::protocol_error, in_message_ ? "a message begins inside another" : "a continuation without a message");
  }
  // message_ is never larger than the limit, so this cannot wrap.
  if (length > max_message_bytes_ - message_.size()) return fail(ws_close::too_big, "the message is too large");
  if (opcode_ != WsOpcode::continuation) message_opcode_ = opcode_;
  in_message_ = true;
  return WsEvent{};
}

void WsFrameReader::read_payload(std::string_view& input) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(length_ - taken_, input.size()));
  std::string& out = is_control() ? control_ : message_;
  const std::size_t start = out.size();
  out.append(input.substr(0, count));
  if (role_ == WsRole::server) {
    for (std::size_t i = 0; i < count; ++i) {
      out[start + i] = static_cast<char>(static_cast<std::uint8_t>(out[start + i]) ^ mask_[(taken_ + i) % 4]);
    }
  }
  taken_ += count;
  input.remove_prefix(count);
}

WsEvent WsFrameReader::finish_frame() {
  state_ = State::header;
  if (is_control()) return finish_control();
  if (!fin_) return WsEvent{};
  return finish_message();
}

WsEvent WsFrameReader::finish_control() {
  if (opcode_ == WsOpcode::close) return finish_close();
  const auto kind = opcode_ == WsOpcode::ping ? WsEvent::Kind::ping : WsEvent::Kind::pong;
  return WsEvent{kind, 0, control_};
}

WsEvent WsFrameReader::finish_message() {
  in_message_ = false;
  message_delivered_ = true;
  if (message_opcode_ == WsOpcode::binary) return WsEvent{WsEvent::Kind::binary, 0, message_};
  if (!base::is_valid_utf8(message_)) return fail(ws_close::invalid_utf8, "a text message is not valid UTF-8");
  return WsEvent{WsEvent::Kind::text, 0, message_};
}

WsEvent WsFrameReader::finish_close() {
  state_ = State::ended;
  if (control_.empty()) return WsEvent{WsEvent::Kind::close, ws_close::no_code, {}};
  if (control_.size() == 1) return fail(ws_close::protocol_error, "half a close code");
  const auto code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(control_[0]) << 8 | static_cast<std::uint8_t>(control_[1]));
  if (!ws_close_code_allowed(code)) return fail(ws_close::protocol_error, "a close code that may not be sent");
  const std::string_view reason = std::string_view(control_).substr(2);
  if (!base::is_valid_utf8(reason)) return fail(ws_close::invalid_utf8, "the close reason is not valid UTF-8");
  return WsEvent{WsEvent::Kind::close, code, reason};
}

}  // namespace telltale::net
