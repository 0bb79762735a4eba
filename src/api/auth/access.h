// Who may send a request: the Host and Origin checks (against pages of other sites and DNS rebinding) and the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/token_checker.h"
#include "base/error.h"
#include "net/http/http.h"

namespace telltale::api {

// Where a token may stand: browsers cannot set headers on a WebSocket, so upgrades may also carry it as a subprotocol
// ("bearer.TOKEN") or as the parameter `token`.
enum class TokenPlaces : std::uint8_t { header, header_protocol_or_query };

// Immutable, thread-safe.
class Access {
 public:
  // `tokens` outlives it. Without `require_token` everybody is an admin; Host and Origin are checked all the same.
  Access(std::vector<std::string> allowed_hosts, std::vector<std::string> allowed_origins, bool require_token, const TokenChecker& tokens);

  // The Host header names an IP address, localhost or an allowed name (foreign_host), and the Origin header is missing, of the same host
  // and port, or allowed (foreign_origin).
  base::Status check_site(const net::Request& request) const;
  // The Origin header, where it is one that was allowed by name: its pages may read answers (CORS).
  std::optional<std::string_view> allowed_foreign_origin(const net::Request& request) const;
  // unauthorized without a token; else as TokenChecker::check.
  base::Result<Principal> authenticate(const net::Request& request, TokenPlaces places) const;

 private:
  bool host_allowed(std::string_view host) const;
  bool origin_listed(std::string_view origin) const;

  const std::vector<std::string> hosts_;
  const std::vector<std::string> origins_;
  const bool require_token_;
  const TokenChecker& tokens_;
};

// "127.0.0.1:5000", "[::1]:5000": is the peer on this machine?
bool is_loopback_peer(std::string_view remote);

// The values of the comma-separated header Sec-WebSocket-Protocol, in order.
std::vector<std::string_view> offered_protocols(const net::Request& request);
// The one to choose: "telltale" where it is offered, else the one that carries the token, else none.
std::string_view chosen_protocol(const net::Request& request);

}  // namespace telltale::api
