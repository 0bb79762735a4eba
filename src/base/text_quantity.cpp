#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::base {

namespace {

using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t second = nanos_per_second;
constexpr std::array<Unit, 8> duration_units{{{"d", 86'400 * second},
                                              {"h", 3600 * second},
                                              {"m", 60 * second},
                                              {"s", second},
                                              {"ms", 1'000'000},
                                              {"us", 1000},
                                              {"\xC2\xB5s", 1000},
                                              {"ns", 1}}};
constexpr std::array<Unit, 9> byte_units{{{"TiB", 1ull << 40},
                                          {"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"kB", 1000},
                                          {"B", 1}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "12.5" as 125 / 10; fails above `most_digits` digits, which no sensible value has.
struct Decimal {
  Wide digits = 0;
  std::uint64_t scale = 1;
};
constexpr int most_digits = 20;

bool take_decimal(std::string_view& text, Decimal& out) {
  int count = 0;
  bool point = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !point && count > 0))) {
    if (text.front() == '.') {
      point = true;
      if (text.size() < 2 || !is_digit(text[1])) return false;
    } else {
      if (++count > most_digits) return false;
      out.digits = out.digits * 10 + static_cast<Wide>(text.front() - '0');
      if (point) out.scale *= 10;
    }
    text.remove_prefix(1);
  }
  return count > 0;
}

// The unit that is all letters at the front of `text`.
template <std::size_t n>
const Unit* take_unit(std::string_view& text, const std::array<Unit, n>& units, bool any_case) {
  std::size_t length = 0;
  while (length < text.size() && !is_digit(text[length]) && text[length] != ' ' && text[length] != '.') ++length;
  const std::string_view name = text.substr(0, length);
  for (const Unit& unit : units) {
    if (name == unit.name || (any_case && equals_ignoring_case(name, unit.name))) {
      text.remove_prefix(length);
      return &unit;
    }
  }
  return nullptr;
}

Wide times(const Decimal& number, std::uint64_t factor) {
  return number.digits * factor / number.scale;
}

std::unexpected<Error> not_a_duration(std::string_view text) {
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a duration", to_printable(text)),
              "Write a number with a unit: 10ms, 1.5s, 2m, 3h, 7d, or a sum such as 1h30m.");
}

std::unexpected<Error> not_a_size(std::string_view text) {
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a number of bytes", to_printable(text)),
              "Write a number, or one with a unit: 512, 64KiB, 10MB, 1GiB.");
}

}  // namespace

Result<std::int64_t> parse_duration(std::string_view text) {
  std::string_view rest = trim(text);
  if (rest == "0") return 0;
  if (rest.empty()) return not_a_duration(text);
  Wide sum = 0;
  while (!rest.empty()) {
    Decimal number;
    if (!take_decimal(rest, number)) return not_a_duration(text);
    const Unit* unit = take_unit(rest, duration_units, false);
    if (unit == nullptr) return not_a_duration(text);
    sum += times(number, unit->factor);
    if (sum > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return not_a_duration(text);
  }
  return static_cast<std::int64_t>(sum);
}

std::string format_duration(std::int64_t nanos) {
  if (nanos == 0) return "0s";
  std::string text = nanos < 0 ? "-" : "";
  std::uint64_t left = nanos < 0 ? 0 - static_cast<std::uint64_t>(nanos) : static_cast<std::uint64_t>(nanos);
  for (const Unit& unit : duration_units) {
    if (left < unit.factor || unit.name == "\xC2\xB5s") continue;
    text += fmt::format("{}{}", left / unit.factor, unit.name);
    left %= unit.factor;
  }
  return text;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::string_view rest = trim(text);
  Decimal number;
  if (!take_decimal(rest, number)) return not_a_size(text);
  std::uint64_t factor = 1;
  if (rest = trim(rest); !rest.empty()) {
    const Unit* unit = take_unit(rest, byte_units, true);
    if (unit == nullptr || !rest.empty()) return not_a_size(text);
    factor = unit->factor;
  } else if (number.scale != 1) {
    return not_a_size(text);  // half a byte
  }
  const Wide bytes = times(number, factor);
  if (bytes > std::numeric_limits<std::uint64_t>::max()) return not_a_size(text);
  return static_cast<std::uint64_t>(bytes);
}

std::string format_bytes(std::uint64_t bytes) {
  for (const Unit& unit : byte_units) {
    if (bytes != 0 && unit.factor > 1 && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  }
  return fmt::format("{}B", bytes);
}

}  // namespace telltale::base
