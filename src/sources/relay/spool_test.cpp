#include "sources/relay/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t wide = 1'000'000;

class SpoolTest : public ::testing::Test {
 protected:
  // A line of `size` bytes with its end.
  void push(std::uint32_t stream, std::size_t size = 4) {
    StreamPlace& at = places[stream];
    PipeBlock block;
    block.from = at;
    block.to = {at.offset + size, at.line + 1};
    block.bytes = std::string(size - 1, static_cast<char>('a' + at.line % 26)) + "\n";
    at = block.to;
    spool.push(stream, std::move(block));
  }
  void connect() {
    spool.begin_connection();
    for (const auto& place : spool.places()) spool.rewind(place.stream, place.acknowledged);
  }
  // What is sent now: "STREAM:OFFSET" of each block.
  std::vector<std::string> send(std::uint64_t window = wide) {
    std::vector<std::string> sent;
    while (const auto message = spool.next(window, 0, 0)) {
      const auto block = decode_block(*message).value();
      sent.push_back(std::to_string(block.number) + ":" + std::to_string(block.from.offset));
    }
    return sent;
  }

  Spool spool{10 * relay_cost(4)};
  std::map<std::uint32_t, StreamPlace> places;
};

TEST_F(SpoolTest, TheOldestGoesFirstOverAllStreams) {
  spool.add(1, {}, {});
  spool.add(2, {}, {});
  push(2);
  push(1);
  push(2);
  EXPECT_THAT(send(), IsEmpty()) << "nobody said where to go on";
  connect();
  EXPECT_THAT(send(), ElementsAre("2:0", "1:0", "2:4"));
  EXPECT_THAT(send(), IsEmpty());
  EXPECT_TRUE(spool.is_sent(spool.order()));
  EXPECT_FALSE(spool.is_stored());
  spool.committed(1, {4, 1});
  spool.committed(2, {8, 2});
  EXPECT_TRUE(spool.is_stored());
}

TEST_F(SpoolTest, NoMoreThanTheWindowIsOnItsWay) {
  spool.add(1, {}, {});
  for (int i = 0; i < 5; ++i) push(1);
  connect();
  EXPECT_THAT(send(2 * relay_cost(4)), ElementsAre("1:0", "1:4"));
  spool.committed(1, {4, 1});
  EXPECT_THAT(send(2 * relay_cost(4)), ElementsAre("1:8"));
  spool.committed(1, {12, 3});
  EXPECT_THAT(send(1), ElementsAre("1:12")) << "one always goes";
}

TEST_F(SpoolTest, AfterANewConnectionWhatTheEngineHasIsNotSentAgain) {
  spool.add(1, {}, {});
  for (int i = 0; i < 4; ++i) push(1);
  connect();
  send();
  spool.committed(1, {4, 1});
  spool.begin_connection();
  EXPECT_THAT(send(), IsEmpty());
  EXPECT_EQ(spool.places()[0].from, (StreamPlace{4, 1}));
  EXPECT_EQ(spool.places()[0].acknowledged, (StreamPlace{4, 1}));
  spool.rewind(1, {8, 2});
  EXPECT_THAT(send(), ElementsAre("1:8", "1:12"));
  spool.begin_connection();
  spool.rewind(1, {4, 1});  // another engine, which did not have it
  EXPECT_THAT(send(), ElementsAre("1:4", "1:8", "1:12"));
}

TEST_F(SpoolTest, WithoutRoomTheOldestOfAllIsDroppedAndCounted) {
  spool.add(1, {}, {});
  spool.add(2, {}, {});
  for (int i = 0; i < 5; ++i) push(1), push(2);
  push(1);
  push(1);
  EXPECT_EQ(spool.totals().dropped_lines, 2u);
  EXPECT_EQ(spool.totals().kept_lines, 10u);
  EXPECT_EQ(spool.places()[0].from, (StreamPlace{4, 1}));
  EXPECT_EQ(spool.places()[1].from, (StreamPlace{4, 1}));
  connect();
  EXPECT_THAT(send(), ElementsAre("1:4", "2:4", "1:8", "2:8", "1:12", "2:12", "1:16", "2:16", "1:20", "1:24"));
}

