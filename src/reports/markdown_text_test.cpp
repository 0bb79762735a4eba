#include "reports/markdown_text.h"

#include <gtest/gtest.h>

namespace telltale::reports {
namespace {

TEST(CodeSpan, HoldsAnyTextOnOneLine) {
  EXPECT_EQ(code_span(""), "–");
  EXPECT_EQ(code_span("plain <b> *x*"), "`plain <b> *x*`");
  EXPECT_EQ(code_span("a`b"), "`` a`b ``");
  EXPECT_EQ(code_span("``"), "``` `` ```");
  EXPECT_EQ(code_span("a\nb\x1b"), "`a\\x0ab\\x1b`");
}

TEST(CodeSpan, PipesNeverEndACell) {
  EXPECT_EQ(code_span("a|b"), R"(`a\|b`)");
  EXPECT_EQ(code_span(R"(a\|b)"), R"(`a\\\|b`)");  // an odd number of backslashes stays before the pipe
  EXPECT_EQ(code_span(R"(a\\|b)"), R"(`a\\\|b`)");
  EXPECT_EQ(code_span(R"(a\)"), R"(` a\  `)");
}

}  // namespace
}  // namespace telltale::reports
