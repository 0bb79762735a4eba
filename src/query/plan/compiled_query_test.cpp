#include "query/plan/compiled_query.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/lang/parser.h"
#include "query/testing/memory_reader.h"

namespace telltale::query {
namespace {

using record::Severity;
using testing::BatchBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const CompiledQuery> compiled(std::string_view text, const record::ComputedLabels* labels = nullptr) {
  auto query = parse(text);
  if (!query) throw std::runtime_error(query.error().message());
  auto out = CompiledQuery::make(*query, text, labels);
  if (!out) throw std::runtime_error(out.error().message());
  return *out;
}

bool selects_stream(std::string_view query, record::Labels labels) {
  return compiled(query)->may_match(*record::make_stream(std::move(labels)));
}

TEST(CompiledQuery, SelectsStreamsByWholeLabelValues) {
  const record::Labels api({{"service", "api"}, {"host", "node-1"}});
  EXPECT_TRUE(selects_stream(R"({service="api"})", api));
  EXPECT_FALSE(selects_stream(R"({service="ap"})", api));
  EXPECT_TRUE(selects_stream(R"({service=~"a.*", host!~"node-[2-9]"})", api));
  EXPECT_FALSE(selects_stream(R"({service=~"p"})", api)) << "regular expressions of labels match the whole value";
  EXPECT_FALSE(selects_stream(R"({service="api"} | host="node-2")", api)) << "label filters after a pipe look at the stream too";
}

TEST(CompiledQuery, AMissingLabelHasTheEmptyValue) {
  const record::Labels api({{"service", "api"}});
  EXPECT_TRUE(selects_stream(R"({pod=""})", api));
  EXPECT_TRUE(selects_stream(R"({pod!="x"})", api));
  EXPECT_TRUE(selects_stream(R"({pod=~".*"})", api));
  EXPECT_FALSE(selects_stream(R"({pod=~".+"})", api));
  EXPECT_FALSE(selects_stream(R"({pod!=""})", api));
}

record::CommittedBatch sample() {
  BatchBuilder builder(record::Labels({{"service", "api"}}));
  builder.line(1, Severity::info, "request done in 12 ms").line(2, Severity::warn, "slow: request took 900 ms");
  builder.line(3, Severity::error, "connection refused").separate_body("hidden: request");
  builder.line(4, Severity::unset, "Traceback (most recent call last)").finding("traceback");
  builder.line(5, Severity::fatal, "request aborted");
  return {100, builder.take()};
}

std::vector<std::uint32_t> selected(std::string_view query) {
  const record::CommittedBatch batch = sample();
  std::vector<std::uint32_t> out;
  const auto predicate = compiled(query);
  predicate->select(batch, out);
  std::vector<std::uint32_t> one_by_one;
  predicate->RecordPredicate::select(batch, one_by_one);
  EXPECT_EQ(out, one_by_one) << "searching the batch says what matches() says: " << query;
  return out;
}

TEST(CompiledQuery, FiltersLines) {
  EXPECT_THAT(selected("{}"), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(selected(R"({} |= "request")"), ElementsAre(0, 1, 4)) << "bodies that stand beside the line are not searched";
  EXPECT_THAT(selected(R"({} |= "Request")"), IsEmpty());
  EXPECT_THAT(selected(R"({} |= "request" != "done")"), ElementsAre(1, 4));
  EXPECT_THAT(selected(R"({} |= "refused" or "aborted")"), ElementsAre(2, 4));
  EXPECT_THAT(selected(R"({} != "request" or "refused")"), ElementsAre(3));
  EXPECT_THAT(selected(R"({} |= "")"), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(selected(R"({} != "")"), IsEmpty());
}

TEST(CompiledQuery, FiltersLinesByRegularExpressionsAnywhereInTheLine) {
  EXPECT_THAT(selected(R"({} |~ "[0-9]+ ms$")"), ElementsAre(0, 1));
  EXPECT_THAT(selected(R"({} |~ "(?i)TRACEBACK")"), ElementsAre(3));
  EXPECT_THAT(selected(R"({} !~ "request|refused")"), ElementsAre(3));
  EXPECT_THAT(selected(R"({} |~ "request .* ms" |= "slow")"), ElementsAre(1));
}

TEST(CompiledQuery, SeverityNamesAreRangesAndNumbersThemselves) {
  EXPECT_THAT(selected("{severity>=warn}"), ElementsAre(1, 2, 4));
  EXPECT_THAT(selected("{} | severity > error"), ElementsAre(4));
  EXPECT_THAT(selected("{} | severity <= 9"), ElementsAre(0, 3)) << "a record without severity is below all";
  EXPECT_THAT(selected("{} | severity = unset"), ElementsAre(3));
  EXPECT_THAT(selected("{} | severity != error | severity >= info"), ElementsAre(0, 1, 4));
  EXPECT_THAT(selected("{severity<trace}"), ElementsAre(3));
}

TEST(CompiledQuery, ComputedLabelsAreFoundRecordByRecord) {
  EXPECT_THAT(selected(R"({level=~"warn|error"})"), ElementsAre(1, 2));
  EXPECT_THAT(selected(R"({level!="info"})"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(selected(R"({error="true"})"), ElementsAre(2, 3, 4)) << "severity of at least error, or a finding";
  EXPECT_THAT(selected(R"({} | error!="true")"), ElementsAre(0, 1));
  EXPECT_THAT(selected(R"({finding="traceback"})"), ElementsAre(3));
  EXPECT_THAT(selected(R"({finding!=""})"), ElementsAre(3));
  EXPECT_THAT(selected(R"({finding=""})"), ElementsAre(0, 1, 2, 4));
}

TEST(CompiledQuery, GapsAlwaysMatch) {
  record::Gap gap;
  gap.reason = record::GapReason::rotated_away;
  const record::CommittedBatch batch{7, record::make_gap_batch(record::make_stream(record::Labels({{"service", "api"}})), gap, 5)};
  std::vector<std::uint32_t> out;
  compiled(R"({severity>=fatal} |= "nowhere")")->select(batch, out);
  EXPECT_THAT(out, ElementsAre(0));
}

TEST(CompiledQuery, WrongRegularExpressionsAreRefusedWithTheirPlace) {
  const std::string_view text = R"({a=~"ok"} |~ "a(b")";
  const auto result = CompiledQuery::make(*parse(text), text, nullptr);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, base::ErrorCode::query_regex);
  EXPECT_EQ(result.error().cause, "column 14: the regular expression is not valid: missing ): a(b");
}

TEST(CompiledQuery, RegularExpressionsTooLargeForTheirMemoryAreRefused) {
  std::string text = "{}";
  for (int i = 0; i < 200; ++i) text += R"( |~ "\\pL{1000}")";
  const auto result = CompiledQuery::make(*parse(text), text, nullptr);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, base::ErrorCode::query_regex);
  EXPECT_THAT(result.error().cause, HasSubstr("pattern too large"));
}

}  // namespace
}  // namespace telltale::query
