// What every match of a regular expression must hold.
#pragma once

#include <string>
#include <string_view>

namespace telltale::query {

struct RegexLiteral {
  std::string text;    // stands in every match; empty: nothing is known
  bool exact = false;  // the expression is this text and nothing else
};

// Looks at the outermost sequence of a valid RE2 expression; says less than could be known rather than anything wrong.
RegexLiteral required_literal(std::string_view pattern);

}  // namespace telltale::query
