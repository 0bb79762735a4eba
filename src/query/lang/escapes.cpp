#include "query/lang/escapes.h"

#include <charconv>
#include <cstdint>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"

namespace telltale::query {
namespace {

std::optional<char> simple_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
      return '\\';
    case '"':
      return '"';
    default:
      return std::nullopt;
  }
}

std::optional<std::uint32_t> read_digits(std::string_view text, std::size_t at, std::size_t count, int base) {
  if (text.size() < at + count) return std::nullopt;
  std::uint32_t value = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + count, value, base);
  if (error != std::errc{} || end != begin + count) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::size_t> read_escape(std::string_view text, std::size_t at, std::string& out) {
  if (at + 1 >= text.size()) return std::nullopt;
  const char kind = text[at + 1];
  if (const auto simple = simple_escape(kind)) {
    out.push_back(*simple);
    return 2;
  }
  if (kind == 'x') {
    const auto value = read_digits(text, at + 2, 2, 16);
    if (!value) return std::nullopt;
    out.push_back(static_cast<char>(*value));
    return 4;
  }
  if (kind == 'u' || kind == 'U') {
    const std::size_t digits = kind == 'u' ? 4 : 8;
    const auto value = read_digits(text, at + 2, digits, 16);
    if (!value || !base::append_utf8(out, *value)) return std::nullopt;
    return 2 + digits;
  }
  const auto value = read_digits(text, at + 1, 3, 8);
  if (!value || *value > 0xFFu) return std::nullopt;
  out.push_back(static_cast<char>(*value));
  return 4;
}

void append_quoted(std::string& out, std::string_view text) {
  const bool keep_high = base::is_valid_utf8(text);
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20u || byte == 0x7Fu || (byte >= 0x80u && !keep_high)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace telltale::query
