#include "record/gap.h"

#include <gtest/gtest.h>

namespace telltale::record {
namespace {

Gap full_gap() {
  Gap gap;
  gap.reason = GapReason::rotated_away;
  gap.from_time = 1'700'000'000'123'456'789;
  gap.to_time = 1'700'000'001'000'000'000;
  gap.range = RawRange{10, 500, {}};
  gap.lines = 7;
  gap.detail = "app.log.1 was removed before it was read";
  return gap;
}

TEST(Gap, EveryReasonHasANameThatReadsBack) {
  for (int i = 0; i <= static_cast<int>(GapReason::shutdown); ++i) {
    const auto reason = static_cast<GapReason>(i);
    EXPECT_EQ(parse_gap_reason(gap_reason_name(reason)), reason);
  }
  EXPECT_EQ(parse_gap_reason("no such reason"), std::nullopt);
}

TEST(Gap, TravelsAsABatchOfOneRecordAndReadsBack) {
  const Gap gap = full_gap();
  const Batch batch = make_gap_batch(make_stream(Labels({{"service", "api"}})), gap, 1'700'000'002'000'000'000);
  ASSERT_EQ(batch.records.size(), 1U);
  const Record& record = batch.records[0];
  EXPECT_TRUE(record.has(flag_gap));
  EXPECT_FALSE(record.is_error());
  EXPECT_EQ(record.index_time(), 1'700'000'002'000'000'000);
  EXPECT_EQ(record.source_lines, 7U);

  const auto read = read_gap(batch, record);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->reason, gap.reason);
  EXPECT_EQ(read->from_time, gap.from_time);
  EXPECT_EQ(read->to_time, gap.to_time);
  ASSERT_TRUE(read->range.has_value());
  EXPECT_EQ(read->range->from, 10U);
  EXPECT_EQ(read->range->to, 500U);
  EXPECT_EQ(read->lines, 7U);
  EXPECT_EQ(read->detail, gap.detail);
}

TEST(Gap, TheLineSaysWhatIsMissing) {
  const Gap gap = full_gap();
  const Batch batch = make_gap_batch(make_stream(Labels()), gap, 0);
  EXPECT_EQ(batch.line(batch.records[0]),
            "gap: rotated_away, about 7 lines, bytes 10 to 500 written between 2023-11-14T22:13:20.123Z and 2023-11-14T22:13:21.000Z: "
            "app.log.1 was removed before it was read");
}

TEST(Gap, UnknownBoundsStayUnknown) {
  Gap gap;
  gap.reason = GapReason::source_restarted;
  const Batch batch = make_gap_batch(make_stream(Labels()), gap, 5);
  const auto read = read_gap(batch, batch.records[0]);
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->range.has_value());
  EXPECT_FALSE(read->lines.has_value());
  EXPECT_EQ(read->detail, "");
}

TEST(Gap, AnOrdinaryRecordIsNone) {
  Batch batch;
  batch.stream = make_stream(Labels());
  batch.records.emplace_back();
  EXPECT_FALSE(read_gap(batch, batch.records[0]).has_value());
}

}  // namespace
}  // namespace telltale::record
