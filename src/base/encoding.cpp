#include "base/encoding.h"

namespace telltale::base {

std::optional<std::uint32_t> read_hex(std::string_view digits) {
  if (digits.empty() || digits.size() > 8) return std::nullopt;
  std::uint32_t number = 0;
  for (const char digit : digits) {
    const int value = hex_value(digit);
    if (value < 0) return std::nullopt;
    number = number << 4u | static_cast<std::uint32_t>(value);
  }
  return number;
}

bool append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point > 0x10FFFFu || (code_point >= 0xD800u && code_point < 0xE000u)) return false;
  const auto byte = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code_point < 0x80u) {
    byte(code_point);
  } else if (code_point < 0x800u) {
    byte(0xC0u | code_point >> 6u);
    byte(0x80u | (code_point & 0x3Fu));
  } else if (code_point < 0x10000u) {
    byte(0xE0u | code_point >> 12u);
    byte(0x80u | (code_point >> 6u & 0x3Fu));
    byte(0x80u | (code_point & 0x3Fu));
  } else {
    byte(0xF0u | code_point >> 18u);
    byte(0x80u | (code_point >> 12u & 0x3Fu));
    byte(0x80u | (code_point >> 6u & 0x3Fu));
    byte(0x80u | (code_point & 0x3Fu));
  }
  return true;
}

}  // namespace telltale::base
