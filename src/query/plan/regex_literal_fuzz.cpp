// First line a pattern, the rest a text: where RE2 finds the pattern, the literal said to be required stands in the text.
#include <cstdint>
#include <string_view>

#include <re2/re2.h>

#include "base/assert.h"
#include "query/plan/regex_literal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace telltale;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = input.find('\n');
  if (newline == std::string_view::npos || newline > 200) return 0;
  const std::string_view pattern = input.substr(0, newline);
  const std::string_view text = input.substr(newline + 1);
  re2::RE2::Options options;
  options.set_log_errors(false);
  const re2::RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex.ok()) return 0;
  const query::RegexLiteral literal = query::required_literal(pattern);
  const bool matches = re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
  const bool holds = text.find(literal.text) != std::string_view::npos;
  TT_ASSERT(!matches || holds, "a match without its required literal");
  TT_ASSERT(!literal.exact || matches == holds, "an exact literal decides");
  return 0;
}
