#include "pipeline/parse/syslog_format.h"

#include <algorithm>
#include <optional>

#include "pipeline/parse/plain_head.h"

namespace telltale::pipeline {

using record::Severity;
using record::TextRef;

namespace {

constexpr std::size_t longest_word = 255;

TextRef part(TextRef region, std::size_t from, std::size_t to) {
  return {region.offset + static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Priority {
  unsigned value = 0;
  std::size_t size = 0;  // with its brackets
};

std::optional<Priority> parse_priority(std::string_view text) {
  Priority priority;
  std::size_t at = 1;
  while (at < text.size() && at < 4 && is_digit(text[at])) priority.value = priority.value * 10 + static_cast<unsigned>(text[at++] - '0');
  if (at == 1 || at >= text.size() || text[at] != '>' || priority.value > 191) return std::nullopt;
  priority.size = at + 1;
  return priority;
}

// Source: OpenTelemetry Logs Data Model, appendix B, syslog.
Severity severity_of(const Priority& priority) {
  static constexpr unsigned char severities[] = {21, 19, 18, 17, 13, 10, 9, 5};
  return static_cast<Severity>(severities[priority.value % 8]);
}

std::size_t word_end(std::string_view text, std::size_t at) {
  return std::min(text.substr(0, at + longest_word).find(' ', at), text.size());
}

// The end of structured data: "-" or elements [id name="value" …] with \" \\ \] escaped in values. 0 when it is none.
std::size_t structured_data_end(std::string_view text, std::size_t at) {
  if (at < text.size() && text[at] == '-') return at + 1;
  const std::size_t begin = at;
  while (at < text.size() && text[at] == '[') {
    bool quoted = false;
    for (++at; at < text.size() && (quoted || text[at] != ']'); ++at) {
      if (text[at] == '"') quoted = !quoted;
      if (text[at] == '\\' && quoted) ++at;
    }
    if (at >= text.size()) return 0;
    ++at;
  }
  return at == begin ? 0 : at;
}

void add_unless_nil(RecordFields& fields, std::string_view name, TextRef value) {
  if (fields.view(value) != "-") fields.add_named(name, value);
}

// Behind "<pri>1 ".
bool parse_5424(RecordFields& fields, TextRef region, std::size_t at) {
  const std::string_view text = fields.view(region);
  struct Word {
    std::size_t begin, end;
  } words[5];  // time host app process message-id
  for (Word& word : words) {
    word = {at, word_end(text, at)};
    if (word.end == text.size() || word.end == word.begin) return false;
    at = word.end + 1;
  }
  const std::string_view written = text.substr(words[0].begin, words[0].end - words[0].begin);
  const std::optional<ParsedTime> time = parse_time(written, fields.time_context());
  const std::size_t data_end = structured_data_end(text, at);
  if ((!time && written != "-") || data_end == 0) return false;
  if (time) fields.set_time(*time);
  static constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  std::size_t body = std::min(data_end + 1, text.size());
  if (text.substr(body).starts_with(byte_order_mark)) body += byte_order_mark.size();
  fields.set_body(part(region, body, text.size()));
  static constexpr std::string_view names[] = {"host", "app", "pid", "msgid"};
  for (std::size_t i = 0; i < std::size(names); ++i) add_unless_nil(fields, names[i], part(region, words[i + 1].begin, words[i + 1].end));
  return true;
}

bool parse_3164(RecordFields& fields, TextRef region, std::size_t at) {
  const std::optional<ParsedTime> time = parse_time_prefix(fields.view(region).substr(at), fields.time_context());
  if (!time) return false;
  if (!parse_syslog_origin(fields, region, at + time->size)) {
    fields.set_body(part(region, skip_separators(fields.view(region), at + time->size), region.size));
  }
  fields.set_time(*time);
  return true;
}

struct Origin {
  std::size_t host, host_end, app, app_end;
  std::size_t pid = 0, pid_end = 0;
  std::size_t body = 0;
};

std::optional<Origin> find_origin(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != ' ') return std::nullopt;
  Origin origin{};
  origin.host = at + 1;
  origin.host_end = word_end(text, origin.host);
  origin.app = origin.host_end + 1;
  if (origin.host_end == origin.host || origin.app >= text.size()) return std::nullopt;
  if (record::parse_severity(text.substr(origin.host, origin.host_end - origin.host))) return std::nullopt;
  std::size_t end = origin.app;
  while (end < text.size() && end - origin.app < longest_word && text[end] != ' ' && text[end] != '[' && text[end] != ':') ++end;
  origin.app_end = end;
  if (end == origin.app || end >= text.size()) return std::nullopt;
  if (text[end] == '[') {
    origin.pid = ++end;
    while (end < text.size() && is_digit(text[end])) ++end;
    origin.pid_end = end;
    if (end >= text.size() || text[end] != ']') return std::nullopt;
    ++end;
  }
  if (end >= text.size() || text[end] != ':') return std::nullopt;
  ++end;
  origin.body = end < text.size() && text[end] == ' ' ? end + 1 : end;
  return origin;
}

}  // namespace

bool parse_syslog_origin(RecordFields& fields, TextRef region, std::size_t at) {
  const std::string_view text = fields.view(region);
  const std::optional<Origin> origin = find_origin(text, at);
  if (!origin) return false;
  std::size_t body = origin->body;
  if (!fields.has_level() && body < text.size()) {
    const HeadLevel level = find_head_level(text, body, false);
    if (level.severity != Severity::unset) {
      fields.set_level(part(region, level.begin, level.begin + level.size), level.severity);
      if (level.adjacent) body = level.body;
    }
  }
  fields.set_body(part(region, std::min(body, text.size()), text.size()));
  fields.add_named("host", part(region, origin->host, origin->host_end));
  fields.add_named("app", part(region, origin->app, origin->app_end));
  if (origin->pid_end > origin->pid) fields.add_named("pid", part(region, origin->pid, origin->pid_end));
  return true;
}

bool parse_syslog(RecordFields& fields, TextRef region) {
  const std::string_view text = fields.view(region);
  const std::optional<Priority> priority = parse_priority(text);
  if (!priority) return false;
  const std::size_t at = priority->size;
  if (!fields.has_level()) fields.set_level({}, severity_of(*priority));
  if (text.substr(at).starts_with("1 ") ? parse_5424(fields, region, at + 2) : parse_3164(fields, region, at)) return true;
  fields.set_level({}, Severity::unset);
  return false;
}

}  // namespace telltale::pipeline
