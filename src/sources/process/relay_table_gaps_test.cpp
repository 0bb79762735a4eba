// What relays could not keep, and what a kill of the engine or of a relay takes: a gap with its bounds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/process/testing/relay_table_harness.h"

namespace telltale::sources {
namespace {

using ::testing::IsEmpty;
using testing::RelayTableTest;

constexpr std::int64_t second = base::nanos_per_second;
using ::testing::SizeIs;

TEST_F(RelayTableTest, WhatARelayHadNoRoomForIsAGapWithItsLines) {
  begin();
  connect(1);
  stream(1);
  clock.advance(second);
  lines(1, {}, "one\n");
  clock.advance(second);
  const auto later = clock.wall();
  lines(1, {1000, 50}, "late\n");
  EXPECT_THAT(sinks.gaps, IsEmpty()) << "never before the data it follows";
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].reason, record::GapReason::relay_full);
  EXPECT_EQ(sinks.gaps[0].lines, 49u);
  EXPECT_EQ(sinks.gaps[0].range->from, 4u);
  EXPECT_EQ(sinks.gaps[0].range->to, 1000u);
  EXPECT_EQ(sinks.gaps[0].from_time, later - second);
  EXPECT_EQ(sinks.gaps[0].to_time, later);
  EXPECT_EQ(sinks.committed, "one\nGAPlate\n");
  EXPECT_FALSE(sinks.gap_overtook);
}

TEST_F(RelayTableTest, WhatIsMissingAtTheEndIsAGapToo) {
  begin();
  const auto peer = connect(1);
  stream(1);
  lines(1, {}, "one\n");
  say(1, RelayEnd{1, {1000, 50}});
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].lines, 49u);
  EXPECT_EQ(peer->told<RelayCommitted>().back().at, (StreamPlace{1000, 50}));
  say(1, RelayRelease{1});
  commit();
  EXPECT_THAT(peer->told<RelayEnded>(), SizeIs(1));
  EXPECT_THAT(sinks.positions, IsEmpty());
}

TEST_F(RelayTableTest, WhatDiedWithARelayIsAGapOfThatName) {
  begin();
  connect(1, "r1");
  stream(1);
  const auto one = lines(1, {}, "one\n");
  table->disconnect(1);
  connect(2, "r2");
  stream(2, {100, 7});
  lines(2, {100, 7}, "two\n");
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].reason, record::GapReason::relay_lost);
  EXPECT_EQ(sinks.gaps[0].lines, 7 - one.line);
}

TEST_F(RelayTableTest, AfterAKillItGoesOnFromWhatWasCommitted) {
  begin();
  connect(1);
  stream(1);
  lines(1, lines(1, {}, "one\n"), "two\n");
  commit(1);
  restart();
  const auto peer = connect(1);
  stream(1, {4, 1}, {4, 1});
  EXPECT_EQ(peer->told<RelayPosition>().at(0).at, (StreamPlace{4, 1}));
  EXPECT_EQ(peer->told<RelayCommitted>().at(0).at, (StreamPlace{4, 1})) << "its answer may have been lost";
  lines(1, lines(1, {4, 1}, "two\n"), "three\n");
  commit();
  EXPECT_EQ(sinks.committed, "one\ntwo\nthree\n");
  EXPECT_THAT(sinks.gaps, IsEmpty());
}

TEST_F(RelayTableTest, AfterAKillWhatTheRelayCouldNotKeepIsAGap) {
  begin();
  connect(1);
  stream(1);
  lines(1, {}, "one\n");
  commit();
  restart();
  connect(1);
  stream(1, {1000, 50}, {4, 1});
  lines(1, {1000, 50}, "late\n");
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].reason, record::GapReason::relay_full);
  EXPECT_EQ(sinks.gaps[0].lines, 49u);
}

TEST_F(RelayTableTest, WhatNothingIsKnownOfIsAGapAlsoWhereNothingWasCommitted) {
  begin();
  connect(1);
  stream(1, {1000, 50}, {});
  lines(1, {1000, 50}, "late\n");
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].lines, 50u);
}

TEST_F(RelayTableTest, WhatAnotherStoreHasIsNoGap) {
  begin();
  const auto peer = connect(1);
  stream(1, {1000, 50}, {1000, 50});
  EXPECT_EQ(peer->told<RelayPosition>().at(0).at, (StreamPlace{1000, 50}));
  lines(1, {1000, 50}, "late\n");
  commit();
  EXPECT_THAT(sinks.gaps, IsEmpty());
}

TEST_F(RelayTableTest, AStreamWhoseRelayStaysAwayEndsWithAGap) {
  begin();
  connect(1);
  stream(1);
  lines(1, {}, "one\n");
  commit();
  table->disconnect(1);
  EXPECT_FALSE(table->health().healthy);
  EXPECT_EQ(table->next_deadline(), clock.mono() + options.lost_after_ns);
  clock.advance(options.lost_after_ns - 1);
  advance();
  EXPECT_THAT(sinks.gaps, IsEmpty());
  clock.advance(1);
  advance();
  commit();
  ASSERT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_EQ(sinks.gaps[0].reason, record::GapReason::relay_lost);
  EXPECT_FALSE(sinks.gaps[0].lines.has_value());
  EXPECT_THAT(sinks.positions, IsEmpty());
  EXPECT_TRUE(table->health().healthy);
  EXPECT_FALSE(table->next_deadline().has_value());
}

TEST_F(RelayTableTest, SoDoesOneThatAnEngineBeforeLeft) {
  begin();
  connect(1);
  stream(1);
  lines(1, {}, "one\n");
  commit();
  restart();
  clock.advance(options.lost_after_ns);
  advance();
  commit();
  EXPECT_THAT(sinks.gaps, SizeIs(1));
  EXPECT_THAT(sinks.positions, IsEmpty());
}

// What breaks the protocol.

}  // namespace
}  // namespace telltale::sources
