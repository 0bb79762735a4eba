#include "pipeline/parse/line_start.h"

#include <algorithm>
#include <optional>

#include "pipeline/parse/line_formats.h"
#include "pipeline/parse/plain_head.h"
#include "pipeline/parse/time_parser.h"

namespace telltale::pipeline {

using record::Severity;

namespace {

constexpr TimeContext no_context{};
constexpr std::size_t access_time_reach = 200;
constexpr std::size_t longest_level_bracket = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool has_digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return false;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.begin() + static_cast<std::ptrdiff_t>(at + count), is_digit);
}

// 10:30:00, as in many console formats.
bool begins_with_clock(std::string_view text) {
  return has_digits(text, 0, 2) && has_digits(text, 3, 2) && has_digits(text, 6, 2) && text[2] == ':' && text[5] == ':' && text[0] < '3' &&
         text[3] < '6' && text[6] < '7';
}

bool begins_with_timestamp(std::string_view text) {
  return parse_time_prefix(text, no_context).has_value() || begins_with_clock(text);
}

// E0321 10:30:00.123456
bool begins_as_klog(std::string_view text) {
  static constexpr std::string_view letters = "DIWEF";
  return text.size() >= 22 && letters.find(text[0]) != std::string_view::npos && is_digit(text[1]) && is_digit(text[4]) &&
         parse_klog_time_prefix(text.substr(1), no_context).has_value();
}

// E, [2024-03-21T10:30:00.123456 #17] ERROR -- : text
bool begins_as_ruby_logger(std::string_view text) {
  return text.size() > 24 && text.substr(1).starts_with(", [") && begins_with_timestamp(text.substr(4));
}

// <34>
bool begins_with_priority(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && at < 4 && is_digit(text[at])) ++at;
  return at > 1 && at < text.size() && text[at] == '>';
}

// 192.0.2.1 - user [21/Mar/2024:10:30:00 +0000]
bool is_access_log(std::string_view text) {
  const std::size_t open = text.substr(0, access_time_reach).find(" [");
  return open != std::string_view::npos && text.size() > open + 22 && text[open + 4] == '/' && begins_with_timestamp(text.substr(open + 2));
}

// 17:M 21 Mar 2024 10:30:00.123 * text
bool begins_as_redis(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && at < 8 && is_digit(text[at])) ++at;
  return at + 3 < text.size() && text[at] == ':' && text[at + 2] == ' ' && begins_with_timestamp(text.substr(at + 3));
}

Severity severity_of_letter(char letter) {
  return record::parse_severity({&letter, 1}).value_or(Severity::unset);
}

std::size_t end_of_time(std::string_view line) {
  const std::size_t begin = line[0] == '[' ? 1 : 0;
  const std::optional<ParsedTime> time = parse_time_prefix(line.substr(begin), no_context);
  std::size_t at = begin + (time ? time->size : 8);
  if (at < line.size() && line[at] == ']') ++at;
  return at;
}

}  // namespace

bool begins_with_time(std::string_view line) {
  if (line.size() < 8) return false;
  const char first = line[0];
  if (is_digit(first)) return begins_with_timestamp(line) || begins_as_redis(line) || is_access_log(line);
  if (first == '[') return begins_with_timestamp(line.substr(1));
  if (first == '<') return begins_with_priority(line);
  if (first < 'A' || first > 'Z') return false;
  return begins_with_timestamp(line) || begins_as_klog(line) || begins_as_ruby_logger(line);
}

Severity level_at_start(std::string_view line) {
  if (line.size() < 4) return Severity::unset;
  const HeadLevel level = find_head_level(line, 0, false);
  const std::size_t before = skip_separators(line.substr(0, longest_level_bracket), 0);
  // "I am" begins with a word that is a level as well: one letter is too little.
  if (level.severity == Severity::unset || level.size < 3 || level.begin > before + 1) return Severity::unset;
  return level.severity;
}

LineStart look_at_start(std::string_view line) {
  LineStart start;
  start.timed = begins_with_time(line);
  if (!start.timed) {
    start.severity = level_at_start(line);
    start.levelled = start.severity != Severity::unset;
  } else if (begins_as_klog(line) || begins_as_ruby_logger(line)) {
    start.severity = severity_of_letter(line[0]);
  } else if (line[0] != '<') {
    start.severity = find_head_level(line, end_of_time(line), true).severity;
  }
  return start;
}

bool is_structured(std::string_view line) {
  if (line.empty()) return false;
  if (line[0] == '{') {
    while (line.size() > 1 && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    return line.size() > 1 && line.back() == '}';
  }
  if (begins_with_pair(line)) return true;
  if (line[0] != '[' && !is_digit(line[0])) return false;
  // Pairs behind a time.
  const std::size_t begin = line[0] == '[' ? 1 : 0;
  const std::optional<ParsedTime> time = parse_time_prefix(line.substr(begin), no_context);
  return time && begins_with_pair(line.substr(skip_separators(line, end_of_time(line))));
}

}  // namespace telltale::pipeline
