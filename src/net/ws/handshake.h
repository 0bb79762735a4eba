// The opening handshake's key (RFC 6455 section 4.2.2).
#pragma once

#include <string>
#include <string_view>

namespace telltale::net {

// Is it base64 of 16 bytes, as Sec-WebSocket-Key must be?
bool ws_key_valid(std::string_view key);
// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string ws_accept_value(std::string_view key);
// Standard base64 with padding.
std::string base64_encode(std::string_view bytes);

}  // namespace telltale::net
