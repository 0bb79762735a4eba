#include "record/template.h"

#include <gtest/gtest.h>

namespace telltale::record {
namespace {

std::string template_of(std::string_view message) {
  std::vector<TemplateVariable> variables;
  find_template_variables(message, variables);
  std::string out;
  append_template(out, message, variables);
  return out;
}

std::vector<VariableKind> kinds_of(std::string_view message) {
  std::vector<TemplateVariable> variables;
  find_template_variables(message, variables);
  std::vector<VariableKind> kinds;
  for (const auto& variable : variables) kinds.push_back(variable.kind);
  return kinds;
}

TEST(Template, MasksNumbersIdsAddressesAndTimes) {
  EXPECT_EQ(template_of("task_12 took 0.335 s"), "<*> took <*> s");
  EXPECT_EQ(template_of("connection to 10.0.0.7:5432 refused"), "connection to <*>:<*> refused");
  EXPECT_EQ(template_of("at 12:00:01 user=alice failed"), "at <*>:<*>:<*> user=<*> failed");
  EXPECT_EQ(template_of("trace 4bf92f3577b34da6a3ce929d0e0e4736"), "trace <*>");
  EXPECT_EQ(template_of("commit deadbeef"), "commit <*>");
}

TEST(Template, KeepsWordsAndTheNamedPartsOfPaths) {
  EXPECT_EQ(template_of("please add a decade"), "please add a decade");
  EXPECT_EQ(template_of("GET /api/orders/123 done"), "GET /api/orders/<*> done");
  EXPECT_EQ(template_of(""), "");
  EXPECT_EQ(template_of("--- ... ---"), "--- ... ---");
  EXPECT_EQ(template_of("größe = groß"), "größe = groß");
}

TEST(Template, SaysWhichVariablesAreNumbersThatReadBackExactly) {
  using enum VariableKind;
  EXPECT_EQ(kinds_of("0 7 -12 999999999999999999"), (std::vector{integer, integer, integer, integer}));
  EXPECT_EQ(kinds_of("007 -0 +5 1000000000000000000"), (std::vector{text, text, text, text}));
  EXPECT_EQ(kinds_of("1.5 -0.25 1234567890.123456"), (std::vector{decimal, decimal, decimal}));
  EXPECT_EQ(kinds_of(".5 5. 1.2.3 1e5 12345678901.1234567"), (std::vector{text, text, text, text, text}));
}

TEST(Template, EqualsOnlyMakesAVariableOfTheTokenBehindIt) {
  EXPECT_EQ(template_of("state=idle reason=- next"), "state=<*> reason=- next");
}

}  // namespace
}  // namespace telltale::record
