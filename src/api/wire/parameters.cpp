#include "api/wire/parameters.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;

namespace {

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) {
  return "'" + base::to_printable(text.substr(0, 100)) + "'";
}

}  // namespace

base::Status check_parameters(const net::Request& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string allowed;
    for (const std::string_view one : known) {
      if (!allowed.empty()) allowed += ", ";
      allowed += one;
    }
    return fail(ErrorCode::invalid_argument, "there is no parameter " + quoted(name) + " here",
                allowed.empty() ? std::string("Leave it out.") : "Use: " + allowed + ".");
  }
  return {};
}

base::Result<base::UnixNanos> time_parameter(const net::Request& request, std::string_view name, base::UnixNanos fallback) {
  const auto text = request.parameter(name);
  if (!text || text->empty()) return fallback;
  if (const auto nanos = parse_integer<base::UnixNanos>(*text)) return *nanos;
  if (const auto time = base::parse_rfc3339(*text)) return *time;
  return fail(ErrorCode::invalid_argument, std::string(name) + " " + quoted(*text) + " is no time",
              "Give RFC 3339 (2026-11-21T01:02:03Z) or nanoseconds since 1970.");
}

base::Result<std::uint64_t> number_parameter(const net::Request& request, std::string_view name, std::uint64_t fallback,
                                             std::uint64_t lowest, std::uint64_t highest) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  const auto number = parse_integer<std::uint64_t>(*text);
  if (number && *number >= lowest && *number <= highest) return *number;
  return fail(ErrorCode::invalid_argument, std::string(name) + " " + quoted(*text) + " is not allowed",
              "Give a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest) + ".");
}

base::Result<bool> flag_parameter(const net::Request& request, std::string_view name, bool fallback) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  if (*text == "true" || *text == "false") return *text == "true";
  return fail(ErrorCode::invalid_argument, std::string(name) + " " + quoted(*text) + " is not allowed", "Give true or false.");
}

std::optional<std::uint64_t> parse_sequence(std::string_view text) {
  return parse_integer<std::uint64_t>(text);
}

}  // namespace telltale::api
