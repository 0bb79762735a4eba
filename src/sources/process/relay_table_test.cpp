// Relays and their streams: connections, lines, places, barriers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/process/testing/relay_table_harness.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::RelayTableTest;
using ::testing::SizeIs;

constexpr std::int64_t second = base::nanos_per_second;

TEST_F(RelayTableTest, LinesArriveWithLabelsPlacesAndTimes) {
  begin();
  const auto peer = connect(1);
  EXPECT_THAT(peer->told<RelayWelcome>(), SizeIs(1));
  stream(1);
  EXPECT_EQ(peer->told<RelayPosition>().at(0).at, StreamPlace());
  const auto now = clock.wall();
  const RelayBlock block{1, {0, 0}, {8, 2}, 5 * second, 7 * second, now, false, false, "one\ntwo\n"};
  table->binary(1, encode(block), now + 3 * second);  // it was long on its way
  advance();
  EXPECT_EQ(sinks.last.stream->labels.to_text(), R"({host="box", instance="run-1", service="api", source="process", stream="stdout"})");
  EXPECT_EQ(sinks.last.bytes, "one\ntwo\n");
  EXPECT_EQ(sinks.last.raw_from, 0u);
  EXPECT_EQ(sinks.last.raw_to, 8u);
  EXPECT_EQ(sinks.last.observed_time, now - 5 * second);
  EXPECT_EQ(sinks.last.written_after, now - 7 * second);
  lines(1, {8, 2}, "three\n");
  EXPECT_EQ(sinks.last.first_source_line, 2u);
  EXPECT_EQ(sinks.last.written_after, 0) << "not known";
}

TEST_F(RelayTableTest, OfAnotherMachinesClockNothingIsTaken) {
  options.host = "elsewhere";
  begin();
  connect(1);
  stream(1);
  const auto now = clock.wall();
  table->binary(1, encode(RelayBlock{1, {0, 0}, {4, 1}, 5 * second, 7 * second, now, false, false, "one\n"}), now + 3 * second);
  advance();
  EXPECT_EQ(sinks.last.observed_time, now - 2 * second) << "it was written by then";
  EXPECT_EQ(sinks.last.written_after, 0) << "not known";
}

TEST_F(RelayTableTest, WhatIsCommittedIsToldAndTheEndIsForgotten) {
  begin();
  const auto peer = connect(1);
  stream(1);
  auto at = lines(1, {}, "one\n");
  at = lines(1, at, "two\n");
  commit(1);
  EXPECT_EQ(peer->told<RelayCommitted>().back().at, (StreamPlace{4, 1}));
  EXPECT_EQ(sinks.flushes, 0);
  say(1, RelayEnd{1, at});
  EXPECT_EQ(sinks.flushes, 1) << "the last lines do not wait for others";
  commit();
  EXPECT_EQ(peer->told<RelayCommitted>().back().at, at);
  EXPECT_THAT(sinks.positions, SizeIs(1)) << "as long as the relay does not know what is stored";
  say(1, RelayRelease{1});
  EXPECT_THAT(peer->told<RelayEnded>(), IsEmpty()) << "its end is not stored yet";
  commit();
  EXPECT_THAT(peer->told<RelayEnded>(), SizeIs(1));
  EXPECT_THAT(sinks.positions, IsEmpty());
  EXPECT_EQ(table->health().streams, 0u);
  EXPECT_THAT(sinks.gaps, IsEmpty());
}

TEST_F(RelayTableTest, AKillWhileAStreamEndsGivesNeitherLinesTwiceNorAGap) {
  // Before the end was stored, and after it; whatever the relay knows by then.
  for (const bool end_is_stored : {false, true}) {
    sinks.committed.clear();
    begin();
    connect(1);
    stream(1);
    const auto at = lines(1, {}, "one\n");
    say(1, RelayEnd{1, at});
    commit();
    if (end_is_stored) {
      say(1, RelayRelease{1});
      commit();
    }
    restart();
    const auto peer = connect(2);
    stream(2, at, end_is_stored ? at : StreamPlace());
    EXPECT_EQ(peer->told<RelayPosition>().at(0).at, at);
    say(2, RelayEnd{1, at});
    EXPECT_EQ(peer->told<RelayCommitted>().back().at, at);
    say(2, RelayRelease{1});
    commit();
    EXPECT_THAT(peer->told<RelayEnded>(), SizeIs(1));
    EXPECT_EQ(sinks.committed, "one\n");
    EXPECT_THAT(sinks.positions, IsEmpty());
    EXPECT_THAT(sinks.gaps, IsEmpty());
  }
}

