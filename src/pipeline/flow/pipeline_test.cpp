// One stream through all stages: above all, what waits at the end of a block and what becomes of it.
#include "pipeline/flow/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::pipeline {
namespace {

using record::Batch;
using record::RawBlock;
using record::Record;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr base::UnixNanos start_time = 1'711'022'400 * base::nanos_per_second;  // 2024-03-21T12:00:00Z
constexpr std::int64_t ms = base::nanos_per_millisecond;

// Positions that say how many bytes and lines are before them.
class TestPositions final : public record::InnerPositions {
 public:
  TestPositions(std::uint64_t bytes, std::uint64_t lines) : bytes_(bytes), lines_(lines) {}
  record::Position behind(std::string_view begin, std::uint64_t lines) const override {
    return {"key", std::to_string(bytes_ + begin.size()) + "/" + std::to_string(lines_ + lines)};
  }

 private:
  std::uint64_t bytes_;
  std::uint64_t lines_;
};

class PipelineTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = make_rules({}, {}, metrics_);
    ASSERT_TRUE(made);
    rules_ = std::move(*made);
    stages_.rules = rules_.get();
    stages_.raw_hasher = &hasher_;
    scratch_.emplace(stages_);
    pipeline_.emplace(stages_, *scratch_, counters_);
  }

  // What a file source would read next.
  RawBlock block(const std::string& bytes) {
    RawBlock block;
    block.stream = stream_;
    block.bytes = bytes;
    block.raw_from = bytes_;
    block.first_source_line = lines_;
    block.observed_time = start_time + now_;
    block.inner_positions = std::make_unique<TestPositions>(bytes_, lines_);
    bytes_ += bytes.size();
    lines_ += static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
    block.raw_to = bytes_;
    block.position = record::Position{"key", std::to_string(bytes_) + "/" + std::to_string(lines_)};
    return block;
  }

  std::vector<Batch> push(const std::string& bytes) { return push(block(bytes)); }
  std::vector<Batch> push(RawBlock&& next) {
    all_ += next.bytes;
    std::vector<Batch> out;
    pipeline_->process(std::move(next), now_, out);
    check(out);
    return out;
  }
  std::vector<Batch> flush() {
    std::vector<Batch> out;
    pipeline_->flush(out);
    check(out);
    return out;
  }

  // Batches follow each other without a hole; each position is behind its own lines; hashes are of the bytes as they were read.
  void check(const std::vector<Batch>& batches) {
    for (const Batch& batch : batches) {
      if (!batch.raw) continue;
      EXPECT_EQ(batch.raw->from, checked_bytes_);
      EXPECT_EQ(batch.raw->hash, hasher_(std::string_view(all_).substr(batch.raw->from, batch.raw->to - batch.raw->from)));
      EXPECT_EQ(batch.first_source_line, checked_lines_);
      checked_bytes_ = batch.raw->to;
      for (const Record& record : batch.records) checked_lines_ += record.source_lines;
      ASSERT_TRUE(batch.position);
      EXPECT_EQ(batch.position->value, std::to_string(checked_bytes_) + "/" + std::to_string(checked_lines_));
    }
  }

  static std::vector<std::string> lines(const std::vector<Batch>& batches) {
    std::vector<std::string> result;
    for (const Batch& batch : batches) {
      for (const Record& record : batch.records) result.emplace_back(batch.line(record));
    }
    return result;
  }

  telemetry::Metrics metrics_;
  PipelineMetrics counters_{metrics_};
  std::unique_ptr<const Rules> rules_;
  base::KeyedHasher hasher_{"key"};
  Stages stages_;
  std::optional<PipelineScratch> scratch_;
  std::optional<Pipeline> pipeline_;
  record::StreamRef stream_ = record::make_stream(record::Labels({{"service", "a"}}));
  base::MonoNanos now_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  std::string all_;
  std::uint64_t checked_bytes_ = 0;
  std::uint64_t checked_lines_ = 0;
};

const std::string head = "2024-03-21 12:00:00,000 ERROR no stock\n";
const std::string trace_begin = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n";
const std::string trace_end = "    f()\nValueError: x\n";
const std::string other = "2024-03-21 12:00:01,000 INFO going on\n";

