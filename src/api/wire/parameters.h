// Values of a request's query string, checked.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "net/http/http.h"

namespace telltale::api {

// invalid_argument names the first parameter that is none of `known`.
base::Status check_parameters(const net::Request& request, std::initializer_list<std::string_view> known);

// RFC 3339, or nanoseconds since 1970 as an integer; `fallback` when missing.
base::Result<base::UnixNanos> time_parameter(const net::Request& request, std::string_view name, base::UnixNanos fallback);

// A whole number from `lowest` to `highest`; `fallback` when missing.
base::Result<std::uint64_t> number_parameter(const net::Request& request, std::string_view name, std::uint64_t fallback,
                                             std::uint64_t lowest, std::uint64_t highest);

// "true" or "false"; `fallback` when missing.
base::Result<bool> flag_parameter(const net::Request& request, std::string_view name, bool fallback);

// A sequence as a decimal number; nothing when the text is none.
std::optional<std::uint64_t> parse_sequence(std::string_view text);

}  // namespace telltale::api
