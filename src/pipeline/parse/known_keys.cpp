#include "pipeline/parse/known_keys.h"

#include <cstring>

namespace telltale::pipeline {

namespace {

struct Row {
  std::string_view name;  // lower case, without _ . -
  KnownKey known;
};

// Sorted by length. Sources: the documented fields of python-json-logger, structlog, pino, bunyan, zap, zerolog, logrus, Serilog's
// compact format (@t @m @mt @l @tr @sp), Elastic Common Schema, GELF, systemd's journal export, Docker's json-file, OpenTelemetry.
constexpr Row rows[] = {
    {"t", {KeyRole::time}},
    {"@t", {KeyRole::time}},
    {"ts", {KeyRole::time}},
    {"@l", {KeyRole::level}},
    {"@m", {KeyRole::message, 7}},
    {"@tr", {KeyRole::trace_id}},
    {"@sp", {KeyRole::span_id}},
    {"@mt", {KeyRole::message, 3}},
    {"lvl", {KeyRole::level}},
    {"msg", {KeyRole::message, 8}},
    {"log", {KeyRole::message, 1}},
    {"time", {KeyRole::time}},
    {"date", {KeyRole::time}},
    {"text", {KeyRole::message, 2}},
    {"body", {KeyRole::message, 4}},
    {"span", {KeyRole::container}},
    {"tags", {KeyRole::container}},
    {"level", {KeyRole::level}},
    {"event", {KeyRole::message, 5}},
    {"trace", {KeyRole::container}},
    {"spanid", {KeyRole::span_id}},
    {"testid", {KeyRole::test_id}},
    {"labels", {KeyRole::container}},
    {"fields", {KeyRole::container}},
    {"traceid", {KeyRole::trace_id}},
    {"xtestid", {KeyRole::test_id}},
    {"asctime", {KeyRole::time}},
    {"message", {KeyRole::message, 9}},
    {"baggage", {KeyRole::baggage}},
    {"context", {KeyRole::container}},
    {"headers", {KeyRole::container}},
    {"ddspanid", {KeyRole::span_id}},
    {"datetime", {KeyRole::time}},
    {"severity", {KeyRole::level}},
    {"loglevel", {KeyRole::level}},
    {"metadata", {KeyRole::container}},
    {"ddtraceid", {KeyRole::trace_id}},
    {"timestamp", {KeyRole::time}},
    {"eventtime", {KeyRole::time}},
    {"levelname", {KeyRole::level}},
    {"otelspanid", {KeyRole::span_id}},
    {"@timestamp", {KeyRole::time}},
    {"timemillis", {KeyRole::time}},
    {"attributes", {KeyRole::container}},
    {"oteltraceid", {KeyRole::trace_id}},
    {"traceparent", {KeyRole::traceparent}},
    {"testcasename", {KeyRole::test_id}},
    {"shortmessage", {KeyRole::message, 6}},
    {"severitytext", {KeyRole::level}},
    {"severitynumber", {KeyRole::severity_number}},
    {"syslogseverity", {KeyRole::syslog_level}},
    {"realtimetimestamp", {KeyRole::time}},
};

constexpr std::size_t longest = 17;

// first_of[n]: where the names of n bytes begin.
constexpr std::array<std::uint8_t, longest + 2> make_first_of() {
  std::array<std::uint8_t, longest + 2> result{};
  std::size_t row = 0;
  for (std::size_t size = 0; size <= longest + 1; ++size) {
    while (row < std::size(rows) && rows[row].name.size() < size) ++row;
    result[size] = static_cast<std::uint8_t>(row);
  }
  return result;
}
constexpr auto first_of = make_first_of();

constexpr bool sorted_by_length() {
  for (std::size_t i = 1; i < std::size(rows); ++i) {
    if (rows[i].name.size() < rows[i - 1].name.size()) return false;
  }
  return rows[std::size(rows) - 1].name.size() == longest;
}
static_assert(sorted_by_length());

}  // namespace

KnownKey known_key(std::string_view key) {
  // journald writes syslog's number under exactly this name; "priority" in other programs is anything.
  if (key == "PRIORITY") return {KeyRole::syslog_level};
  if (key.size() > longest + 4) return {};
  char name[longest + 4];
  std::size_t size = 0;
  for (const char c : key) {
    if (c == '_' || c == '.' || c == '-') continue;
    name[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  if (size == 0 || size > longest) return {};
  for (std::size_t row = first_of[size]; row < first_of[size + 1]; ++row) {
    if (rows[row].name[0] == name[0] && std::memcmp(rows[row].name.data(), name, size) == 0) return rows[row].known;
  }
  return {};
}

KnownKey KeyMemory::look_up(std::size_t place, std::string_view key) {
  if (place >= entries_.size() || key.size() > sizeof(Entry::text)) return known_key(key);
  Entry& entry = entries_[place];
  if (entry.size == key.size() && std::memcmp(entry.text.data(), key.data(), key.size()) == 0) return entry.known;
  entry.known = known_key(key);
  entry.size = static_cast<std::uint8_t>(key.size());
  std::memcpy(entry.text.data(), key.data(), key.size());
  return entry.known;
}

}  // namespace telltale::pipeline