TEST_F(SpoolTest, ABlockThatIsLargerThanTheRoomIsKeptAlone) {
  spool.add(1, {}, {});
  push(1);
  push(1, 100'000);
  EXPECT_EQ(spool.totals().kept_lines, 1u);
  connect();
  EXPECT_THAT(send(), ElementsAre("1:4"));
}

TEST_F(SpoolTest, WhatWasSentAndIsNotKeptIsStillOnItsWay) {
  spool.add(1, {}, {});
  for (int i = 0; i < 10; ++i) push(1);
  connect();
  EXPECT_THAT(send(3 * relay_cost(4)), ElementsAre("1:0", "1:4", "1:8"));
  push(1);
  push(1);
  EXPECT_EQ(spool.totals().dropped_lines, 0u) << "its engine will store it";
  EXPECT_EQ(spool.totals().kept_lines, 12u);
  EXPECT_THAT(send(3 * relay_cost(4)), IsEmpty()) << "the window is as full as before";
  EXPECT_FALSE(spool.is_stored(1));
  spool.committed(1, {4, 1});
  EXPECT_TRUE(spool.is_stored(1));
  EXPECT_THAT(send(3 * relay_cost(4)), ElementsAre("1:12"));
}

TEST_F(SpoolTest, WhatWasSentAndIsNotKeptIsLostWithItsEngine) {
  spool.add(1, {}, {});
  for (int i = 0; i < 10; ++i) push(1);
  connect();
  send(3 * relay_cost(4));
  for (int i = 0; i < 3; ++i) push(1);
  // The next engine has the first of them.
  spool.begin_connection();
  spool.rewind(1, {4, 1});
  EXPECT_EQ(spool.totals().dropped_lines, 2u);
  EXPECT_THAT(send(3 * relay_cost(4)), ElementsAre("1:12", "1:16")) << "the first still is on its way";
  spool.committed(1, {4, 1});
  EXPECT_THAT(send(3 * relay_cost(4)), ElementsAre("1:20"));
  spool.ended(1);
  spool.add(2, {}, {});
  spool.begin_connection();
  spool.rewind(2, {});
  push(2, 700);
  push(2, 700);
  EXPECT_THAT(send(3 * relay_cost(4)), ElementsAre("2:0")) << "nothing of the stream that ended counts";
}

TEST_F(SpoolTest, TheEndIsSaidAfterTheLastBlockOnceAConnection) {
  spool.add(1, {}, {});
  push(1);
  spool.end(1, {4, 1});
  EXPECT_FALSE(spool.next_end().has_value());
  connect();
  EXPECT_FALSE(spool.next_end().has_value());
  send();
  const auto end = spool.next_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->at, (StreamPlace{4, 1}));
  EXPECT_FALSE(spool.next_end().has_value());
  EXPECT_FALSE(spool.is_stored());
  connect();
  EXPECT_THAT(send(), ElementsAre("1:0"));
  EXPECT_FALSE(spool.next_release().has_value()) << "its end was not said to this engine";
  EXPECT_TRUE(spool.next_end().has_value());
  EXPECT_FALSE(spool.next_release().has_value()) << "nothing is stored";
  spool.committed(1, {4, 1});
  EXPECT_EQ(spool.next_release()->number, 1u);
  EXPECT_FALSE(spool.next_release().has_value());
  EXPECT_FALSE(spool.is_stored());
  spool.ended(1);
  EXPECT_TRUE(spool.is_stored());
  EXPECT_EQ(spool.totals().kept_lines, 0u);
}

TEST_F(SpoolTest, AgesAreOfTheMomentOfSending) {
  spool.add(1, {}, {});
  PipeBlock block;
  block.to = {2, 1};
  block.bytes = "a\n";
  block.read = 100;
  block.dry = 40;
  spool.push(1, block);
  connect();
  const auto message = spool.next(wide, 1000, 5000);
  EXPECT_EQ(decode_block(*message)->age_ns, 900);
  EXPECT_EQ(decode_block(*message)->dry_ns, 960);
  EXPECT_EQ(decode_block(*message)->sent_at, 5000);
}

}  // namespace
}  // namespace telltale::sources
