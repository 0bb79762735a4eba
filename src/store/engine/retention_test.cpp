// Retention by age, and clocks that are wrong.
#include "store/engine/retention.h"

#include <gtest/gtest.h>

#include <vector>

namespace telltale::store {
namespace {

constexpr std::int64_t day = 24 * 3600 * base::nanos_per_second;
constexpr std::int64_t limit = 30 * day;
constexpr base::UnixNanos start = 1'700'000'000 * base::nanos_per_second;

// A segment a day, from day `first` to day `last`.
std::vector<SegmentSpan> days(int first, int last) {
  std::vector<SegmentSpan> out;
  for (int i = first; i <= last; ++i) out.push_back({start + i * day, start + i * day + day / 2});
  return out;
}

EngineTime opened_at(base::UnixNanos wall, std::int64_t elapsed = 0) {
  return {wall, elapsed, wall + elapsed};
}

TEST(RetentionByAge, RemovesWhatIsOlderAndNothingElse) {
  EXPECT_EQ(outlived(days(0, 40), opened_at(start + 41 * day), limit), 11u);
  EXPECT_EQ(outlived(days(0, 40), opened_at(start + 2 * day, 39 * day), limit), 11u) << "a service that runs for weeks";
  EXPECT_EQ(outlived(days(0, 29), opened_at(start + 30 * day), limit), 0u);
  EXPECT_EQ(outlived(days(0, 0), opened_at(start + 300 * day), limit), 0u) << "the newest is never removed";
}

TEST(RetentionByAge, AServiceWithoutRecordsStillGrowsOlder) {
  std::vector<SegmentSpan> segments = days(0, 1);
  EXPECT_EQ(outlived(segments, opened_at(start + day, 40 * day), limit), 1u);
}

TEST(RetentionByAge, AClockThatJumpsYearsAheadRemovesNothing) {
  std::vector<SegmentSpan> segments = days(0, 10);
  const base::UnixNanos wrong = start + 4000 * day;
  EXPECT_EQ(outlived(segments, {start + 10 * day, day, wrong}, limit), 0u) << "while running, without records";
  EXPECT_EQ(outlived(segments, opened_at(wrong), limit), 0u) << "between two runs";
  segments.push_back({wrong, wrong + day});
  EXPECT_EQ(outlived(segments, {start + 10 * day, day, wrong + day}, limit), 0u) << "with records of the wrong time";
  segments.push_back({start + 12 * day, start + 12 * day});
  EXPECT_EQ(outlived(segments, opened_at(start + 13 * day), limit), 0u) << "and when it is right again";
  for (const SegmentSpan& later : days(13, 50)) segments.push_back(later);
  EXPECT_EQ(outlived(segments, opened_at(start + 51 * day), limit), 21u) << "what was written ahead does not keep the rest for ever";
}

TEST(RetentionByAge, ALongRestIsBelievedOnceTimePassesAgain) {
  std::vector<SegmentSpan> segments = days(0, 3);
  for (const SegmentSpan& later : days(400, 404)) segments.push_back(later);
  EXPECT_EQ(outlived(segments, opened_at(start + 405 * day), limit), 0u);
  for (const SegmentSpan& later : days(405, 409)) segments.push_back(later);
  EXPECT_EQ(outlived(segments, opened_at(start + 410 * day), limit), 4u);
  EXPECT_EQ(outlived(days(0, 3), opened_at(start + 400 * day, 8 * day), limit), 3u) << "seen by the engine's own clock";
}

TEST(RetentionByAge, AClockThatIsSetBackKeepsAll) {
  EXPECT_EQ(outlived(days(0, 40), opened_at(start - 1000 * day), limit), 0u);
  EXPECT_EQ(outlived(days(0, 40), {start, 41 * day, start - 1000 * day}, limit), 0u);
}

}  // namespace
}  // namespace telltale::store
