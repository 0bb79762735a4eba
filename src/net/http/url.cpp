// URLs of the clients: parse_url and url_encode of client.h.
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "net/http/client.h"

namespace telltale::net {

using base::ErrorCode;
using base::fail;

namespace {

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? 443 : 80;
}

bool known_scheme(std::string_view scheme) {
  return scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss";
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

bool holds_space_or_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return true;
  }
  return false;
}

// Takes ":port" off the end of "host:port" or "[v6]:port"; false when the port is no number from 1 to 65535.
bool take_port(std::string_view& authority, std::uint16_t& port) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return true;
  const std::string_view digits = authority.substr(colon + 1);
  authority = authority.substr(0, colon);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port != 0;
}

// Takes the brackets off "[v6]".
bool take_host(std::string_view& authority) {
  if (authority.starts_with('[')) {
    if (!authority.ends_with(']')) return false;
    authority = authority.substr(1, authority.size() - 2);
    return !authority.empty();
  }
  return !authority.empty() && authority.find_first_of(":[]") == std::string_view::npos;
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  // The URL itself may hold a password, so errors do not repeat it.
  if (holds_space_or_control(text)) return fail(ErrorCode::invalid_argument, "the URL holds a space or a control character");
  const std::size_t mark = text.find("://");
  Url url;
  if (mark != std::string_view::npos) url.scheme = base::to_lower(text.substr(0, mark));
  if (!known_scheme(url.scheme)) {
    return fail(ErrorCode::invalid_argument, "the URL does not begin with http://, https://, ws:// or wss://",
                "Write it like http://127.0.0.1:8765.");
  }
  text.remove_prefix(mark + 3);
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, "the URL holds a user name or password", "Give the token as an option instead.");
  }
  url.port = default_port(url.scheme);
  if (!take_port(authority, url.port)) return fail(ErrorCode::invalid_argument, "the URL's port is not a number from 1 to 65535");
  if (!take_host(authority)) return fail(ErrorCode::invalid_argument, "the URL names no host, or not in a valid form");
  url.host = authority;
  std::string_view target = text.substr(end);
  target = target.substr(0, target.find('#'));
  url.target = target.starts_with('/') ? std::string(target) : fmt::format("/{}", target);
  return url;
}

std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (unreserved(c)) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace telltale::net
