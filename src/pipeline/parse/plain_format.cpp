#include <algorithm>
#include <optional>

#include "pipeline/parse/line_formats.h"
#include "pipeline/parse/plain_head.h"
#include "pipeline/parse/syslog_format.h"

namespace telltale::pipeline {

using record::Severity;
using record::TextRef;

namespace {

// Where an access log's time may begin: behind an address, an identity and a user.
constexpr std::size_t access_time_reach = 200;

TextRef tail(TextRef region, std::size_t from) {
  return {region.offset + static_cast<std::uint32_t>(from), region.size - static_cast<std::uint32_t>(from)};
}

TextRef part(TextRef region, std::size_t from, std::size_t size) {
  return {region.offset + static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(size)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "2024-03-21T10:30:00.123456789Z stdout F text", of Kubernetes' container runtimes; `at` is behind the time.
std::optional<LineResult> parse_cri(RecordFields& fields, TextRef region, std::size_t at) {
  const std::string_view text = fields.view(region);
  const std::string_view rest = text.substr(at);
  if (!rest.starts_with(" stdout ") && !rest.starts_with(" stderr ")) return std::nullopt;
  const std::size_t tag = at + 8;
  if (tag >= text.size() || (text[tag] != 'F' && text[tag] != 'P') || (tag + 1 < text.size() && text[tag + 1] != ' ')) return std::nullopt;
  fields.add_named("stream", part(region, at + 1, 6));
  return LineResult{ParseOutcome::wrapped, tail(region, std::min(tag + 2, text.size()))};
}

// E0321 10:30:00.123456   12345 file.go:123] message; I20240321 10:30:00.123456 12345 file.cc:12] message
bool parse_klog(RecordFields& fields, TextRef region) {
  const std::string_view text = fields.view(region);
  static constexpr std::string_view letters = "DIWEF";
  if (text.size() < 22 || letters.find(text[0]) == std::string_view::npos || !is_digit(text[1]) || !is_digit(text[4])) return false;
  const std::optional<ParsedTime> time = parse_klog_time_prefix(text.substr(1), fields.time_context());
  if (!time) return false;
  std::size_t at = 1 + time->size;
  while (at < text.size() && text[at] == ' ') ++at;
  const std::size_t thread = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  const std::size_t thread_end = at;
  if (at == thread || at >= text.size() || text[at] != ' ') return false;
  const std::size_t caller = ++at;
  const std::size_t close = text.substr(0, caller + 128).find(']', caller);
  if (close == std::string_view::npos) return false;
  fields.set_time(*time);
  fields.set_level(part(region, 0, 1), record::parse_severity(text.substr(0, 1)).value_or(Severity::unset));
  const std::size_t body = close + (close + 1 < text.size() && text[close + 1] == ' ' ? 2 : 1);
  fields.add_named("thread", part(region, thread, thread_end - thread));
  fields.add_named("caller", part(region, caller, close - caller));
  if (body < region.size) fields.set_body(tail(region, body));
  return true;
}

// 192.0.2.1 - user [21/Mar/2024:10:30:00 +0000] "GET / HTTP/1.1" 200 512: the whole line is the message.
bool parse_access_log(RecordFields& fields, std::string_view text) {
  const std::size_t open = text.substr(0, access_time_reach).find(" [");
  if (open == std::string_view::npos || text.size() < open + 22 || text[open + 4] != '/') return false;
  const std::optional<ParsedTime> time = parse_time_prefix(text.substr(open + 2), fields.time_context());
  if (!time || time->layout != TimeLayout::clf) return false;
  fields.set_time(*time);
  return true;
}

// The time at the beginning, perhaps in a bracket; nothing when there is none. `at` is set behind it.
std::optional<ParsedTime> parse_leading_time(std::string_view text, const TimeContext& context, std::size_t& at) {
  const std::size_t begin = text[0] == '[' ? 1 : 0;
  const std::optional<ParsedTime> time = parse_time_prefix(text.substr(begin), context);
  if (!time) return std::nullopt;
  at = begin + time->size;
  if (begin == 1 && at < text.size() && text[at] == ']') ++at;
  return time;
}

LineResult parse_head(RecordFields& fields, TextRef region) {
  const std::string_view text = fields.view(region);
  std::size_t at = 0;
  const std::optional<ParsedTime> time = parse_leading_time(text, fields.time_context(), at);
  if (time) {
    fields.set_time(*time);
    if (time->layout == TimeLayout::iso) {
      if (const std::optional<LineResult> cri = parse_cri(fields, region, at)) return *cri;
    }
    const std::size_t next = skip_separators(text, at);
    if (begins_with_pair(text.substr(next))) return {ParseOutcome::wrapped, tail(region, next)};
    if (time->layout == TimeLayout::syslog && parse_syslog_origin(fields, region, at)) return {ParseOutcome::parsed};
  } else if (is_digit(text[0]) && parse_access_log(fields, text)) {
    return {ParseOutcome::parsed};
  }
  const HeadLevel level = find_head_level(text, at, time.has_value());
  if (level.severity != Severity::unset && !fields.has_level()) fields.set_level(part(region, level.begin, level.size), level.severity);
  const std::size_t body = level.severity != Severity::unset && level.adjacent ? level.body : time ? skip_separators(text, at) : 0;
  if (body < text.size()) fields.set_body(tail(region, body));
  return {ParseOutcome::parsed};
}

}  // namespace

LineResult parse_plain(RecordFields& fields, TextRef region) {
  const std::string_view text = fields.view(region);
  if (text.empty() || text[0] == ' ' || text[0] == '\t') return {ParseOutcome::parsed};
  if (text[0] == '<' && parse_syslog(fields, region)) return {ParseOutcome::parsed};
  if (text[0] >= 'D' && text[0] <= 'W' && parse_klog(fields, region)) return {ParseOutcome::parsed};
  return parse_head(fields, region);
}

}  // namespace telltale::pipeline
