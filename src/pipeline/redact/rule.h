// What a redaction rule is: data. The built-in ones stand in rule_table.cpp; docs/reference/redaction.md lists them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::pipeline {

using RuleIndex = std::uint16_t;

// A part of a line that is to be taken out.
struct SecretSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  RuleIndex rule = 0;
  // Not 0: it is a bare JSON value (a number), and the replacement needs quotes to stay valid JSON: one more than the number of
  // backslashes that stand before each quote here (JSON inside a JSON string has one).
  std::uint8_t quotes = 0;
};

// How a rule's keyword leads to its secret.
enum class Confirm : std::uint8_t {
  at_keyword,   // the pattern begins at the keyword, or at the `lead` before it
  whole_line,   // the pattern is searched in the whole line
  field_name,   // by a name before the value: field_values.h
  private_key,  // PEM blocks, also over several lines: private_key.h
  digits,       // card numbers and IBANs: scan/digit_runs.h
};

// A set of bytes.
enum class Chars : std::uint8_t { none, digit, hex, alnum, base32, base64, base64url, azure, scheme, mail, not_space };
bool in_chars(Chars set, char c);
// As an RE2 class: "[0-9]".
std::string_view chars_pattern(Chars set);

// Whether what the pattern found is a secret; an enumeration so that the table stays data.
enum class Check : std::uint8_t {
  none,
  not_example,  // does not end in EXAMPLE, and is not one character repeated
  random,       // has a digit and a Shannon entropy of at least 3 bits a character
  basic_pair,   // base64 of user:password
  mail,         // the domain ends in letters that are no file name's suffix
};
bool passes(Check check, std::string_view secret);

struct RuleSpec {
  std::string_view name;
  std::string_view family;
  std::string_view what;                   // for the reference page
  std::vector<std::string_view> keywords;  // one of them stands in every match
  std::string pattern;                     // RE2, on bytes; group 1 is the secret, or the whole match where there is no group
  Confirm confirm = Confirm::at_keyword;
  bool any_case = false;       // of the keywords
  Chars tail = Chars::none;    // what must follow the keyword ...
  std::uint8_t tail_min = 0;   // ... at least so often: a cheap test before the pattern
  Chars lead = Chars::none;    // what the pattern begins with before the keyword ...
  std::uint16_t lead_max = 0;  // ... at most so often
  Check check = Check::none;
};

// In order of precedence where two rules find the same bytes.
const std::vector<RuleSpec>& builtin_rules();

// Shannon entropy in bits a character.
double entropy(std::string_view text);
// What a secret was replaced by: [REDACTED:rule].
inline constexpr std::string_view marker_begin = "[REDACTED:";
inline constexpr std::size_t longest_rule_name = 64;
inline constexpr std::size_t longest_marker = marker_begin.size() + longest_rule_name + 1;
bool is_rule_name(std::string_view name);
// The size of the marker that `text` begins with; 0 when there is none. What begins like a marker and is none may hold a secret.
std::size_t marker_size(std::string_view text);

// "****", "<hidden>", "${VAR}", "null", "[REDACTED:…]" and the like, which stand where a secret would.
bool is_placeholder(std::string_view value);

}  // namespace telltale::pipeline
