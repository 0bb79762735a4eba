#include "pipeline/ids/id_finder.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "pipeline/parse/id_values.h"

namespace telltale::pipeline {

using record::Record;
using record::TextRef;

namespace {

constexpr std::size_t longest_test_id = 512;
constexpr std::size_t longest_prefix = 8;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

// A name of its own, or behind one of the prefixes that libraries put before it: x-test-id, dd.trace_id, otelTraceID.
bool begins_name(std::string_view line, std::size_t at) {
  if (at == 0 || (!is_word(line[at - 1]) && line[at - 1] != '-' && line[at - 1] != '.')) return true;
  std::size_t end = at;
  if (!is_letter(line[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && end - begin < longest_prefix && is_letter(line[begin - 1])) --begin;
  if (begin > 0 && is_word(line[begin - 1])) return false;
  const std::string_view prefix = line.substr(begin, end - begin);
  if (end < at && line[end] == '.') return !prefix.empty();
  if (end < at) return base::equals_ignoring_case(prefix, "x") || base::equals_ignoring_case(prefix, "dd");
  return base::equals_ignoring_case(prefix, "otel");
}

// The place of the value behind a name that ends at `at`, and the quote it stands in; nothing when no value is given.
struct Value {
  std::size_t begin = 0;
  char quote = 0;
  bool equals = false;  // behind "=", as in a baggage
};

void skip_spaces(std::string_view line, std::size_t& at) {
  while (at < line.size() && line[at] == ' ') ++at;
}

char skip_quote(std::string_view line, std::size_t& at) {
  if (at + 1 < line.size() && line[at] == '\\' && line[at + 1] == '"') ++at;
  if (at >= line.size() || (line[at] != '"' && line[at] != '\'')) return 0;
  return line[at++];
}

std::optional<Value> find_value(std::string_view line, std::size_t at) {
  skip_quote(line, at);
  const std::size_t name_end = at;
  skip_spaces(line, at);
  if (at >= line.size() || (line[at] != '=' && line[at] != ':')) return std::nullopt;
  Value value;
  value.equals = line[at] == '=';
  // "a= b" is an empty value, "a = b" and "a: b" are none.
  const bool spaced = at > name_end || !value.equals;
  ++at;
  if (at < line.size() && (line[at] == '>' || line[at] == '=')) ++at;
  if (spaced) skip_spaces(line, at);
  value.quote = skip_quote(line, at);
  value.begin = at;
  return value;
}

bool ends_value(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == ',' || c == ';' || c == '"' || c == '\'' || c == '\\' || c == '&' || c == '<' ||
         c == '>';
}

// A value without quotes ends at a space or separator, or at a bracket that began before it: "[test_id=a::b[1]]" holds "a::b[1]".
std::size_t end_of_bare(std::string_view line, std::size_t begin) {
  int depth = 0;
  std::size_t end = begin;
  for (; end < line.size() && end - begin <= longest_test_id && !ends_value(line[end]); ++end) {
    const char c = line[end];
    if (c == '[' || c == '(' || c == '{') ++depth;
    if ((c == ']' || c == ')' || c == '}') && --depth < 0) break;
  }
  while (end > begin && (line[end - 1] == '.' || line[end - 1] == ':')) --end;
  return end;
}

std::string_view value_text(std::string_view line, const Value& value) {
  if (value.quote == 0) return line.substr(value.begin, end_of_bare(line, value.begin) - value.begin);
  const std::string_view rest = line.substr(value.begin, longest_test_id + 1);
  const char ends[] = {value.quote, '\\', '\n', 0};
  const std::size_t end = rest.find_first_of(ends);
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

bool is_no_value(std::string_view text) {
  static constexpr std::array<std::string_view, 6> words{"-", "null", "none", "nil", "undefined", "<nil>"};
  return text.empty() || text.size() > longest_test_id || text.starts_with("[REDACTED:") ||
         std::ranges::any_of(words, [&](std::string_view word) { return base::equals_ignoring_case(text, word); });
}

// The id of `size` digits at `begin`, with no further digit or letter behind it.
bool is_id_at(std::string_view line, std::size_t begin, std::size_t size) {
  const std::string_view text = line.substr(std::min(begin, line.size()), size);
  return is_hex_id(text, size) && (begin + size == line.size() || !is_word(line[begin + size]));
}

// Sets `id` unless it is known.
void set(TextRef& id, const Record& record, std::size_t begin, std::size_t size) {
  if (id.empty()) id = {record.line.offset + static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size)};
}

void take_hex(TextRef& id, const Record& record, std::string_view line, std::size_t begin, std::size_t size) {
  if (is_id_at(line, begin, size)) set(id, record, begin, size);
}

}  // namespace

IdFinder::IdFinder(ScannerBuilder& builder) {
  for (const std::string_view name : {"test_id", "test-id", "testid", "test.id"}) add(builder, name, Kind::test);
  for (const std::string_view name : {"trace_id", "trace-id", "traceid", "trace.id"}) add(builder, name, Kind::trace);
  for (const std::string_view name : {"span_id", "span-id", "spanid", "span.id"}) add(builder, name, Kind::span);
  add(builder, "traceparent", Kind::parent);
  add(builder, "test.case.name", Kind::baggage);
}

void IdFinder::add(ScannerBuilder& builder, std::string_view name, Kind kind) {
  const LiteralId id = builder.add(name, true);
  if (id >= names_.size()) names_.resize(id + std::size_t{1});
  names_[id] = {kind, static_cast<std::uint8_t>(name.size())};
}

bool IdFinder::find(const record::Batch& batch, Record& record, std::span<const Hit> hits, std::uint32_t base) const {
  bool encoded = false;
  for (const Hit& hit : hits) {
    if (hit.literal >= names_.size() || names_[hit.literal].kind == Kind::none) continue;
    const Name& name = names_[hit.literal];
    if (is_known(record, name.kind)) continue;
    const std::string_view line = batch.line(record);
    const std::size_t end = hit.end - base;
    if (!begins_name(line, end - name.size)) continue;
    const std::optional<Value> value = find_value(line, end);
    if (!value) continue;
    if (name.kind == Kind::trace) take_hex(record.trace_id, record, line, value->begin, 32);
    if (name.kind == Kind::span) take_hex(record.span_id, record, line, value->begin, 16);
    if (name.kind == Kind::parent && is_traceparent(line.substr(value->begin))) {
      take_hex(record.trace_id, record, line, value->begin + traceparent_trace, 32);
      take_hex(record.span_id, record, line, value->begin + traceparent_span, 16);
    }
    if (name.kind != Kind::test && name.kind != Kind::baggage) continue;
    const std::string_view text = value_text(line, *value);
    if (is_no_value(text)) continue;
    set(record.test_id, record, value->begin, text.size());
    encoded = name.kind == Kind::baggage && value->equals && text.find('%') != std::string_view::npos;
  }
  return encoded;
}

bool IdFinder::is_known(const Record& record, Kind kind) {
  if (kind == Kind::span) return !record.span_id.empty();
  return kind == Kind::test || kind == Kind::baggage ? !record.test_id.empty() : !record.trace_id.empty();
}

}  // namespace telltale::pipeline