std::string without_end(std::string text) {
  text.pop_back();
  return text;
}

TEST_F(PipelineTest, LinesThatAreCompleteDoNotWait) {
  EXPECT_THAT(lines(push(head)), ElementsAre(without_end(head)));
  EXPECT_THAT(lines(push("{\"level\":\"error\"}\nplain\n")), ElementsAre("{\"level\":\"error\"}", "plain"));
  EXPECT_FALSE(pipeline_->wait_ends());
}

TEST_F(PipelineTest, ATraceThatIsCutByABlocksEndIsOneRecord) {
  EXPECT_THAT(lines(push(other + head + trace_begin)), ElementsAre(without_end(other)));
  EXPECT_EQ(pipeline_->wait_ends(), 250 * ms);
  now_ = 10 * ms;
  const auto batches = push(trace_end + other);
  ASSERT_EQ(lines(batches), (std::vector{without_end(head + trace_begin + trace_end), without_end(other)}));
  const Record& joined = batches[0].records[0];
  EXPECT_TRUE(joined.has(record::flag_joined));
  EXPECT_EQ(joined.source_lines, 5u);
  EXPECT_EQ(batches[0].body(joined), "no stock");
  EXPECT_EQ(joined.observed_time, start_time);
  EXPECT_EQ(batches[0].records[1].observed_time, start_time + 10 * ms);
  EXPECT_EQ(joined.severity, record::Severity::error);
  EXPECT_EQ(base::format_rfc3339(joined.event_time, 0), "2024-03-21T12:00:00Z");
  ASSERT_EQ(joined.finding_count, 1u);
  EXPECT_EQ(batches[0].rule_names[batches[0].findings[joined.first_finding].rule], "python-traceback");
  EXPECT_FALSE(pipeline_->wait_ends());
}

TEST_F(PipelineTest, ABlockThatWaitsAsAWholeGivesNothing) {
  EXPECT_THAT(push(head + trace_begin), IsEmpty());
  EXPECT_THAT(push("    f()\n"), IsEmpty());
  EXPECT_EQ(pipeline_->wait_ends(), 250 * ms) << "counted from the first line";
  EXPECT_THAT(lines(flush()), ElementsAre(without_end(head + trace_begin + "    f()\n")));
  EXPECT_THAT(flush(), IsEmpty());
}

TEST_F(PipelineTest, WaitsForItsTimeAlthoughLinesCome) {
  EXPECT_THAT(push(head + trace_begin), IsEmpty());
  now_ = 200 * ms;
  EXPECT_THAT(push("    f()\n"), IsEmpty());
  now_ = 250 * ms;
  EXPECT_THAT(lines(push("  File \"b.py\", line 1, in g\n")),
              ElementsAre(without_end(head + trace_begin + "    f()\n  File \"b.py\", line 1, in g\n")));
}

