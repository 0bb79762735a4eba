#include "pipeline/redact/rule.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace telltale::pipeline {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool alnum(char c) {
  return digit(c) || upper(c) || lower(c);
}

constexpr int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// Whether `text` is base64 of printable text with a colon in it.
bool is_basic_pair(std::string_view text) {
  unsigned bits = 0;
  int have = 0;
  bool colon = false;
  for (const char c : text) {
    if (c == '=') break;
    const int value = base64_value(c);
    if (value < 0) return false;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    const auto byte = static_cast<unsigned char>(bits >> have);
    if (byte < 0x20 || byte == 0x7f) return false;
    colon = colon || byte == ':';
  }
  return colon;
}

bool is_mail(std::string_view text) {
  static constexpr std::array<std::string_view, 16> file_suffixes{"png", "jpg",  "jpeg", "gif", "svg", "webp", "js",  "ts",
                                                                  "css", "html", "json", "xml", "yml", "yaml", "log", "service"};
  const std::size_t at = text.rfind('@');
  const std::size_t dot = text.rfind('.');
  if (at == std::string_view::npos || at == 0 || dot == std::string_view::npos || dot < at || text[at - 1] == '.') return false;
  const std::string_view suffix = text.substr(dot + 1);
  return suffix.size() >= 2 && std::ranges::find(file_suffixes, base::to_lower(suffix)) == file_suffixes.end();
}

bool is_one_character(std::string_view text) {
  return std::ranges::all_of(text, [&](char c) { return c == text.front(); });
}

}  // namespace

bool in_chars(Chars set, char c) {
  switch (set) {
    case Chars::none:
      return false;
    case Chars::digit:
      return digit(c);
    case Chars::hex:
      return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    case Chars::alnum:
      return alnum(c);
    case Chars::base32:
      return upper(c) || (c >= '2' && c <= '7');
    case Chars::base64:
      return alnum(c) || c == '+' || c == '/';
    case Chars::base64url:
      return alnum(c) || c == '_' || c == '-';
    case Chars::azure:
      return alnum(c) || c == '_' || c == '-' || c == '~' || c == '.';
    case Chars::scheme:
      return alnum(c) || c == '+' || c == '.' || c == '-';
    case Chars::mail:
      return alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
    case Chars::not_space:
      return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '\'' && c != '<' && c != '>' && c != '`';
  }
  return false;
}

std::string_view chars_pattern(Chars set) {
  switch (set) {
    case Chars::none:
      return "";
    case Chars::digit:
      return "[0-9]";
    case Chars::hex:
      return "[0-9a-fA-F]";
    case Chars::alnum:
      return "[A-Za-z0-9]";
    case Chars::base32:
      return "[A-Z2-7]";
    case Chars::base64:
      return "[A-Za-z0-9+/]";
    case Chars::base64url:
      return "[A-Za-z0-9_-]";
    case Chars::azure:
      return "[A-Za-z0-9_~.-]";
    case Chars::scheme:
      return "[A-Za-z0-9+.-]";
    case Chars::mail:
      return "[A-Za-z0-9._%+-]";
    case Chars::not_space:
      return "[^\\s\"'<>`]";
  }
  return "";
}

double entropy(std::string_view text) {
  if (text.empty()) return 0;
  std::array<unsigned, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const unsigned count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool passes(Check check, std::string_view secret) {
  switch (check) {
    case Check::none:
      return true;
    case Check::not_example:
      return !secret.ends_with("EXAMPLE") && !is_one_character(secret.substr(std::min<std::size_t>(secret.size() / 2, 8)));
    case Check::random:
      return std::ranges::any_of(secret, digit) && entropy(secret) >= 3.0;
    case Check::basic_pair:
      return is_basic_pair(secret);
    case Check::mail:
      return is_mail(secret);
  }
  return true;
}

bool is_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_rule_name &&
         std::ranges::all_of(name, [](char c) { return in_chars(Chars::base64url, c); });
}

std::size_t marker_size(std::string_view text) {
  if (!text.starts_with(marker_begin)) return 0;
  const std::size_t end = text.substr(0, longest_marker).find(']');
  if (end == std::string_view::npos || !is_rule_name(text.substr(marker_begin.size(), end - marker_begin.size()))) return 0;
  return end + 1;
}

bool is_placeholder(std::string_view value) {
  static constexpr std::array<std::string_view, 25> words{
      "null",       "nil",      "none",     "true",       "false",      "undefined", "(null)",           "<nil>",    "hidden",
      "redacted",   "filtered", "masked",   "removed",    "omitted",    "***",       "[filtered]",       "[masked]", "[hidden]",
      "[redacted]", "<hidden>", "<masked>", "<redacted>", "(redacted)", "[omitted]", "\\u003cnil\\u003e"};
  value = base::trim(value);
  if (value.empty() || (value.starts_with(marker_begin) && marker_size(value) == value.size())) return true;
  if (std::ranges::all_of(
          value, [](char c) { return c == '*' || c == '.' || c == '-' || c == '_' || c == '\xe2' || c == '\x80' || c == '\xa2'; })) {
    return true;
  }
  if (value.size() >= 3 && (value.front() == 'x' || value.front() == 'X') && is_one_character(value)) return true;
  if ((value.starts_with("${") && value.ends_with("}")) || (value.starts_with("{{") && value.ends_with("}}")) ||
      (value.starts_with("$(") && value.ends_with(")"))) {
    return true;
  }
  return value.size() <= 16 && std::ranges::any_of(words, [&](std::string_view word) { return base::equals_ignoring_case(word, value); });
}

}  // namespace telltale::pipeline
