// Relays and their streams: each line once, or inside a gap.
#include "sources/process/relay_table.h"

#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "record/gap.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t second = base::nanos_per_second;

// Pipeline and store in one: keeps what is pushed in order, and commits when it is told to.
class Sinks final : public record::BlockSink, public record::BatchSink {
 public:
  struct Pushed {
    std::string text;  // of lines, or of a gap
    std::optional<record::Position> position;
    bool has_records = false;
  };
  record::PushOutcome try_push(record::RawBlock& block) override {
    if (room == 0) return record::PushOutcome::full;
    if (room > 0) --room;
    pushed.push_back({block.bytes, block.position, !block.bytes.empty()});
    last = std::move(block);
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { waiting.push_back(std::move(callback)); }
  void flush() override { ++flushes; }
  record::PushOutcome try_push(record::Batch& batch) override {
    gap_overtook = gap_overtook || !pushed.empty();
    gaps.push_back(*record::read_gap(batch, batch.records[0]));
    pushed.push_back({"GAP", batch.position, true});
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { waiting.push_back(std::move(callback)); }

  int room = -1;
  record::RawBlock last;
  std::deque<Pushed> pushed;
  std::string committed;
  std::map<std::string, std::string> positions;
  std::vector<record::Gap> gaps;
  std::vector<std::function<void()>> waiting;
  bool gap_overtook = false;
  int flushes = 0;
};

class Peer final : public RelayPeer {
 public:
  void send(std::string text) override { said.push_back(std::move(text)); }
  void close(std::string_view why) override { closed = std::string(why); }
  // What it was told of a kind, newest last.
  template <class Kind>
  std::vector<Kind> told() const {
    std::vector<Kind> all;
    for (const auto& text : said)
      if (const auto message = decode_from_engine(text); message && std::holds_alternative<Kind>(*message))
        all.push_back(std::get<Kind>(*message));
    return all;
  }
  std::vector<std::string> said;
  std::string closed;
};

class RelayTableTest : public ::testing::Test {
 protected:
  void begin(const std::vector<record::Position>& positions = {}) {
    table = std::make_unique<RelayTable>(options, ports, metrics);
    for (const auto& position : positions) {
      const auto decoded = decode_process_position(position.value);
      table->restore(position.key.substr(process_key_prefix.size()),
                     record::make_stream(record::Labels({{"service", "api"}, {"stream", "stdout"}})), decoded->at);
    }
  }
  // As an engine that was killed and started again.
  void restart() {
    sinks.pushed.clear();
    std::vector<record::Position> positions;
    for (const auto& [key, value] : sinks.positions) positions.push_back({key, value});
    begin(positions);
  }
  std::shared_ptr<Peer> connect(RelayConnection id, std::string relay = "r1") {
    auto peer = std::make_shared<Peer>();
    table->connect(id, peer);
    say(id, RelayHello{std::move(relay), "run-1", "box"});
    return peer;
  }
  void say(RelayConnection id, const FromRelay& message) {
    table->text(id, encode(message));
    advance();
  }
  void stream(RelayConnection id, StreamPlace from = {}, StreamPlace acknowledged = {}) {
    say(id, RelayStream{1, "k1", {{"service", "api"}, {"stream", "stdout"}, {"source", "elsewhere"}}, from, acknowledged});
  }
  // Whole lines; the place after them.
  StreamPlace lines(RelayConnection id, StreamPlace from, std::string_view text) {
    RelayBlock block{.number = 1, .from = from, .to = {from.offset + text.size(), from.line}, .age_ns = 0, .dry_ns = {}, .bytes = text};
    block.to.line += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    table->binary(id, encode(block), clock.wall());
    advance();
    return block.to;
  }
  void advance() {
    table->advance([this] { ++space; });
  }
  void commit(std::size_t count = 1000) {
    for (; count > 0 && !sinks.pushed.empty(); --count) {
      auto next = std::move(sinks.pushed.front());
      sinks.pushed.pop_front();
      sinks.committed += next.text;
      if (next.position->value.empty()) {
        sinks.positions.erase(next.position->key);
        table->committed_end(next.position->key.substr(process_key_prefix.size()));
        advance();
        continue;
      }
      sinks.positions[next.position->key] = next.position->value;
      if (next.has_records)
        table->committed(next.position->key.substr(process_key_prefix.size()), decode_process_position(next.position->value)->at);
      advance();
    }
  }

  base::testing::ManualClock clock;
  telemetry::Metrics registry;
  ProcessMetrics metrics{registry};
  Sinks sinks;
  ProcessSourceOptions options{.host = "box"};
  ProcessSourcePorts ports{clock, sinks, sinks, registry,
                           [](std::string_view text) { return text == "secret" ? std::string("***") : std::string(text); }};
  std::unique_ptr<RelayTable> table;
  int space = 0;
};

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
  auto silent = std::make_shared<Peer>();
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
