#include "query/lang/parser.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::query {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;

Query parsed(std::string_view text) {
  auto query = parse(text);
  EXPECT_TRUE(query.has_value()) << text << ": " << query.error().message();
  return query ? *query : Query{};
}

// The query in canonical form.
std::string canonical(std::string_view text) {
  return to_text(parsed(text));
}

base::Error error_of(std::string_view text) {
  auto query = parse(text);
  EXPECT_FALSE(query.has_value()) << text;
  return query ? base::Error{} : query.error();
}

TEST(Parser, ReadsSelectorsWithAllFourOperators) {
  const Query query = parsed(R"({a="x", b!="y", c=~"re", d!~"re"})");
  ASSERT_EQ(query.selector.size(), 4u);
  const auto& second = std::get<LabelMatcher>(query.selector[1]);
  EXPECT_EQ(second.name, "b");
  EXPECT_EQ(second.op, MatchOp::not_equal);
  EXPECT_EQ(second.value.value, "y");
  EXPECT_EQ(std::get<LabelMatcher>(query.selector[3]).op, MatchOp::not_regex);
}

TEST(Parser, AcceptsAnEmptySelectorAndATrailingComma) {
  EXPECT_EQ(canonical("{}"), "{}");
  EXPECT_EQ(canonical(" { a = \"x\" , } "), R"({a="x"})");
}

TEST(Parser, ReadsLineFiltersAndTheirAlternatives) {
  const Query query = parsed("{} |= \"a\" or `b` != \"c\" |~ \"d\" !~ \"e\" or \"f\"");
  ASSERT_EQ(query.stages.size(), 4u);
  const auto& first = std::get<LineFilter>(query.stages[0]);
  EXPECT_EQ(first.op, MatchOp::equal);
  ASSERT_EQ(first.values.size(), 2u);
  EXPECT_EQ(first.values[1].value, "b");
  EXPECT_EQ(std::get<LineFilter>(query.stages[2]).op, MatchOp::regex);
  EXPECT_EQ(std::get<LineFilter>(query.stages[3]).values.size(), 2u);
}

TEST(Parser, ReadsGoEscapesAndRawTexts) {
  const Query query = parsed(R"({} |= "tab\t quote\" \x41\u00e9\101\U0001F600" |= `raw \n "stays"`)");
  EXPECT_EQ(std::get<LineFilter>(query.stages[0]).values[0].value,
            "tab\t quote\" A\xc3\xa9"
            "A\xf0\x9f\x98\x80");
  EXPECT_EQ(std::get<LineFilter>(query.stages[1]).values[0].value, R"(raw \n "stays")");
}

TEST(Parser, LeavesCommentsOut) {
  EXPECT_EQ(canonical("# all of it\n{a=\"x\"} # the service\n  |= \"#no comment\"  # end"), R"({a="x"} |= "#no comment")");
}

TEST(Parser, ReadsSeverityInSelectorAndPipeline) {
  EXPECT_EQ(canonical(R"({severity>="warn"})"), "{severity>=warn}");
  EXPECT_EQ(canonical("{service=\"api\",severity>=WARNING}"), R"({service="api", severity>=warn})");
  EXPECT_EQ(canonical("{} | severity != 17 | severity < fatal | severity == unset"), "{} | severity!=17 | severity<fatal | severity=0");
}

TEST(Parser, ReadsLabelFiltersAfterAPipe) {
  EXPECT_EQ(canonical(R"({} | level="error" | error="true" | finding!="" | service=~"a.*")"),
            R"({} | level="error" | error="true" | finding!="" | service=~"a.*")");
}

TEST(Parser, CanonicalTextKeepsAnyByte) {
  Query query;
  query.stages.emplace_back(LineFilter{MatchOp::equal, {Text{std::string("\x00\xff\n\"\\é", 7), {}}}});
  EXPECT_EQ(parsed(to_text(query)), query);
}

struct Wrong {
  std::string_view text;
  ErrorCode code;
  std::string_view cause;
};

class WrongQuery : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongQuery, IsRefusedWithItsPlaceAndReason) {
  const base::Error error = error_of(GetParam().text);
  EXPECT_EQ(error.code, GetParam().code);
  EXPECT_EQ(error.cause, GetParam().cause);
}

constexpr auto syntax = ErrorCode::query_syntax;
constexpr auto unsupported = ErrorCode::query_unsupported;

