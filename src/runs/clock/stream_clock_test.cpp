#include "runs/clock/stream_clock.h"

#include <random>

#include <gtest/gtest.h>

namespace telltale::runs {
namespace {

using base::nanos_per_millisecond;
using base::nanos_per_second;
using record::TimeResolution;

constexpr UnixNanos start = 1'700'000'000 * nanos_per_second;

// A program that writes lines with a clock and a way of its own.
struct Program {
  std::int64_t offset_ns = 0;  // real = written + offset
  TimeResolution resolution = TimeResolution::millisecond;
  std::int64_t fastest_ns = nanos_per_millisecond;
  std::int64_t slowest_ns = 30 * nanos_per_millisecond;
  std::int64_t late_ns = 0;  // of one line in three
  bool zone_assumed = false;

  record::Batch lines(std::mt19937& random, UnixNanos from, std::int64_t lasting, int count) const {
    record::Batch batch;
    const auto below = [&](std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random); };
    for (int i = 0; i < count; ++i) {
      const UnixNanos real = from + lasting * i / count + below(nanos_per_millisecond);
      record::Record record;
      record.event_time = real - offset_ns;
      record.event_time -= record.event_time % std::max<std::int64_t>(nanos_of(resolution), 1);
      record.resolution = resolution;
      record.observed_time = real + fastest_ns + below(slowest_ns - fastest_ns + 1) + (late_ns > 0 && below(3) == 0 ? late_ns : 0);
      if (zone_assumed) record.flags |= record::flag_zone_assumed;
      batch.records.push_back(record);
    }
    return batch;
  }
};

std::optional<ClockCorrection> estimated(const Program& program, bool own_host = false, int count = 200, unsigned seed = 1) {
  std::mt19937 random(seed);
  StreamClock clock(own_host);
  clock.add(program.lines(random, start, 10 * nanos_per_second, count));
  return clock.estimate();
}

bool holds(const ClockCorrection& correction, std::int64_t offset) {
  return correction.offset_ns - correction.uncertainty_ns <= offset && offset <= correction.offset_ns + correction.uncertainty_ns;
}

TEST(StreamClock, AClockAheadIsKnownWell) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    const auto found = estimated({.offset_ns = -5 * nanos_per_second, .late_ns = 2 * nanos_per_second}, false, 200, seed);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(holds(*found, -5 * nanos_per_second)) << "seed " << seed;
    EXPECT_LE(found->uncertainty_ns, 30 * nanos_per_millisecond);
    EXPECT_EQ(found->method, OffsetMethod::estimated);
  }
}

// It cannot be told from a right clock whose lines are always late: both must be among what is possible.
TEST(StreamClock, AClockBehindMayAlsoBeLateLines) {
  const auto behind = estimated({.offset_ns = 5 * nanos_per_second});
  ASSERT_TRUE(behind.has_value());
  EXPECT_TRUE(holds(*behind, 5 * nanos_per_second));
  EXPECT_TRUE(holds(*behind, 0));
  EXPECT_FALSE(holds(*behind, 6 * nanos_per_second));
  EXPECT_FALSE(holds(*behind, -nanos_per_second));
  const auto late = estimated({.fastest_ns = 2 * nanos_per_second, .slowest_ns = 3 * nanos_per_second});
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(holds(*late, 0));
}

TEST(StreamClock, SecondsAreLessExactAndStillRight) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    const auto found = estimated({.offset_ns = -7 * nanos_per_second, .resolution = TimeResolution::second}, false, 60, seed);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(holds(*found, -7 * nanos_per_second)) << "seed " << seed;
    EXPECT_LE(found->uncertainty_ns, 600 * nanos_per_millisecond);
  }
}

TEST(StreamClock, ARightClockNeedsNoCorrection) {
  EXPECT_FALSE(estimated({}).has_value());
  EXPECT_FALSE(estimated({.resolution = TimeResolution::second}).has_value());
  EXPECT_FALSE(estimated({.late_ns = 2 * nanos_per_second}).has_value()) << "some lines are late";
}

