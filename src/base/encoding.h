// Characters that texts of many formats write as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace telltale::base {

// The value of a hexadecimal digit of either case; -1 for any other character.
constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// The number that 1 to 8 hexadecimal digits spell; nothing when there is anything else in `digits`.
std::optional<std::uint32_t> read_hex(std::string_view digits);

// Appends a code point as UTF-8. False, and nothing is appended, for what has none: halves of surrogate pairs and what is above U+10FFFF.
bool append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace telltale::base