TEST_F(PipelineTest, WhatComesLaterTakesTimeLevelAndIdsOfItsHead) {
  const std::string with_ids = "2024-03-21 12:00:00,000 ERROR test_id=t1 trace_id=0af7651916cd43dd8448eb211c80319c no stock\n";
  EXPECT_THAT(push(with_ids + trace_begin), IsEmpty());
  const auto first = flush();
  ASSERT_EQ(lines(first).size(), 1u);
  now_ = 400 * ms;
  EXPECT_THAT(push("    f()\n"), IsEmpty());
  now_ = 500 * ms;
  const auto second = push("ValueError: x\n" + other);
  ASSERT_EQ(lines(second), (std::vector<std::string>{"    f()\nValueError: x", without_end(other)}));
  const Record& late = second[0].records[0];
  EXPECT_TRUE(late.has(record::flag_joined));
  EXPECT_EQ(late.event_time, first[0].records[0].event_time);
  EXPECT_EQ(late.resolution, record::TimeResolution::millisecond);
  EXPECT_TRUE(late.has(record::flag_zone_assumed));
  EXPECT_EQ(late.severity, record::Severity::error);
  EXPECT_EQ(second[0].view(late.test_id), "t1");
  EXPECT_EQ(second[0].view(late.trace_id), "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(PipelineTest, WhatComesMuchLaterIsOfItsOwnTime) {
  push(head + trace_begin);
  flush();
  now_ = 1500 * ms;
  push("    f()\n");
  const auto late = flush();
  ASSERT_EQ(lines(late), (std::vector<std::string>{"    f()"}));
  EXPECT_FALSE(late[0].records[0].has_event_time());
  EXPECT_FALSE(late[0].records[0].has(record::flag_joined));
}

TEST_F(PipelineTest, AnIndentedLineInABlockOfItsOwnGoesOnWithTheLineBefore) {
  const auto first = push("2024-03-21 12:00:00,000 INFO settings:\n");
  ASSERT_EQ(lines(first).size(), 1u) << "a line with a head does not wait for what may follow";
  push("  port: 80\n");
  const auto late = flush();
  ASSERT_EQ(lines(late).size(), 1u);
  EXPECT_TRUE(late[0].records[0].has(record::flag_joined));
  EXPECT_EQ(late[0].records[0].event_time, first[0].records[0].event_time);
}

TEST_F(PipelineTest, ALineWithAHeadWaitsWhenMoreFollows) {
  RawBlock first = block(other + "2024-03-21 12:00:00,000 INFO settings:\n");
  first.more_follows = true;
  EXPECT_EQ(lines(push(std::move(first))).size(), 1u);
  EXPECT_THAT(lines(push("  port: 80\n" + other)), ElementsAre("2024-03-21 12:00:00,000 INFO settings:\n  port: 80", without_end(other)));
}

TEST_F(PipelineTest, AnExceptionWaitsForItsFrames) {
  EXPECT_THAT(lines(push("plain\njava.lang.IllegalStateException: bad\n")), ElementsAre("plain"));
  EXPECT_THAT(lines(push("\tat a.B.c(B.java:1)\nplain\n")),
              ElementsAre("java.lang.IllegalStateException: bad\n\tat a.B.c(B.java:1)", "plain"));
}

TEST_F(PipelineTest, APositionAloneWaitsWithTheLinesBeforeIt) {
  push(head + trace_begin);
  RawBlock moved = block("");
  moved.position->value = std::to_string(bytes_) + "/" + std::to_string(lines_);
  moved.inner_positions.reset();
  EXPECT_THAT(push(std::move(moved)), IsEmpty());
  EXPECT_EQ(lines(flush()).size(), 1u);
}

TEST_F(PipelineTest, AnotherOriginsBlockEndsTheWaiting) {
  push(head + trace_begin);
  RawBlock next;
  next.stream = stream_;
  next.bytes = trace_end;
  next.raw_to = trace_end.size();
  next.observed_time = start_time;
  next.position = record::Position{"other", "x"};
  std::vector<Batch> out;
  pipeline_->process(std::move(next), now_, out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].position->key, "key");
  EXPECT_EQ(out[1].position->value, "x");
  EXPECT_TRUE(out[1].records[0].has(record::flag_joined)) << "rotated in the middle of a trace";
}

TEST_F(PipelineTest, AForgottenOriginEndsTheWaiting) {
  push(head + trace_begin);
  RawBlock forget;
  forget.stream = stream_;
  forget.position = record::Position{"key", ""};
  std::vector<Batch> out;
  pipeline_->process(std::move(forget), now_, out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].records.size(), 1u);
  EXPECT_EQ(out[1].position->value, "");
}

TEST_F(PipelineTest, BlocksWithoutInnerPositionsDoNotWait) {
  RawBlock first = block(head + trace_begin);
  first.inner_positions.reset();
  EXPECT_EQ(lines(push(std::move(first))).size(), 1u);
}

TEST_F(PipelineTest, TheEndOfAnOriginDoesNotWait) {
  RawBlock last = block(head + without_end(trace_begin));
  last.last_line_unterminated = true;
  lines_ += 1;
  last.position->value = std::to_string(bytes_) + "/" + std::to_string(lines_);
  const auto batches = push(std::move(last));
  ASSERT_EQ(lines(batches).size(), 1u);
  EXPECT_TRUE(batches[0].records[0].has(record::flag_unterminated));
}

