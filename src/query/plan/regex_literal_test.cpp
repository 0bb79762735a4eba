#include "query/plan/regex_literal.h"

#include <gtest/gtest.h>

namespace telltale::query {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view literal;
  bool exact = false;
};

class RequiredLiteral : public ::testing::TestWithParam<Case> {};

TEST_P(RequiredLiteral, IsTheLongestPlainPartOfTheOutermostSequence) {
  const RegexLiteral literal = required_literal(GetParam().pattern);
  EXPECT_EQ(literal.text, GetParam().literal) << GetParam().pattern;
  EXPECT_EQ(literal.exact, GetParam().exact) << GetParam().pattern;
}

INSTANTIATE_TEST_SUITE_P(Patterns, RequiredLiteral,
                         ::testing::Values(Case{"connection refused", "connection refused", true}, Case{R"(a\.b)", "a.b", true},
                                           Case{"status=5\\d\\d", "status=5"}, Case{"^error", "error"}, Case{"ab*cde", "cde"},
                                           Case{"abc?", "ab"}, Case{"abc+d", "abc"}, Case{"abc{2,3}de", "ab"}, Case{"(abc|def)gh", "gh"},
                                           Case{"a[xyz]bcd[^\\]]e", "bcd"}, Case{"é*ab", "ab"}, Case{"aé*", "a"},
                                           Case{"(?:long(inner))xy", "xy"}, Case{"x.*timeout after", "timeout after"}));

INSTANTIATE_TEST_SUITE_P(NothingIsKnown, RequiredLiteral,
                         ::testing::Values(Case{"abc|def", ""}, Case{"(?i)abc", ""}, Case{"abc(?i:d)", ""}, Case{R"(\Qa|b\E)", ""},
                                           Case{R"(\x41bc)", ""}, Case{"(abc)?", ""}, Case{"a{x|y}", ""}, Case{".*", ""},
                                           Case{"[[:alpha:]]abc", ""}, Case{R"(\pLabc)", ""}));

TEST(RequiredLiteralOfTheEmptyPattern, IsExactlyNothing) {
  EXPECT_TRUE(required_literal("").exact);
}

}  // namespace
}  // namespace telltale::query
