#include "pipeline/redact/json_strings.h"

namespace telltale::pipeline {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four hex digits at `at`, or -1.
int code_unit(std::string_view raw, std::size_t at) {
  if (at + 4 > raw.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_value(raw[at + i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// UTF-8 of a code point of the basic plane; halves of surrogate pairs, which no secret is made of, become "?".
void append_utf8(std::string& out, int code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code >= 0xd800 && code < 0xe000) {
    out += '?';
  } else {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
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
    } else if (const int code = raw[i + 1] == 'u' ? code_unit(raw, i + 2) : -1; code >= 0) {
      append_utf8(out, code);
      i += 5;
    } else {
      out += raw[i];
    }
  }
}

}  // namespace telltale::pipeline
