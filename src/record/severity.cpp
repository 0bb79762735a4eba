#include "record/severity.h"

namespace telltale::record {
namespace {

// Up to 8 characters in one integer, letters in lower case: the words below are cases of one switch.
constexpr std::uint64_t pack(std::string_view text) {
  std::uint64_t packed = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    packed = packed << 8 | (byte >= 'A' && byte <= 'Z' ? byte | 0x20u : byte);
  }
  return packed;
}

constexpr Severity level(Severity base, int step) {
  return static_cast<Severity>(static_cast<int>(base) + step - 1);
}

std::optional<Severity> parse_below_warn(std::uint64_t packed) {
  switch (packed) {
    case pack("t"):
    case pack("trc"):
    case pack("trce"):
    case pack("trace"):
    case pack("v"):
    case pack("vrb"):
    case pack("verbose"):
    case pack("finest"):
    case pack("finer"):
    case pack("silly"):
    case pack("10"):
      return Severity::trace;
    case pack("d"):
    case pack("dbg"):
    case pack("dbug"):
    case pack("debug"):
    case pack("fine"):
    case pack("config"):
    case pack("20"):
    case pack("d1"):
    case pack("d2"):
    case pack("d3"):
    case pack("d4"):
    case pack("d5"):
    case pack("debug5"):
      return Severity::debug;
    case pack("i"):
    case pack("inf"):
    case pack("info"):
    case pack("log"):
    case pack("success"):
    case pack("30"):
      return Severity::info;
    case pack("notice"):
    case pack("n"):
    case pack("note"):
      return level(Severity::info, 2);
    default:
      return std::nullopt;
  }
}

// Syslog's words follow the mapping in appendix B of OpenTelemetry's Logs Data Model; "critical" is what Python and .NET call fatal.
std::optional<Severity> parse_from_warn(std::uint64_t packed) {
  switch (packed) {
    case pack("w"):
    case pack("wrn"):
    case pack("warn"):
    case pack("warning"):
    case pack("40"):
      return Severity::warn;
    case pack("e"):
    case pack("er"):
    case pack("err"):
    case pack("eror"):
    case pack("error"):
    case pack("severe"):
    case pack("fail"):
    case pack("50"):
      return Severity::error;
    case pack("crit"):
    case pack("dpanic"):
      return level(Severity::error, 2);
    case pack("alert"):
      return level(Severity::error, 3);
    case pack("f"):
    case pack("ftl"):
    case pack("fatal"):
    case pack("c"):
    case pack("critical"):
    case pack("panic"):
    case pack("emerg"):
    case pack("60"):
      return Severity::fatal;
    default:
      return std::nullopt;
  }
}

// "INFO2", "ERROR4", "DEBUG1": OpenTelemetry's short names (and PostgreSQL's DEBUG1 to DEBUG4).
std::optional<Severity> parse_numbered(std::string_view text) {
  if (text.size() < 5 || text.size() > 6 || text.back() < '1' || text.back() > '4') return std::nullopt;
  const int step = text.back() - '0';
  switch (pack(text.substr(0, text.size() - 1))) {
    case pack("trace"):
      return level(Severity::trace, step);
    case pack("debug"):
      return level(Severity::debug, step);
    case pack("info"):
      return level(Severity::info, step);
    case pack("warn"):
      return level(Severity::warn, step);
    case pack("error"):
      return level(Severity::error, step);
    case pack("fatal"):
      return level(Severity::fatal, step);
    default:
      return std::nullopt;
  }
}

std::optional<Severity> parse_long(std::string_view text) {
  const std::uint64_t head = pack(text.substr(0, 8));
  const std::uint64_t tail = pack(text.substr(8));
  if (head == pack("informat") && (tail == pack("ion") || tail == pack("ional"))) return Severity::info;
  if (head == pack("emergenc") && tail == pack("y")) return Severity::fatal;
  return std::nullopt;
}

}  // namespace

std::optional<Severity> parse_severity(std::string_view text) {
  // A NUL would vanish in pack().
  if (text.empty() || text.size() > 13 || text.find('\0') != std::string_view::npos) return std::nullopt;
  if (text.size() > 8) return parse_long(text);
  const std::uint64_t packed = pack(text);
  if (const auto found = parse_below_warn(packed)) return found;
  if (const auto found = parse_from_warn(packed)) return found;
  return parse_numbered(text);
}

std::string_view severity_name(Severity severity) {
  static constexpr std::array<std::string_view, 6> names = {"trace", "debug", "info", "warn", "error", "fatal"};
  const auto number = static_cast<unsigned>(severity);
  if (number == 0 || number > 24) return "unset";
  return names[(number - 1) / 4];
}

std::string_view wire_level(Severity severity) {
  if (severity == Severity::unset || (severity >= Severity::info && severity < Severity::warn)) return "INFO";
  if (severity < Severity::info) return "DEBUG";
  return severity < Severity::error ? "WARNING" : "ERROR";
}

}  // namespace telltale::record