TEST_F(RelayTableTest, ARelayThatDiesAfterItSaidTheEndLeavesNoGap) {
  begin();
  connect(1);
  stream(1);
  say(1, RelayEnd{1, lines(1, {}, "one\n")});
  commit();
  table->disconnect(1);
  EXPECT_TRUE(table->health().healthy);
  clock.advance(options.lost_after_ns);
  advance();
  commit();
  EXPECT_THAT(sinks.positions, IsEmpty());
  EXPECT_THAT(sinks.gaps, IsEmpty());
}

// Lines that wait for what may follow them are not stored, those before them in the same block are.

TEST_F(RelayTableTest, WhereTheFirstLinesOfABlockAreStoredTheOthersAreTakenAlone) {
  begin();
  connect(1);
  stream(1);
  lines(1, {}, "one\n");
  lines(1, {4, 1}, "two\nthree\nfour\n");
  commit(1);
  ASSERT_THAT(sinks.pushed, SizeIs(1));
  sinks.pushed.clear();
  const auto inner = sinks.last.inner_positions->behind("two\nthree\n", 2);
  EXPECT_EQ(decode_process_position(inner.value)->at, (StreamPlace{14, 3}));
  sinks.positions[inner.key] = inner.value;
  restart();
  const auto peer = connect(2);
  stream(2, {4, 1});
  EXPECT_EQ(peer->told<RelayPosition>().at(0).at, (StreamPlace{14, 3}));
  lines(2, {4, 1}, "two\nthree\nfour\n");
  EXPECT_EQ(sinks.last.bytes, "four\n");
  EXPECT_EQ(sinks.last.raw_from, 14u);
  EXPECT_EQ(sinks.last.raw_to, 19u);
  EXPECT_EQ(sinks.last.first_source_line, 3u);
  EXPECT_EQ(peer->closed, "");
}

TEST_F(RelayTableTest, AStreamThatIsBeingGivenUpIsNotTakenUp) {
  begin();
  connect(1);
  stream(1);
  const auto at = lines(1, {}, "one\n");
  commit();
  table->disconnect(1);
  clock.advance(options.lost_after_ns);
  advance();
  const auto early = connect(2);
  stream(2, {}, at);
  EXPECT_THAT(early->closed, HasSubstr("given up"));
  commit();
  const auto late = connect(3);
  stream(3, {}, at);
  lines(3, at, "two\n");
  commit();
  EXPECT_EQ(late->closed, "");
  EXPECT_EQ(sinks.committed, "one\nGAPtwo\n");
}

TEST_F(RelayTableTest, ARelayThatConnectsAnewGoesOnWhereItWas) {
  begin();
  connect(1);
  stream(1);
  const auto two = lines(1, lines(1, {}, "one\n"), "two\n");
  table->disconnect(1);
  const auto peer = connect(2);
  stream(2);
  EXPECT_EQ(peer->told<RelayPosition>().at(0).at, two) << "it is here, although it is not committed yet";
  lines(2, {4, 1}, "two\n");  // said again all the same
  lines(2, two, "three\n");
  commit();
  EXPECT_EQ(sinks.committed, "one\ntwo\nthree\n");
}

TEST_F(RelayTableTest, WhoSaysAStreamLastOwnsIt) {
  begin();
  connect(1);
  stream(1);
  const auto one = lines(1, {}, "one\n");
  connect(2);
  stream(2);
  lines(1, one, "old\n");
  say(1, RelayEnd{1, {8, 2}});
  lines(2, one, "new\n");
  commit();
  EXPECT_EQ(sinks.committed, "one\nnew\n");
  EXPECT_EQ(table->health().streams, 1u);
}

