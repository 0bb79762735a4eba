// The labels run, test, worker and test_candidate in a compiled query.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/lang/parser.h"
#include "query/plan/compiled_query.h"
#include "query/testing/memory_reader.h"

namespace telltale::query {
namespace {

using record::Severity;
using testing::BatchBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the lines say: "t1" is certainly t1's, "t1 t2" has both as candidates, anything else is nobody's.
class LabelsOfLines final : public record::ComputedLabels {
 public:
  void keep(const record::Batch& batch, std::string_view label, const ValuesHold& holds,
            std::vector<std::uint32_t>& indices) const override {
    std::erase_if(indices, [&](std::uint32_t index) { return !holds(values(batch.line(batch.records[index]), label)); });
  }
  std::optional<record::TimeBounds> bounds(std::string_view, std::string_view value) const override {
    if (value == "t1") return record::TimeBounds{10, 20};
    if (value == "t2") return record::TimeBounds{15, 30};
    if (value == "t3") return record::TimeBounds{40, 50};
    return std::nullopt;
  }

 private:
  static std::vector<std::string_view> values(std::string_view line, std::string_view label) {
    if (line == "t1" && label == "test") return {"t1"};
    if (line == "t1 t2" && label == "test_candidate") return {"t1", "t2"};
    return {};
  }
};

const LabelsOfLines labels;

std::shared_ptr<const CompiledQuery> compiled(std::string_view text) {
  auto query = parse(text);
  if (!query) throw std::runtime_error(query.error().message());
  auto out = CompiledQuery::make(*query, text, &labels);
  if (!out) throw std::runtime_error(out.error().message());
  return *out;
}

// By both ways of asking, which must agree.
std::vector<std::uint32_t> selected(std::string_view text) {
  BatchBuilder builder(record::Labels({{"service", "api"}}));
  builder.line(1, Severity::info, "t1").line(2, Severity::info, "t1 t2").line(3, Severity::info, "nobody");
  const record::CommittedBatch batch{100, builder.take()};
  const auto query = compiled(text);
  std::vector<std::uint32_t> whole;
  query->select(batch, whole);
  std::vector<std::uint32_t> single;
  for (std::uint32_t i = 0; i < batch.batch.records.size(); ++i) {
    if (query->matches({&batch.batch, &batch.batch.records[i], 100 + i})) single.push_back(i);
  }
  EXPECT_EQ(whole, single) << text;
  return whole;
}

TEST(RunsLabels, AValueThatIsMeantIsEnoughAndNegatedNoneMayBeIt) {
  EXPECT_THAT(selected(R"({test="t1"})"), ElementsAre(0));
  EXPECT_THAT(selected(R"({test!="t1"})"), ElementsAre(1, 2));
  EXPECT_THAT(selected(R"({test_candidate="t2"})"), ElementsAre(1));
  EXPECT_THAT(selected(R"({test_candidate=~"t[1-9]"})"), ElementsAre(1));
  EXPECT_THAT(selected(R"({test_candidate!="t2"})"), ElementsAre(0, 2));
}

TEST(RunsLabels, WithoutAValueALabelIsEmpty) {
  EXPECT_THAT(selected(R"({test=""})"), ElementsAre(1, 2));
  EXPECT_THAT(selected(R"({test!=""})"), ElementsAre(0));
  EXPECT_THAT(selected(R"({test="", test_candidate=""})"), ElementsAre(2));
}

TEST(RunsLabels, AreAskedTogetherWithAllElse) {
  EXPECT_THAT(selected(R"({test=""} |= "nobody")"), ElementsAre(2));
  EXPECT_THAT(selected(R"({test="t1"} |= "nobody")"), IsEmpty());
  EXPECT_THAT(selected(R"({} | test="t1")"), ElementsAre(0));
}

TEST(RunsLabels, OneNamedValueBoundsTheTime) {
  EXPECT_EQ(compiled(R"({test="t1"})")->time_bounds(), (record::TimeBounds{10, 20}));
  EXPECT_EQ(compiled(R"({test="t1", run="t2"})")->time_bounds(), (record::TimeBounds{15, 20}));
  EXPECT_EQ(compiled(R"({test!="t1"})")->time_bounds(), record::TimeBounds{});
  EXPECT_EQ(compiled(R"({test=""})")->time_bounds(), record::TimeBounds{});
  EXPECT_EQ(compiled(R"({test=~"t1"})")->time_bounds(), record::TimeBounds{});
  EXPECT_EQ(compiled(R"({test="unknown"})")->time_bounds(), std::nullopt);
  EXPECT_EQ(compiled(R"({test="t1", run="t3"})")->time_bounds(), std::nullopt) << "no time is in both";
}

TEST(RunsLabels, AGapOfAnotherTimeIsNotMissing) {
  const auto matches = [](std::string_view text, base::UnixNanos from, base::UnixNanos to) {
    const record::Gap gap{record::GapReason::rotated_away, from, to, {}, {}, {}};
    const record::CommittedBatch batch{1, record::make_gap_batch(record::make_stream(record::Labels({{"service", "api"}})), gap, 1000)};
    std::vector<std::uint32_t> out;
    compiled(text)->select(batch, out);
    return !out.empty();
  };
  EXPECT_TRUE(matches(R"({test="t1"})", 5, 12));
  EXPECT_FALSE(matches(R"({test="t1"})", 21, 30));
  EXPECT_FALSE(matches(R"({test="t1"})", 1, 9));
  EXPECT_TRUE(matches(R"({test=~"t1"})", 1, 9)) << "any test may be meant";
}

TEST(RunsLabels, AreRefusedWhereNobodyKnowsThem) {
  const std::string text = R"({test="t1"})";
  const auto result = CompiledQuery::make(*parse(text), text, nullptr);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, base::ErrorCode::query_unsupported);
}

TEST(RunsLabels, EventsOfRunsAreSeenOnlyWhereTheirSourceIsNamed) {
  const auto events = record::make_stream(record::Labels({{"service", "telltale"}, {"source", "lifecycle"}}));
  EXPECT_FALSE(compiled("{}")->may_match(*events));
  EXPECT_FALSE(compiled(R"({service="telltale"})")->may_match(*events));
  EXPECT_FALSE(compiled(R"({source!="file"})")->may_match(*events));
  EXPECT_TRUE(compiled(R"({source="lifecycle"})")->may_match(*events));
  EXPECT_TRUE(compiled(R"({source=~"file|lifecycle"})")->may_match(*events));
  EXPECT_FALSE(compiled(R"({source="note"})")->may_match(*events));
  const auto note = record::make_stream(record::Labels({{"service", "telltale"}, {"source", "note"}}));
  EXPECT_FALSE(compiled(R"({service="telltale"})")->may_match(*note));
  EXPECT_FALSE(compiled(R"({source="lifecycle"})")->may_match(*note));
  EXPECT_TRUE(compiled(R"({source="note"})")->may_match(*note));
  const auto foreign = record::make_stream(record::Labels({{"service", "api"}, {"source", "lifecycle"}}));
  EXPECT_TRUE(compiled("{}")->may_match(*foreign)) << "somebody's own word for a source hides nothing";
}

}  // namespace
}  // namespace telltale::query
