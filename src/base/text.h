// Small text tools that more than one layer needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::base {

// `text` as valid UTF-8: every byte that is no part of a well-formed sequence becomes U+FFFD.
std::string to_valid_utf8(std::string_view text);
bool is_valid_utf8(std::string_view text);

// Appends `text` as the inside of a JSON string (no quotes): escapes control characters, quotes and backslash; invalid UTF-8 becomes
// U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);
// "…" with quotes.
void append_json_string(std::string& out, std::string_view text);

// Bytes of the well-formed UTF-8 sequence that `text` (not empty) begins with when it may be shown as it is; 0 for bytes that are none
// and for what steers the place it is shown in: control characters but tab, line and paragraph separators, bidirectional controls.
std::size_t printable_length(std::string_view text);
// For terminals and files: everything that is not printable as \xNN, so that a log line cannot steer the terminal.
std::string to_printable(std::string_view text);

// RFC 3339 in UTC with `digits` (0, 3, 6, 9) fractional digits: 2026-11-21T01:02:03.123456789Z.
std::string format_rfc3339(UnixNanos time, int digits = 9);
void append_rfc3339(std::string& out, UnixNanos time, int digits = 9);
// Accepts RFC 3339 with any fraction (digits after the ninth are dropped) and zone; empty when it is not one, or outside of the years
// 1678 to 2261 that 64 bits of nanoseconds can hold.
std::optional<UnixNanos> parse_rfc3339(std::string_view text);

// "10ms", "1.5s", "2m", "3h", "7d" and sums of them such as "1h30m", or "0"; in nanoseconds. format_duration() is its inverse.
Result<std::int64_t> parse_duration(std::string_view text);
std::string format_duration(std::int64_t nanos);
// "512", "64KiB", "10MB", "1GiB"; units in any case. format_bytes() is its inverse: exact, in the largest unit without a fraction.
Result<std::uint64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::uint64_t bytes);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);
// Levenshtein distance, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);

// RFC 4648, section 5. Written without padding; read with or without it, nothing else that is not canonical.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

// Equal, in a time that depends on the lengths only.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace telltale::base
