#include "query/exec/query.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "query/testing/memory_reader.h"

namespace telltale::query {
namespace {

using base::ErrorCode;
using base::testing::ManualClock;
using record::Severity;
using testing::BatchBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MemoryReader;

const record::Labels api({{"service", "api"}});
const record::Labels db({{"service", "db"}});

QueryRequest request(std::string_view text) {
  QueryRequest out;
  out.predicate = *compile(text, nullptr);
  return out;
}

std::vector<record::Sequence> sequences(const QueryAnswer& answer) {
  std::vector<record::Sequence> out;
  for (const Row& row : answer.rows) out.push_back(row.view().sequence);
  return out;
}

// Sequences 1 to 3 api, 4 and 5 db, then 20 (a gap) and 21 to 22 api.
void fill(MemoryReader& reader) {
  reader.add(BatchBuilder(api).line(10, Severity::info, "one").line(20, Severity::error, "two").line(30, Severity::info, "three").take());
  reader.add(BatchBuilder(db).line(15, Severity::info, "four").line(25, Severity::warn, "five").take());
  reader.skip_to(20);
  reader.add(record::make_gap_batch(record::make_stream(api), {}, 35));
  reader.add(BatchBuilder(api).line(40, Severity::info, "six").line(50, Severity::info, "late").event_time(12).take());
}

struct RunTest : ::testing::Test {
  RunTest() { fill(reader); }
  std::vector<record::Sequence> answer(const QueryRequest& asked) {
    auto result = run(reader, clock, asked);
    EXPECT_TRUE(result.has_value());
    return result ? sequences(*result) : std::vector<record::Sequence>{};
  }
  MemoryReader reader;
  ManualClock clock;
};

TEST_F(RunTest, AnswersInBothDirections) {
  QueryRequest asked = request(R"({service="api"})");
  EXPECT_THAT(answer(asked), ElementsAre(22, 21, 20, 3, 2, 1));
  asked.newest_first = false;
  EXPECT_THAT(answer(asked), ElementsAre(1, 2, 3, 20, 21, 22));
}

TEST_F(RunTest, TimeRangeGoesByTheTimeOfEachRecord) {
  QueryRequest asked = request("{}");
  asked.newest_first = false;
  asked.from_time = 12;
  asked.to_time = 25;
  EXPECT_THAT(answer(asked), ElementsAre(2, 4, 5, 22)) << "both ends count; a late record is found by its event time";
}

TEST_F(RunTest, PagesBySequence) {
  QueryRequest asked = request("{}");
  asked.limit = 3;
  const auto first = run(reader, clock, asked);
  EXPECT_THAT(sequences(*first), ElementsAre(22, 21, 20));
  EXPECT_EQ(first->next, 20u);
  asked.after = first->next;
  EXPECT_THAT(answer(asked), ElementsAre(5, 4, 3));
  asked.after = 3;
  const auto last = run(reader, clock, asked);
  EXPECT_THAT(sequences(*last), ElementsAre(2, 1));
  EXPECT_FALSE(last->next.has_value());
}

TEST_F(RunTest, NothingLiesBeyondTheEnds) {
  QueryRequest asked = request("{}");
  asked.after = 0;
  EXPECT_THAT(answer(asked), IsEmpty());
  asked.newest_first = false;
  asked.after = ~record::Sequence{0};
  EXPECT_THAT(answer(asked), IsEmpty());
}

TEST_F(RunTest, AnAnswerIsBoundedByBytesButHoldsARecord) {
  QueryRequest asked = request(R"({service="api"} != "gap")");
  asked.newest_first = false;
  asked.max_bytes = 7;
  const auto page = run(reader, clock, asked);
  EXPECT_THAT(sequences(*page), ElementsAre(1, 2)) << "\"one\" and \"two\" are 6 bytes";
  EXPECT_EQ(page->next, 2u);
  asked.max_bytes = 0;
  asked.after = 2;
  EXPECT_THAT(answer(asked), ElementsAre(3));
}

TEST_F(RunTest, GapsOfMatchingStreamsAreAmongTheRows) {
  EXPECT_THAT(answer(request(R"({service="api"} |= "two")")), ElementsAre(20, 2));
  EXPECT_THAT(answer(request(R"({service="db"} |= "five")")), ElementsAre(5));
}

TEST_F(RunTest, FewRowsOfALargeBatchDoNotKeepItAlive) {
  BatchBuilder builder(api);
  for (int i = 0; i < 1000; ++i) builder.line(100, Severity::info, "a line that nobody asks for");
  builder.line(100, Severity::error, R"({"msg":"needle\n"})").separate_body("needle\n").finding("rule");
  reader.add(builder.take());
  const auto found = run(reader, clock, request(R"({service="api", error="true"} |= "needle")"));
  const record::RecordView view = found->rows.at(0).view();
  EXPECT_EQ(view.line(), R"({"msg":"needle\n"})");
  EXPECT_EQ(view.body(), "needle\n");
  EXPECT_EQ(view.sequence, 1023u);
  EXPECT_EQ(view.labels(), api);
  EXPECT_EQ(view.batch->rule_names.at(view.batch->findings_of(*view.record)[0].rule), "rule");
  EXPECT_EQ(view.batch->records.size(), 1u);
}

TEST_F(RunTest, EndsWithATimeoutWhenTheDeadlinePasses) {
  reader.on_visit([this] { clock.advance(base::nanos_per_second); });
  QueryRequest asked = request("{}");
  asked.timeout_ns = 2 * base::nanos_per_second;
  const auto result = run(reader, clock, asked);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::query_timeout);
  EXPECT_EQ(count(reader, clock, asked).error().code, ErrorCode::query_timeout);
}

TEST_F(RunTest, TheDeadlineAlsoEndsAScanThatMatchesNoStream) {
  reader.on_visit([this] { clock.advance(base::nanos_per_second); });
  QueryRequest asked = request(R"({service="none"})");
  asked.timeout_ns = 2 * base::nanos_per_second;
  EXPECT_EQ(run(reader, clock, asked).error().code, ErrorCode::query_timeout);
}

TEST_F(RunTest, PassesOnErrorsOfTheStore) {
  reader.fail_with({ErrorCode::io_error, "reading a segment", {}});
  EXPECT_EQ(run(reader, clock, request("{}")).error().code, ErrorCode::io_error);
  EXPECT_EQ(count(reader, clock, request("{}")).error().code, ErrorCode::io_error);
}

TEST_F(RunTest, CountsWhatMatches) {
  const auto all = count(reader, clock, request("{}"));
  EXPECT_EQ(all->records, 7u);
  EXPECT_EQ(all->errors, 1u);
  EXPECT_EQ(all->gaps, 1u);
  QueryRequest asked = request(R"({service="db"})");
  asked.limit = 1;
  asked.to_time = 20;
  EXPECT_EQ(count(reader, clock, asked)->records, 1u);
}

TEST(Compile, ErrorsComeFromEveryStep) {
  EXPECT_EQ(compile("{a=}", nullptr).error().code, ErrorCode::query_syntax);
  EXPECT_EQ(compile("{} | json", nullptr).error().code, ErrorCode::query_unsupported);
  EXPECT_EQ(compile(R"({} |~ "(")", nullptr).error().code, ErrorCode::query_regex);
}

}  // namespace
}  // namespace telltale::query
