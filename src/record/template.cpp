#include "record/template.h"

#include <array>

namespace telltale::record {
namespace {

enum : std::uint8_t { byte_digit = 1, byte_hex_letter = 2, byte_letter = 4, byte_sign = 8 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = byte_digit;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 32] = c <= 'f' ? byte_letter | byte_hex_letter : byte_letter;
  for (const char c : {'+', '-', '.', '\\', '_'}) classes[static_cast<unsigned char>(c)] = byte_sign;
  return classes;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr std::size_t min_hex_word = 8;
constexpr std::size_t max_integer_digits = 18;
constexpr std::size_t max_decimal_digits = 16;

VariableKind kind_of(std::string_view token) {
  const bool negative = token.front() == '-';
  const std::string_view number = negative ? token.substr(1) : token;
  std::size_t points = 0;
  for (const char c : number) {
    if (c == '.')
      ++points;
    else if (c < '0' || c > '9')
      return VariableKind::text;
  }
  const std::size_t digits = number.size() - points;
  if (points == 0) {
    const bool exact = digits <= max_integer_digits && (number.size() == 1 ? !(negative && number[0] == '0') : number[0] != '0');
    return exact ? VariableKind::integer : VariableKind::text;
  }
  const bool exact = points == 1 && digits <= max_decimal_digits && number.front() != '.' && number.back() != '.';
  return exact ? VariableKind::decimal : VariableKind::text;
}

}  // namespace

void find_template_variables(std::string_view message, std::vector<TemplateVariable>& variables) {
  variables.clear();
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t begin = at;
    unsigned seen = 0;
    bool all_hex = true;
    for (; at < message.size(); ++at) {
      const unsigned byte_class = classes[static_cast<unsigned char>(message[at])];
      if (byte_class == 0) break;
      seen |= byte_class;
      all_hex &= (byte_class & (byte_digit | byte_hex_letter)) != 0;
    }
    const std::size_t size = at - begin;
    const bool follows_equals = begin > 0 && message[begin - 1] == '=';
    if ((seen & byte_digit) != 0 || (follows_equals && (seen & byte_letter) != 0) || (all_hex && size >= min_hex_word)) {
      variables.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size), kind_of(message.substr(begin, size))});
    }
    if (at < message.size()) ++at;
  }
}

void append_template(std::string& out, std::string_view message, const std::vector<TemplateVariable>& variables) {
  std::size_t at = 0;
  for (const TemplateVariable& variable : variables) {
    out += message.substr(at, variable.begin - at);
    out += "<*>";
    at = variable.begin + variable.size;
  }
  out += message.substr(at);
}

}  // namespace telltale::record
