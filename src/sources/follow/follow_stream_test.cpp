// One follow stream against a scripted server: each line once, else a gap.
#include "sources/follow/follow_stream.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/follow/testing/follow_harness.h"

namespace telltale::sources {
namespace {

using base::nanos_per_second;
using record::GapReason;
using ::testing::ElementsAre;
using testing::FollowHarness;
using ::testing::IsEmpty;
using testing::ScriptedHabits;
using testing::WireFormat;

constexpr std::int64_t ms = base::nanos_per_millisecond;

// Once each, in the order of writing.
void expect_lines(const FollowHarness& t, int from, int to) {
  std::vector<std::string> expected;
  for (int i = from; i < to; ++i) expected.push_back(fmt::format("line {}", i));
  EXPECT_EQ(t.store.lines, expected);
}

TEST(FollowStream, HandsOnEachLineOnceOverACut) {
  FollowHarness t;
  t.start();
  for (int i = 0; i < 5; ++i) t.write(fmt::format("line {}", i));
  t.settle();
  t.cut();
  for (int i = 5; i < 9; ++i) t.write(fmt::format("line {}", i));
  t.wait(nanos_per_second);
  expect_lines(t, 0, 9);
  EXPECT_THAT(t.store.gaps, IsEmpty());
  EXPECT_EQ(t.metrics.duplicates.value(), 5u);
}

TEST(FollowStream, GoesOnAfterAKillFromWhatWasCommitted) {
  FollowHarness t;
  t.start();
  for (int i = 0; i < 4; ++i) t.write(fmt::format("line {}", i));
  t.settle();
  for (int i = 4; i < 8; ++i) t.write(fmt::format("line {}", i));
  while (t.transport->give(1000)) t.advance();
  t.advance();
  t.store.work(1);
  t.kill_and_start();  // nothing of the second half was committed
  t.settle();
  expect_lines(t, 0, 8);
  EXPECT_THAT(t.store.gaps, IsEmpty());
}

TEST(FollowStream, GoesOnBehindTheLinesOfABlockThatWereCommitted) {
  FollowHarness t;
  t.start();
  t.advance();
  for (int i = 0; i < 8; ++i) t.write(fmt::format("line {}", i), i * ms);
  while (t.transport->give(1000)) t.advance();
  t.advance();
  t.store.work(1);     // the first cursor
  t.store.work(1, 3);  // of the block three lines; the others wait for what may follow
  t.store.commit(2);
  EXPECT_EQ(t.store.lines.size(), 3u);
  t.kill_and_start();
  t.settle();
  expect_lines(t, 0, 8);
}

// Chaos case: reconnect inside one second at 10k lines/s with equal timestamps.
TEST(FollowChaos, ReconnectInsideOneSecondAtTenThousandEqualTimes) {
  for (const WireFormat format : {WireFormat::lines, WireFormat::frames}) {
    FollowHarness t(ScriptedHabits{.format = format});
    t.start();
    int n = 0;
    for (int second = 0; second < 3; ++second) {
      for (int i = 0; i < 5000; ++i) t.write(fmt::format("line {}", n++));
      t.settle();
      t.cut();
      for (int i = 0; i < 5000; ++i) t.write(fmt::format("line {}", n++));
      t.wait(nanos_per_second);
    }
    expect_lines(t, 0, n);
    EXPECT_THAT(t.store.gaps, IsEmpty());
    // A commit costs little, whatever the window holds.
    EXPECT_LT(t.store.largest_cursor, 3'000u);
  }
}

// Equal in text and time: as many as there are.
TEST(FollowStream, CountsLinesThatAreEqualInAllThings) {
  FollowHarness t;
  t.start();
  for (int i = 0; i < 3; ++i) t.write("tick");
  t.settle();
  t.cut();
  for (int i = 0; i < 2; ++i) t.write("tick");
  t.wait(nanos_per_second);
  EXPECT_EQ(t.store.lines, std::vector<std::string>(5, "tick"));
}

// Chaos case: stdout and stderr out of order at the resume point.
TEST(FollowChaos, StdoutAndStderrOutOfOrderAtTheResumePoint) {
  for (const bool filters : {false, true}) {
    FollowHarness t(ScriptedHabits{.format = WireFormat::frames, .filters_each = filters});
    t.start();
    t.write("line 0", 0, 1);
    t.write("line 1", 900 * ms, 1);
    t.settle();
    t.cut();
    t.write("line 2", 300 * ms, 2);  // stamped before line 1, written after it
    t.write("line 3", 950 * ms, 1);
    t.write("line 4", 100 * ms, 2);
    t.wait(nanos_per_second);
    expect_lines(t, 0, 5);
    t.kill_and_start();
    t.settle();
    expect_lines(t, 0, 5);
    EXPECT_THAT(t.store.gaps, IsEmpty());
  }
}

// Chaos case: container restart during the disconnect; `previous` still has the old instance.
TEST(FollowChaos, RestartDuringDisconnectIsReadFromPrevious) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.cut();
  t.write("line 1");
  t.log.restart();
  t.write("line 2");
  t.wait(nanos_per_second);
  t.wait(nanos_per_second);
  expect_lines(t, 0, 3);
  EXPECT_THAT(t.store.gaps, IsEmpty());
  EXPECT_EQ(t.stream->cursor().instance, "instance-2");
}

TEST(FollowStream, AnInstanceThatNobodyKeepsIsAGap) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.cut();
  t.write("lost");
  t.log.restart();
  t.log.restart();
  t.write("line 1");
  t.wait(nanos_per_second);
  expect_lines(t, 0, 2);
  ASSERT_EQ(t.store.gaps.size(), 1u);
  EXPECT_EQ(t.store.gaps[0].reason, GapReason::source_restarted);
  EXPECT_LE(t.store.gaps[0].from_time, t.clock.wall() - nanos_per_second);
  EXPECT_GE(t.store.gaps[0].to_time, t.clock.wall() - nanos_per_second);
  t.kill_and_start();
  t.settle();
  EXPECT_EQ(t.store.gaps.size(), 1u);  // stated once
}

// A clean end says nothing about the container.
TEST(FollowStream, EndOfStreamIsNotTheEnd) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.log.end();
  t.settle();
  EXPECT_FALSE(t.stream->cursor().finished);  // the connection ended, which happens to running ones too
  t.wait(nanos_per_second);
  EXPECT_TRUE(t.stream->cursor().finished);
  t.log.restart();
  t.write("line 1");
  t.wait(60 * nanos_per_second);
  expect_lines(t, 0, 2);
  EXPECT_THAT(t.store.gaps, IsEmpty());
}

