// The wire form of WebSocket frames (RFC 6455 section 5.2): writing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace telltale::net {

enum class WsOpcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xA };

// Close codes of RFC 6455 section 7.4.1.
namespace ws_close {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t no_code = 1005;  // never on the wire: a close frame without a code
inline constexpr std::uint16_t invalid_utf8 = 1007;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
}  // namespace ws_close

// May `code` stand in a close frame?
bool ws_close_code_allowed(std::uint16_t code);

// Appends one unmasked frame with FIN, as servers send.
void append_ws_frame(std::string& out, WsOpcode opcode, std::string_view payload);
// Appends one masked frame with FIN, as clients send.
void append_ws_masked_frame(std::string& out, WsOpcode opcode, std::string_view payload, std::span<const std::uint8_t, 4> mask);
// A close frame's payload; the reason is cut to the 123 bytes that fit, at a character's border.
std::string ws_close_payload(std::uint16_t code, std::string_view reason);

}  // namespace telltale::net
