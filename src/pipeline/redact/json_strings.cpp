#include "pipeline/redact/json_strings.h"

#include "base/encoding.h"

namespace telltale::pipeline {
namespace {

// Of the four hex digits at `at`.
std::optional<std::uint32_t> code_unit(std::string_view raw, std::size_t at) {
  return at + 4 <= raw.size() ? base::read_hex(raw.substr(at, 4)) : std::nullopt;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case '"':
    case '\\':
    case '/':
      return c;
    default:
      return '\0';
  }
}

}  // namespace

std::optional<JsonString> next_json_string(std::string_view text, std::size_t at) {
  const std::size_t open = text.find('"', at);
  if (open == std::string_view::npos) return std::nullopt;
  JsonString string{static_cast<std::uint32_t>(open + 1), 0, false};
  std::size_t i = open + 1;
  while (i < text.size() && text[i] != '"') {
    if (text[i] == '\\') {
      string.escaped = true;
      ++i;
    }
    ++i;
  }
  string.end = static_cast<std::uint32_t>(i < text.size() ? i : text.size());
  return string;
}

void unescape_json(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      out += raw[i];
      continue;
    }
    if (const char simple = simple_escape(raw[i + 1]); simple != '\0') {
      out += simple;
      ++i;
    } else if (const auto code = raw[i + 1] == 'u' ? code_unit(raw, i + 2) : std::nullopt) {
      // Halves of surrogate pairs: no secret is made of them.
      if (!base::append_utf8(out, *code)) out += '?';
      i += 5;
    } else {
      out += raw[i];
    }
  }
}

}  // namespace telltale::pipeline