// Chaos case: rotation during the disconnect.
TEST(FollowChaos, RotationDuringDisconnectIsAGapWithItsBounds) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.cut();
  const auto lost_at = t.clock.wall() + 10 * nanos_per_second;
  t.write("lost", 10 * nanos_per_second);
  t.write("line 1", 20 * nanos_per_second);
  t.log.rotate(1);
  t.wait(30 * nanos_per_second);
  expect_lines(t, 0, 2);
  ASSERT_EQ(t.store.gaps.size(), 1u);
  EXPECT_EQ(t.store.gaps[0].reason, GapReason::rotated_away);
  EXPECT_LE(t.store.gaps[0].from_time, lost_at);
  EXPECT_GE(t.store.gaps[0].to_time, lost_at);
  t.kill_and_start();
  t.wait(nanos_per_second);
  expect_lines(t, 0, 2);
  EXPECT_EQ(t.store.gaps.size(), 1u);
}

TEST(FollowStream, RotationThatLeftTheLastLineIsNoGap) {
  FollowHarness t;
  t.start();
  for (int i = 0; i < 4; ++i) t.write(fmt::format("line {}", i));
  t.settle();
  t.cut();
  t.write("line 4");
  t.log.rotate(2);
  t.wait(nanos_per_second);
  expect_lines(t, 0, 5);
  EXPECT_THAT(t.store.gaps, IsEmpty());
}

