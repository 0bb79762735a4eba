#include "net/http/upgrade.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "net/ws/handshake.h"

namespace telltale::net {

using base::ErrorCode;

namespace {

// Does a comma-separated header, which may come several times, hold the token?
bool header_has_token(const Request& request, std::string_view name, std::string_view token, bool any_case) {
  for (const auto& [key, value] : request.headers) {
    if (key != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view item = base::trim(rest.substr(0, end));
      if (any_case ? base::equals_ignoring_case(item, token) : item == token) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace

bool wants_upgrade(const Request& request) {
  return header_has_token(request, "upgrade", "websocket", true) && header_has_token(request, "connection", "upgrade", true);
}

std::optional<Response> check_upgrade(const Request& request) {
  if (request.method != "GET" || !request.body.empty()) {
    return problem({ErrorCode::malformed_request, "a WebSocket is opened with GET and without a body", {}});
  }
  if (base::trim(request.header("sec-websocket-version")) != "13") {
    Response response = problem({ErrorCode::malformed_request, "the WebSocket version asked for is not 13", {}});
    response.status = 426;
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return response;
  }
  if (!ws_key_valid(base::trim(request.header("sec-websocket-key")))) {
    return problem({ErrorCode::malformed_request, "Sec-WebSocket-Key is missing or not the base64 of 16 bytes", {}});
  }
  return std::nullopt;
}

std::string upgrade_head(const Request& request, std::string_view subprotocol, std::string_view date) {
  std::string head = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nDate: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n", date,
      ws_accept_value(base::trim(request.header("sec-websocket-key"))));
  if (!subprotocol.empty() && header_has_token(request, "sec-websocket-protocol", subprotocol, false)) {
    head += fmt::format("Sec-WebSocket-Protocol: {}\r\n", subprotocol);
  }
  head += "\r\n";
  return head;
}

}  // namespace telltale::net
