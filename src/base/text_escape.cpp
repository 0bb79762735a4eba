#include <array>
#include <cstring>

#include "base/text.h"

namespace telltale::base {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr char hex_digits[] = "0123456789abcdef";

bool between(unsigned char byte, unsigned char low, unsigned char high) {
  return byte >= low && byte <= high;
}

// The allowed second bytes of a sequence; the first bytes E0, ED, F0 and F4 narrow them (Unicode 15, table 3-7).
bool second_fits(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xE0:
      return between(second, 0xA0, 0xBF);
    case 0xED:
      return between(second, 0x80, 0x9F);
    case 0xF0:
      return between(second, 0x90, 0xBF);
    case 0xF4:
      return between(second, 0x80, 0x8F);
    default:
      return between(second, 0x80, 0xBF);
  }
}

// Bytes of the well-formed sequence that `text` begins with; 0 when it begins with none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = between(first, 0xC2, 0xDF) ? 2 : between(first, 0xE0, 0xEF) ? 3 : between(first, 0xF0, 0xF4) ? 4 : 0;
  if (length == 0 || text.size() < length || !second_fits(first, byte(1))) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!between(byte(i), 0x80, 0xBF)) return 0;
  }
  return length;
}

// How far `text` is valid.
std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t word = 0;
    while (text.size() - at >= sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
      at += sizeof word;
    }
    if (at == text.size()) break;
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

enum class JsonByte : std::uint8_t { plain, escaped, not_ascii };

constexpr std::array<JsonByte, 256> json_bytes() {
  std::array<JsonByte, 256> kinds{};
  for (std::size_t i = 0; i < 256; ++i) {
    kinds[i] = i >= 0x80 ? JsonByte::not_ascii : i < 0x20 || i == '"' || i == '\\' ? JsonByte::escaped : JsonByte::plain;
  }
  return kinds;
}

void append_json_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  const char escape[] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
  out.append(escape, sizeof escape);
}

void append_hex_escape(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  const char escape[] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
  out.append(escape, sizeof escape);
}

// Control characters of ASCII but tab, and the second set of them, U+0080 to U+009F, which terminals obey too; U+2028 and U+2029, at
// which some readers end a line; U+202A to U+202E and U+2066 to U+2069, which exchange what is read for something else (CVE-2021-42574).
bool is_control(std::string_view sequence) {
  const auto byte = [sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return (byte(0) < 0x20 && byte(0) != '\t') || byte(0) == 0x7F;
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.size() != 3 || byte(0) != 0xE2) return false;
  return (byte(1) == 0x80 && between(byte(2), 0xA8, 0xAE)) || (byte(1) == 0x81 && between(byte(2), 0xA6, 0xA9));
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  return valid_prefix(text) == text.size();
}

std::string to_valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = valid_prefix(text);
    result.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    result.append(replacement);
    text.remove_prefix(1);
  }
  return result;
}

void append_json_escaped(std::string& out, std::string_view text) {
  static constexpr auto kinds = json_bytes();
  std::size_t plain = 0;  // where what can be copied as it is begins
  std::size_t at = 0;
  while (at < text.size()) {
    const JsonByte kind = kinds[static_cast<unsigned char>(text[at])];
    if (kind == JsonByte::plain) {
      ++at;
      continue;
    }
    if (kind == JsonByte::not_ascii) {
      if (const std::size_t length = sequence_length(text.substr(at)); length != 0) {
        at += length;
        continue;
      }
    }
    out.append(text, plain, at - plain);
    if (kind == JsonByte::escaped) {
      append_json_escape(out, text[at]);
    } else {
      out.append(replacement);
    }
    plain = ++at;
  }
  out.append(text, plain, at - plain);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

std::size_t printable_length(std::string_view text) {
  const std::size_t length = sequence_length(text);
  return is_control(text.substr(0, length == 0 ? 1 : length)) ? 0 : length;
}

std::string to_printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) {
      append_hex_escape(result, text[0]);
    } else {
      result.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace telltale::base