INSTANTIATE_TEST_SUITE_P(
    Syntax, WrongQuery,
    ::testing::Values(
        Wrong{"", syntax,
              "column 1: found the end of the query, expected a stream selector such as {service=\"api\"}, or {} for all streams"},
        Wrong{"error", syntax, "column 1: found error, expected a stream selector such as {service=\"api\"}, or {} for all streams"},
        Wrong{"{service=api}", syntax, "column 10: found api, expected a text between \" and \" as the value of service"},
        Wrong{"{service}", syntax, "column 9: found }, expected = != =~ or !~ after the label service"},
        Wrong{"{a=\"b\" c=\"d\"}", syntax, "column 8: found c, expected , or }"},
        Wrong{"{a=\"b\"", syntax, "column 7: found the end of the query, expected , or }"},
        Wrong{"{,}", syntax, "column 2: found ,, expected a label's name or }"},
        Wrong{"{é=\"b\"}", syntax, "column 2: found é, expected a label's name or }"},
        Wrong{"{a=\"é\"} ?", syntax, "column 9: found ?, expected |= != |~ !~, | severity >= …, or the end of the query"},
        Wrong{"{a=\"b\n\"}", syntax, "line 1, column 4: found a text that does not end, expected a closing \""},
        Wrong{"{}\n|= `b", syntax, "line 2, column 4: found a text that does not end, expected a closing `"},
        Wrong{R"({} |~ "\d+")", syntax, R"(column 8: found a backslash that begins no escape, expected one of \n \t \r \" \\ \xHH \uHHHH)"},
        Wrong{"{} |= ", syntax, "column 7: found the end of the query, expected a text between \" and \" or ` and `"},
        Wrong{"{} |= \"a\" or b", syntax, "column 14: found b, expected a text between \" and \" or ` and `"},
        Wrong{"{} |", syntax, "column 5: found the end of the query, expected a filter such as severity >= error after |"},
        Wrong{"{} | severity >= loud", syntax,
              "column 18: found loud, expected a severity: trace debug info warn error fatal unset, or a number from 0 to 24"},
        Wrong{"{} | severity >= 25", syntax,
              "column 18: found 25, expected a severity: trace debug info warn error fatal unset, or a number from 0 to 24"},
        Wrong{"{severity=~\"warn|error\"}", syntax, "column 10: found =~, expected = != > >= < or <= after severity"},
        Wrong{"{level=\"err\"}", syntax,
              "column 8: found another value, expected for the label level one of: trace debug info warn error fatal unset"},
        Wrong{"{error=\"yes\"}", syntax, "column 8: found another value, expected for the label error one of: true false"}));

INSTANTIATE_TEST_SUITE_P(
    Unsupported, WrongQuery,
    ::testing::Values(Wrong{"{} | json", unsupported, "column 6: the stage | json is not supported"},
                      Wrong{"{} |= \"a\" | logfmt | status >= 500", unsupported, "column 13: the stage | logfmt is not supported"},
                      Wrong{"{} | line_format \"{{.x}}\"", unsupported, "column 6: the stage | line_format is not supported"},
                      Wrong{"rate({} [5m])", unsupported, "column 1: the metric function rate is not supported"},
                      Wrong{"sum by (x) (rate({}[5m]))", unsupported, "column 1: the metric function sum is not supported"},
                      Wrong{"{}[5m]", unsupported, "column 3: a range such as [5m] is not supported"},
                      Wrong{"{} |> \"<_> a\"", unsupported, "column 4: the pattern filter |> is not supported"},
                      Wrong{"{} |= ip(\"10.0.0.0/8\")", unsupported, "column 7: the line filter ip() is not supported"},
                      Wrong{"{template=\"t1\"}", unsupported, "column 2: the computed label template is not supported"},
                      Wrong{"{} | template = \"x\"", unsupported, "column 6: the computed label template is not supported"},
                      Wrong{"{} | duration > 10s", unsupported, "column 15: comparing the label duration with > is not supported"},
                      Wrong{"{} | a=\"b\" or c=\"d\"", unsupported, "column 12: or between label filters is not supported"}));

TEST(Parser, RemedyShowsThePlace) {
  EXPECT_THAT(error_of("{service=api}").remedy, HasSubstr("\n  {service=api}\n           ^"));
  EXPECT_THAT(error_of("{}\n |= 5").remedy, HasSubstr("\n   |= 5\n      ^"));
}

TEST(Parser, RemedyShowsALongQueryAroundThePlaceOnly) {
  const std::string remedy = error_of("{} |= \"" + std::string(500, 'x') + "\" ? " + std::string(500, 'y')).remedy;
  EXPECT_THAT(remedy, HasSubstr("…xxx"));
  EXPECT_THAT(remedy, HasSubstr("yyy…"));
  EXPECT_LT(remedy.size(), 400u);
}

TEST(Parser, RefusesTooLongTextsAndTooManyMatchers) {
  EXPECT_EQ(error_of("{} |= \"" + std::string(max_query_bytes, 'x') + "\"").code, syntax);
  std::string many = "{}";
  for (std::size_t i = 0; i < max_query_matchers; ++i) many += " |= \"x\"";
  EXPECT_TRUE(parse(many).has_value());
  EXPECT_THAT(error_of(many + " |= \"x\"").cause, HasSubstr("more than 200 matchers"));
}

}  // namespace
}  // namespace telltale::query
