#include "api/auth/access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::string_view protocol_name = "telltale";
constexpr std::string_view bearer_protocol = "bearer.";

// "api.test:8765" -> "api.test"; "[::1]:8765" -> "::1".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_ip_literal(std::string_view host) {
  const std::string text(host);
  std::array<unsigned char, 16> address;
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 || ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && base::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view header_token(const net::Request& request) {
  const std::string_view value = base::trim(request.header("authorization"));
  static constexpr std::string_view scheme = "Bearer ";
  return starts_with_ignoring_case(value, scheme) ? base::trim(value.substr(scheme.size())) : std::string_view();
}

std::string_view upgrade_token(const net::Request& request) {
  for (const std::string_view protocol : offered_protocols(request)) {
    if (protocol.starts_with(bearer_protocol)) return protocol.substr(bearer_protocol.size());
  }
  return request.parameter("token").value_or(std::string_view());
}

}  // namespace

Access::Access(std::vector<std::string> allowed_hosts, std::vector<std::string> allowed_origins, bool require_token,
               const TokenChecker& tokens)
    : hosts_(std::move(allowed_hosts)), origins_(std::move(allowed_origins)), require_token_(require_token), tokens_(tokens) {}

bool Access::host_allowed(std::string_view host) const {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  if (base::equals_ignoring_case(host, "localhost") || is_ip_literal(host)) return true;
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const std::string& name) { return base::equals_ignoring_case(name, host); });
}

bool Access::origin_listed(std::string_view origin) const {
  return std::any_of(origins_.begin(), origins_.end(), [&](const std::string& name) { return base::equals_ignoring_case(name, origin); });
}

base::Status Access::check_site(const net::Request& request) const {
  const std::string_view host = base::trim(request.header("host"));
  if (!host_allowed(host_of(host))) {
    return fail(ErrorCode::foreign_host,
                host.empty() ? std::string("the request has no Host header") : "the Host header names '" + base::to_printable(host) + "'");
  }
  const std::string_view origin = base::trim(request.header("origin"));
  if (origin.empty() || origin_listed(origin)) return {};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (starts_with_ignoring_case(origin, scheme) && base::equals_ignoring_case(origin.substr(scheme.size()), host)) return {};
  }
  return fail(ErrorCode::foreign_origin, "the request comes from a page of '" + base::to_printable(origin) + "'");
}

std::optional<std::string_view> Access::allowed_foreign_origin(const net::Request& request) const {
  const std::string_view origin = base::trim(request.header("origin"));
  if (origin.empty() || !origin_listed(origin)) return std::nullopt;
  return origin;
}

base::Result<Principal> Access::authenticate(const net::Request& request, TokenPlaces places) const {
  if (!require_token_) return Principal{"anonymous", Role::admin};
  std::string_view token = header_token(request);
  if (token.empty() && places == TokenPlaces::header_protocol_or_query) token = upgrade_token(request);
  if (token.empty()) return fail(ErrorCode::unauthorized, "the request carries no token");
  return tokens_.check(token);
}

bool is_loopback_peer(std::string_view remote) {
  const std::size_t port = remote.rfind(':');
  std::string_view host = port == std::string_view::npos ? remote : remote.substr(0, port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (starts_with_ignoring_case(host, "::ffff:")) host.remove_prefix(7);
  return host == "::1" || (host.starts_with("127.") && is_ip_literal(host));
}

std::vector<std::string_view> offered_protocols(const net::Request& request) {
  std::vector<std::string_view> protocols;
  for (const auto& [name, value] : request.headers) {
    if (name != "sec-websocket-protocol") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (const std::string_view item = base::trim(rest.substr(0, end)); !item.empty()) protocols.push_back(item);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return protocols;
}

std::string_view chosen_protocol(const net::Request& request) {
  std::string_view chosen;
  for (const std::string_view protocol : offered_protocols(request)) {
    if (protocol == protocol_name) return protocol;
    if (chosen.empty() && protocol.starts_with(bearer_protocol)) chosen = protocol;
  }
  return chosen;
}

}  // namespace telltale::api