TEST_F(PipelineTest, SecretsInJoinedLinesAreTakenOut) {
  const auto batches = push(
      "2024-03-21 12:00:00,000 ERROR config:\n  password: hunter22\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    "
      "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n    BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n");
  EXPECT_THAT(batches, IsEmpty());
  const auto more = push("    MSzZqrVmVmQwNnXwVxhQ9dIoTr2pWmVm\n    -----END PRIVATE KEY-----\n" + other);
  ASSERT_EQ(lines(more).size(), 2u);
  for (const char* secret : {"hunter22", "MIIEvQ", "BKcwgg", "MSzZqr"}) EXPECT_THAT(more[0].text, Not(HasSubstr(secret)));
  EXPECT_EQ(more[0].records[0].source_lines, 8u);
  EXPECT_EQ(more[0].body(more[0].records[0]), "config:");
}

TEST_F(PipelineTest, APrivateKeyGoesOnInTheNextRecord) {
  push("2024-03-21 12:00:00,000 ERROR config:\n    -----BEGIN PRIVATE KEY-----\n    MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n");
  flush();
  push("    BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n    MSzZqrVmVmQwNnXwVxhQ9dIoTr2pWmVm\n    -----END PRIVATE KEY-----\n    user: bob\n");
  const auto late = flush();
  ASSERT_EQ(lines(late).size(), 1u);
  for (const char* secret : {"BKcwgg", "MSzZqr"}) EXPECT_THAT(late[0].text, Not(HasSubstr(secret)));
  EXPECT_THAT(lines(late)[0], HasSubstr("user: bob"));
}

TEST_F(PipelineTest, JsonOverSeveralLinesIsRead) {
  const auto batches = push("{\n  \"level\": \"error\",\n  \"msg\": \"bad\",\n  \"order\": {\n    \"id\": 7\n  }\n}\n");
  ASSERT_EQ(lines(batches).size(), 1u);
  const Record& record = batches[0].records[0];
  EXPECT_EQ(record.severity, record::Severity::error);
  EXPECT_EQ(batches[0].body(record), "bad");
  EXPECT_EQ(batches[0].view(batches[0].attributes_of(record)[0].text), "{     \"id\": 7   }");
}

TEST_F(PipelineTest, AnEndlessTraceInSmallBlocksCostsLittleALine) {
  push(head + trace_begin);
  std::uint64_t records = 0;
  const std::clock_t begin = std::clock();
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    now_ += 1000;
    for (const Batch& batch : push("    line " + std::to_string(i) + " of a trace that does not end\n")) records += batch.records.size();
  }
  for (const Batch& batch : flush()) records += batch.records.size();
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / count, 200e-6);
  EXPECT_EQ(records, 21u) << "of 1000 lines each";
  EXPECT_EQ(checked_lines_, lines_);
}

TEST_F(PipelineTest, WaitingCanBeOff) {
  stages_.join_wait = std::chrono::nanoseconds(0);
  EXPECT_EQ(lines(push(head + trace_begin)).size(), 1u);
  EXPECT_FALSE(pipeline_->wait_ends());
}

// A server tells the time of each line: it stands where the line's text has none, or none with a zone.
TEST_F(PipelineTest, TimesThatTheSourceWasTold) {
  RawBlock told = block("plain text\n2024-03-21T11:59:58Z own time\n2024-03-21 11:59:57 without a zone\nheld back\n");
  told.line_times = {start_time + 1 * ms, start_time + 2 * ms, start_time + 3 * ms, start_time + 4 * ms};
  std::vector<Record> records;
  for (const Batch& batch : push(std::move(told))) records.insert(records.end(), batch.records.begin(), batch.records.end());
  for (const Batch& batch : flush()) records.insert(records.end(), batch.records.begin(), batch.records.end());
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].event_time, start_time + 1 * ms);
  EXPECT_EQ(records[0].resolution, record::TimeResolution::nanosecond);
  EXPECT_EQ(records[1].event_time, start_time - 2 * base::nanos_per_second);
  EXPECT_EQ(records[2].event_time, start_time + 3 * ms);
  EXPECT_FALSE(records[2].has(record::flag_zone_assumed));
  EXPECT_EQ(records[3].event_time, start_time + 4 * ms);
}

}  // namespace
}  // namespace telltale::pipeline