TEST(FollowStream, AServerThatHasNothingAnyMoreIsAGapAfterAWhile) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.cut();
  t.write("lost");
  t.log.rotate(0);
  t.wait(nanos_per_second);
  EXPECT_THAT(t.store.gaps, IsEmpty());
  t.wait(t.options.replay_silence_ns);
  ASSERT_EQ(t.store.gaps.size(), 1u);
  t.write("line 1");
  t.wait(nanos_per_second);
  expect_lines(t, 0, 2);
  EXPECT_EQ(t.store.gaps.size(), 1u);
}

// Chaos case: a consumer that is too slow for more than two rotations. The server passes over lines without a word.
TEST(FollowChaos, SlowConsumerForMoreThanTwoRotations) {
  FollowHarness t(ScriptedHabits{.skips_when_rotated = true});
  t.options.input_bytes = 2'000;
  t.options.block_bytes = 1'000;
  t.start();
  t.advance();
  t.write("line 0");
  t.settle();
  t.store.room = 0;
  int n = 1;
  for (int rotation = 0; rotation < 4; ++rotation) {
    for (int i = 0; i < 1500; ++i, ++n) t.write(fmt::format("line {}", n), n * ms);
    while (t.transport->give(1000)) t.advance();
    t.advance();
    EXPECT_EQ(t.transport->any_paused(), rotation < 2) << rotation;  // then the connection is given up
    EXPECT_LT(t.stream->lag_bytes(), 20'000u);                       // bounded
    t.log.rotate(300);
    t.clock.advance(nanos_per_second);
  }
  t.store.room = -1;
  t.settle();
  t.wait(nanos_per_second);
  // Nothing twice, the end is there, and what is missing lies within the gap.
  std::set<std::string> seen(t.store.lines.begin(), t.store.lines.end());
  EXPECT_EQ(seen.size(), t.store.lines.size());
  EXPECT_EQ(t.store.lines.back(), fmt::format("line {}", n - 1));
  EXPECT_LT(t.store.lines.size(), static_cast<std::size_t>(n));
  ASSERT_EQ(t.store.gaps.size(), 1u);
  EXPECT_EQ(t.store.gaps[0].reason, GapReason::rotated_away);
  EXPECT_THAT(t.registry.prometheus_text(), ::testing::HasSubstr(R"(telltale_source_reconnects_total{cause="slow",source="scripted"} 1)"));
}

TEST(FollowStream, AFullSinkStopsTheSocketAndLosesNothing) {
  FollowHarness t;
  t.options.input_bytes = 2'000;
  t.options.block_bytes = 1'000;
  t.start();
  t.advance();
  t.store.room = 0;
  for (int i = 0; i < 2000; ++i) t.write(fmt::format("line {}", i), i * ms);
  while (t.transport->give(1000)) t.advance();
  EXPECT_TRUE(t.transport->any_paused());
  EXPECT_LT(t.stream->lag_bytes(), 20'000u);
  t.store.room = -1;
  t.settle();
  expect_lines(t, 0, 2000);
}

// Chaos case: the server's clock is set, back and forth, while connected and while not.
TEST(FollowChaos, ClockStep) {
  constexpr std::int64_t hour = 3600 * nanos_per_second;
  for (const bool filters : {false, true}) {
    for (const bool connected : {false, true}) {
      FollowHarness t(ScriptedHabits{.filters_each = filters});
      t.options.max_age_ns = 10 * hour;
      std::int64_t offset = 0;
      int n = 0;
      const auto write_some = [&] {
        for (int i = 0; i < 20; ++i, ++n) t.write(fmt::format("line {}", n), offset + i * ms);
        t.log.set_server_time(t.clock.wall() + offset);
      };
      t.start();
      for (const std::int64_t step : {0L, hour, -hour, -hour, 2 * hour}) {
        if (!connected) t.cut();
        offset += step;
        write_some();
        t.wait(nanos_per_second);
        t.cut();
        write_some();
        t.wait(nanos_per_second);
        t.kill_and_start();
        t.wait(nanos_per_second);
        // A server that filters each line tells lines from before a step back only when it is asked again.
        t.wait(t.options.silence_ns);
      }
      std::set<std::string> seen(t.store.lines.begin(), t.store.lines.end());
      EXPECT_EQ(seen.size(), t.store.lines.size()) << "filters " << filters << ", connected " << connected;
      EXPECT_EQ(seen.size(), static_cast<std::size_t>(n)) << "filters " << filters << ", connected " << connected;
      EXPECT_THAT(t.store.gaps, IsEmpty());
    }
  }
}

// Chaos case: a line that looks as if it began with another time.
TEST(FollowChaos, FakeTimestampInALine) {
  FollowHarness t;
  t.start();
  const std::string fake = "2031-01-01T00:00:00Z 2001-01-01T00:00:00.5Z not the time of this line";
  t.write(fake);
  t.write("");
  t.write("2031-01-01T00:00:00Z");
  t.settle();
  t.cut();
  t.write("line after");
  t.wait(nanos_per_second);
  EXPECT_THAT(t.store.lines, ElementsAre(fake, "", "2031-01-01T00:00:00Z", "line after"));
}

// Chaos case: a line of 1 MB that comes in many parts, over a cut and with a rotation in its middle.
TEST(FollowChaos, OneMegabyteLineSplitAcrossRotation) {
  FollowHarness t(ScriptedHabits{.format = WireFormat::frames});
  t.start();
  const std::string huge(1'000'000, 'x');
  t.write("line 0");
  t.settle();
  t.write(huge);
  for (int i = 0; i < 20; ++i) {
    t.transport->give(10'000);
    t.advance();
  }
  t.cut();  // in the middle of it
  t.wait(nanos_per_second);
  t.write(huge + "y");
  for (int i = 0; i < 20; ++i) {
    t.transport->give(10'000);
    t.advance();
  }
  t.log.rotate(3);  // its last parts alone can be asked for; who is reading goes on
  t.settle();
  EXPECT_THAT(t.store.lines, ElementsAre("line 0", huge, huge + "y"));
  EXPECT_THAT(t.store.gaps, IsEmpty());
}

TEST(FollowStream, ALineOverTheLimitIsCutMarkedAndCountedOnce) {
  FollowHarness t(ScriptedHabits{.format = WireFormat::frames, .split_bytes = 100});
  t.options.max_line_bytes = 250;
  t.start();
  t.write(std::string(1000, 'x'));
  t.write("line 1");
  t.settle();
  t.cut();
  t.wait(nanos_per_second);
  EXPECT_THAT(t.store.lines, ElementsAre(std::string(250, 'x'), "line 1"));
  EXPECT_THAT(t.store.truncated, ElementsAre(true, false));
  EXPECT_EQ(t.metrics.truncated_lines.value(), 1u);
}

// More lines with one time than can be told apart: when they are said again some are repeated, none is lost.
TEST(FollowStream, AWindowThatOverflowsRepeatsAndNeverLoses) {
  FollowHarness t;
  t.options.most_marks = 100;
  t.options.chunk_marks = 16;
  t.options.held_bytes = 200;
  t.start();
  for (int i = 0; i < 500; ++i) t.write(fmt::format("line {}", i));
  t.settle();
  EXPECT_GT(t.metrics.overflows.value(), 0u);
  t.cut();
  t.write("line 500");
  t.wait(nanos_per_second);
  std::set<std::string> seen(t.store.lines.begin(), t.store.lines.end());
  EXPECT_EQ(seen.size(), 501u);
  EXPECT_EQ(t.store.gaps.size(), 1u);  // it says that it could not tell
}

// With room to hold what it cannot tell, it waits for a line that it knows: nothing is repeated.
TEST(FollowStream, AWindowThatOverflowsRepeatsNothingWhenItCanHoldTheLines) {
  FollowHarness t;
  t.options.most_marks = 100;
  t.options.chunk_marks = 16;
  t.start();
  for (int i = 0; i < 500; ++i) t.write(fmt::format("line {}", i));
  t.settle();
  t.cut();
  t.write("line 500");
  t.wait(nanos_per_second);
  t.kill_and_start();
  t.settle();
  expect_lines(t, 0, 501);
  EXPECT_THAT(t.store.gaps, IsEmpty());
}

TEST(FollowStream, ForgetsWhatItKnewWhenItIsRemoved) {
  FollowHarness t;
  t.options.chunk_marks = 8;
  t.start();
  for (int i = 0; i < 100; ++i) t.write(fmt::format("line {}", i), i * ms);
  t.settle();
  for (int i = 100; i < 130; ++i) t.write(fmt::format("line {}", i), i * ms);
  t.settle();
  EXPECT_GT(t.store.positions().size(), 1u);
  t.stream->leave(true);
  for (int i = 0; i < 4; ++i) {
    t.advance();
    t.store.commit_all();
  }
  EXPECT_TRUE(t.stream->has_left());
  EXPECT_THAT(t.store.positions(), IsEmpty());
}

// What is kept of a stream does not grow with it.
TEST(FollowStream, CursorsStayBoundedOverTime) {
  FollowHarness t;
  t.options.chunk_marks = 16;
  t.start();
  std::size_t most = 0;
  for (int second = 0; second < 200; ++second) {
    for (int i = 0; i < 50; ++i) t.write(fmt::format("line {}.{}", second, i), i * ms);
    t.settle();
    t.clock.advance(nanos_per_second);
    most = std::max(most, t.store.positions().size());
  }
  EXPECT_LE(most, 20u);
  EXPECT_LT(t.store.largest_cursor, 500u);
}

TEST(FollowStream, WhatIsGoneWhileAwayIsAGap) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.cut();
  t.log.remove();
  t.wait(nanos_per_second);
  EXPECT_TRUE(t.stream->is_gone());
  ASSERT_EQ(t.store.gaps.size(), 1u);
  EXPECT_EQ(t.store.gaps[0].reason, GapReason::deleted_before_read);
}

TEST(FollowStream, BeginsAtATime) {
  FollowHarness t;
  t.write("old");
  t.clock.advance(10 * nanos_per_second);
  t.begin = t.clock.wall() + 500 * ms;
  t.write("of the same second", 400 * ms);
  t.write("line 0", 600 * ms);
  t.start();
  t.settle();
  expect_lines(t, 0, 1);
}

TEST(FollowStream, AsksAgainWithJitterAndLessOftenEachTime) {
  FollowHarness t;
  t.reachable = false;
  t.start();
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 12; ++i) {
    t.settle();
    const auto next = t.stream->next_deadline();
    ASSERT_TRUE(next.has_value());
    waits.push_back(*next - t.clock.mono());
    t.clock.advance(waits.back());
  }
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const std::int64_t full = std::min(t.options.retry_most_ns, t.options.retry_least_ns << i);
    EXPECT_GE(waits[i], full / 2) << i;
    EXPECT_LE(waits[i], full) << i;
  }
  EXPECT_EQ(t.stream->problem(), "connecting failed. Check that the engine runs (`telltale serve`) and its address.");
}

TEST(FollowStream, ASilentConnectionIsMadeAnew) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  const std::size_t before = t.transport->requests.size();
  t.wait(t.options.silence_ns);
  EXPECT_EQ(t.transport->requests.size(), before + 1);
  expect_lines(t, 0, 1);
}

TEST(FollowStream, ABarrierWaitsForWhatTheServerHas) {
  FollowHarness t;
  t.start();
  t.write("line 0");
  t.settle();
  t.write("line 1");
  t.stream->begin_barrier(1);
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::waiting);
  while (t.transport->give(1000)) t.advance();
  t.advance();
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::waiting);  // read, not committed
  EXPECT_EQ(t.store.flushes, 1u);
  t.store.commit_all();
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::reached);
  t.stream->end_barrier(1);
}

TEST(FollowStream, ABarrierSaysWhenTheServerCannotBeAsked) {
  FollowHarness t;
  t.reachable = false;
  t.start();
  t.settle();
  t.stream->begin_barrier(1);
  t.settle();
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::waiting);  // it may come back
  t.clock.advance(t.options.barrier_patience_ns);
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::waiting);  // it is asked once more
  t.settle();
  EXPECT_EQ(t.stream->barrier(1), FollowStream::BarrierState::failed);
  EXPECT_THAT(t.stream->barrier_problem(1), ::testing::HasSubstr("scripted:one: connecting failed"));
}

}  // namespace
}  // namespace telltale::sources