TEST(StreamClock, TooLittleSaysNothing) {
  EXPECT_FALSE(estimated({.offset_ns = -5 * nanos_per_second}, false, 29).has_value());
  std::mt19937 random(1);
  StreamClock burst(false);
  burst.add(Program{.offset_ns = -5 * nanos_per_second}.lines(random, start, nanos_per_second / 2, 500));
  EXPECT_FALSE(burst.estimate().has_value()) << "one burst may have come late as a whole";
}

TEST(StreamClock, TheEnginesOwnMachineIsRightWhateverItsLinesDo) {
  EXPECT_FALSE(estimated({.offset_ns = -5 * nanos_per_second}, true).has_value());
  EXPECT_FALSE(estimated({.fastest_ns = 2 * nanos_per_second, .slowest_ns = 2 * nanos_per_second}, true).has_value());
}

TEST(StreamClock, AWrongZoneIsSeenByItsRoundHours) {
  for (const std::int64_t hours : {-1, 2, 5}) {
    const std::int64_t shift = hours * 3600 * nanos_per_second;
    EXPECT_EQ(estimated({.offset_ns = shift, .zone_assumed = true}, true), (ClockCorrection{shift, 0, OffsetMethod::estimated})) << hours;
    const auto elsewhere = estimated({.offset_ns = shift + nanos_per_second, .zone_assumed = true}, false);
    ASSERT_TRUE(elsewhere.has_value()) << hours;
    EXPECT_TRUE(holds(*elsewhere, shift + nanos_per_second)) << hours;
    EXPECT_LE(elsewhere->uncertainty_ns, nanos_per_second);
  }
  EXPECT_FALSE(estimated({.offset_ns = 3600 * nanos_per_second, .zone_assumed = false}, true).has_value()) << "the zone was written";
  EXPECT_FALSE(estimated({.offset_ns = 600 * nanos_per_second, .zone_assumed = true}, true).has_value()) << "no zone is ten minutes off";
}

TEST(StreamClock, AClockThatIsSetIsDoubtfulFromThenOn) {
  std::mt19937 random(1);
  StreamClock clock(false);
  const Program before{.offset_ns = -5 * nanos_per_second};
  const Program after{.offset_ns = -nanos_per_second};
  clock.add(before.lines(random, start, 40 * nanos_per_second, 400));
  clock.add(after.lines(random, start + 41 * nanos_per_second, 100 * nanos_per_second, 1000));
  const auto found = clock.estimate();
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(holds(*found, -5 * nanos_per_second));
  EXPECT_TRUE(holds(*found, -nanos_per_second));
}

TEST(StreamClock, RecordsWithoutAnExactTimeSayNothing) {
  std::mt19937 random(1);
  for (const TimeResolution resolution : {TimeResolution::none, TimeResolution::minute, TimeResolution::day}) {
    StreamClock clock(false);
    record::Batch batch = Program{.offset_ns = -5 * nanos_per_second}.lines(random, start, 10 * nanos_per_second, 200);
    for (record::Record& record : batch.records) record.resolution = resolution;
    clock.add(batch);
    EXPECT_FALSE(clock.estimate().has_value());
  }
}

TEST(StreamClock, NewsIsABoundThatWasTooNarrowOrFarTooWide) {
  const ClockCorrection known{1000 * nanos_per_millisecond, 100 * nanos_per_millisecond, OffsetMethod::estimated};
  const auto at = [&](std::int64_t offset_ms, std::int64_t uncertainty_ms) {
    return ClockCorrection{offset_ms * nanos_per_millisecond, uncertainty_ms * nanos_per_millisecond, OffsetMethod::estimated};
  };
  EXPECT_TRUE(differs_materially(std::nullopt, known));
  EXPECT_FALSE(differs_materially(known, known));
  EXPECT_FALSE(differs_materially(known, at(1000, 90)));
  EXPECT_TRUE(differs_materially(known, at(1000, 50)));
  EXPECT_TRUE(differs_materially(known, at(1001, 100)));
  EXPECT_TRUE(differs_materially(known, at(999, 100)));
}

}  // namespace
}  // namespace telltale::runs
