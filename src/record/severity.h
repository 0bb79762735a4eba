// OpenTelemetry's severity numbers, 1 to 24, and the words programs use for them.
// Source of the numbers: OpenTelemetry Logs Data Model, "Severity Fields".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace telltale::record {

enum class Severity : std::uint8_t {
  unset = 0,
  trace = 1,
  debug = 5,
  info = 9,
  warn = 13,
  error = 17,
  fatal = 21,
  highest = 24,
};

// An error record has this severity or more, or a finding.
constexpr bool is_error(Severity severity) {
  return severity >= Severity::error;
}

// "ERROR", "warn", "Warning", "CRIT", "E", "notice", "panic", "50" (pino's and bunyan's numbers)… in any case; nothing for a word that
// is no level.
std::optional<Severity> parse_severity(std::string_view text);

// The range's name in lower case: "trace" "debug" "info" "warn" "error" "fatal"; "unset" for 0.
std::string_view severity_name(Severity severity);

// The four levels of the wire format: ERROR WARNING INFO DEBUG; unset is INFO.
std::string_view wire_level(Severity severity);

}  // namespace telltale::record