TEST_F(RelayTableTest, AFullPipelineMakesItWaitInOrder) {
  begin();
  connect(1);
  stream(1);
  sinks.room = 1;
  auto at = lines(1, lines(1, lines(1, {}, "one\n"), "two\n"), "three\n");
  say(1, RelayEnd{1, at});
  commit();
  EXPECT_EQ(sinks.committed, "one\n");
  sinks.room = -1;
  for (auto& callback : std::exchange(sinks.waiting, {})) callback();
  EXPECT_GT(space, 0);
  advance();
  commit();
  EXPECT_EQ(sinks.committed, "one\ntwo\nthree\n");
}

// Engines that are killed.

TEST_F(RelayTableTest, WhatBreaksTheProtocolClosesTheConnection) {
  const std::pair<std::function<void()>, const char*> cases[] = {
      {[&] { table->text(1, "{}"); }, "type"},
      {[&] { table->binary(1, "lines", 0); }, "header"},
      {[&] { say(1, RelayHello{"r1", "run-1", ""}); }, "twice"},
      {[&] { stream(1), lines(1, {}, "one\n"), lines(1, {2, 0}, "two\nthree\n"); }, "middle"},
      {[&] {
         for (std::uint32_t i = 0; i < 300; ++i) say(1, RelayStream{i, "k" + std::to_string(i), {}, {}, {}});
       },
       "256 streams"},
      {[&] {
         sinks.room = 0;
         stream(1);
         StreamPlace at;
         for (int i = 0; i < 20; ++i) at = lines(1, at, std::string(1024 * 1024 - 1, 'x') + "\n");
       },
       "window"},
  };
  for (const auto& [act, why] : cases) {
    sinks.room = -1;
    begin();
    const auto peer = connect(1);
    act();
    EXPECT_THAT(peer->closed, HasSubstr(why));
    table->text(1, encode(FromRelay(RelayBarrierDone{1})));
    EXPECT_THAT(table->take_answers(), IsEmpty()) << "nothing more is taken from it";
  }
  begin();
  auto silent = std::make_shared<testing::TablePeer>();
  table->connect(5, silent);
  table->text(5, encode(FromRelay(RelayBarrierDone{1})));
  EXPECT_THAT(silent->closed, HasSubstr("hello"));
}

// Barriers.

TEST_F(RelayTableTest, ABarrierIsCompleteWhenTheRelaysAnsweredAndAllIsCommitted) {
  begin();
  const auto peer = connect(1);
  stream(1);
  auto barrier = table->begin_barrier(7);
  EXPECT_EQ(peer->told<RelayBarrier>().at(0).id, 7u);
  EXPECT_THAT(table->missing(barrier), ElementsAre(HasSubstr("run-1")));
  lines(1, {}, "one\n");
  say(1, RelayBarrierDone{7});
  for (const auto& [relay, id] : table->take_answers()) table->answered(barrier, relay);
  EXPECT_TRUE(table->is_worth_waiting(barrier));
  EXPECT_THAT(table->missing(barrier), ElementsAre(HasSubstr("stdout of api")));
  commit();
  EXPECT_FALSE(table->is_worth_waiting(barrier));
  EXPECT_THAT(table->missing(barrier), IsEmpty());
}

TEST_F(RelayTableTest, ABarrierWaitsForARelayThatMayComeBackButNotForLong) {
  begin();
  connect(1);
  stream(1);
  table->disconnect(1);
  auto barrier = table->begin_barrier(1);
  EXPECT_TRUE(table->is_worth_waiting(barrier));
  clock.advance(options.barrier_patience_ns);
  EXPECT_FALSE(table->is_worth_waiting(barrier));
  EXPECT_THAT(table->missing(barrier), ElementsAre(HasSubstr("not connected")));
  connect(2);
  stream(2);
  EXPECT_THAT(table->missing(barrier), IsEmpty());
}

TEST_F(RelayTableTest, LabelsAreRedacted) {
  begin();
  connect(1);
  say(1, RelayStream{1, "k1", {{"service", "secret"}}, {}, {}});
  lines(1, {}, "one\n");
  EXPECT_EQ(sinks.last.stream->labels.get("service"), "***");
}

}  // namespace
}  // namespace telltale::sources
