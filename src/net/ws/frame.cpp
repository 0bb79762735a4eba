#include "net/ws/frame.h"

#include "net/ws/ws.h"

namespace telltale::net {

namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_16_bits = 126;
constexpr std::uint8_t length_64_bits = 127;
constexpr std::size_t max_close_reason = 123;  // a control frame's 125 bytes less the code

void append_header(std::string& out, WsOpcode opcode, std::size_t size, std::uint8_t mask) {
  out.push_back(static_cast<char>(fin_bit | static_cast<std::uint8_t>(opcode)));
  if (size < length_16_bits) {
    out.push_back(static_cast<char>(mask | size));
    return;
  }
  const bool is_short = size <= 0xFFFF;
  out.push_back(static_cast<char>(mask | (is_short ? length_16_bits : length_64_bits)));
  for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((size >> shift) & 0xFF));
}

}  // namespace

bool ws_close_code_allowed(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  // 1012 to 1014 were registered with IANA after the RFC.
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

void append_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload) {
  append_header(out, opcode, payload.size(), 0);
  out.append(payload);
}

void append_ws_masked_frame(std::string& out, WsOpcode opcode, std::string_view payload, std::span<const std::uint8_t, 4> mask) {
  append_header(out, opcode, payload.size(), mask_bit);
  out.append(mask.begin(), mask.end());
  for (std::size_t i = 0; i < payload.size(); ++i) out.push_back(static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ mask[i % 4]));
}

std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
  if (reason.size() > max_close_reason) {
    std::size_t end = max_close_reason;
    while (end > 0 && (static_cast<std::uint8_t>(reason[end]) & 0xC0) == 0x80) --end;
    reason = reason.substr(0, end);
  }
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code & 0xFF));
  payload.append(reason);
  return payload;
}

void append_ws_text_frame(std::string& out, std::string_view text) {
  append_ws_frame(out, WsOpcode::text, text);
}

}  // namespace telltale::net
