// The server's side of the WebSocket opening handshake (RFC 6455 section 4.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http/http.h"

namespace telltale::net {

// Does the request ask for a WebSocket (whether rightly or not)?
bool wants_upgrade(const Request& request);
// What to answer when it does not ask rightly.
std::optional<Response> check_upgrade(const Request& request);
// The head of the answer 101. `subprotocol` is left out when the client did not offer it.
std::string upgrade_head(const Request& request, std::string_view subprotocol, std::string_view date);

}  // namespace telltale::net
