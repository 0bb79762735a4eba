#include "sources/relay/pipe_lines.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct PipeLinesTest : ::testing::Test {
  void take(std::string_view bytes, base::MonoNanos read = 0, std::optional<base::MonoNanos> dry = {}) {
    lines.take(bytes, read, dry, blocks);
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& block : blocks) all.push_back(block.bytes);
    return all;
  }
  PipeLines lines{{100, 7}, 1000};
  std::vector<PipeBlock> blocks;
};

TEST_F(PipeLinesTest, WholeLinesGoTogetherTheRestWaits) {
  take("one\ntwo\nthr");
  EXPECT_THAT(texts(), ElementsAre("one\ntwo\n"));
  EXPECT_EQ(blocks[0].from, (StreamPlace{100, 7}));
  EXPECT_EQ(blocks[0].to, (StreamPlace{108, 9}));
  EXPECT_EQ(lines.place(), (StreamPlace{111, 9}));
  take("ee\nfour\n");
  EXPECT_THAT(texts(), ElementsAre("one\ntwo\n", "three\nfour\n"));
  EXPECT_EQ(blocks[1].to, (StreamPlace{119, 11}));
  EXPECT_FALSE(lines.finish(0).has_value());
}

TEST_F(PipeLinesTest, TheLastLineWithoutItsEndIsMarked) {
  take("one\ntw");
  take("o");
  const auto last = lines.finish(5);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->bytes, "two");
  EXPECT_TRUE(last->unterminated);
  EXPECT_EQ(last->to, (StreamPlace{107, 9}));
}

TEST_F(PipeLinesTest, ALineInPiecesIsAsOldAsItsFirst) {
  take("on", 10, 5);
  take("e\ntwo\n", 20, 15);
  take("three\n", 30, 25);
  ASSERT_THAT(blocks, SizeIs(2));
  EXPECT_EQ(blocks[0].dry, 5);
  EXPECT_EQ(blocks[0].read, 20);
  EXPECT_EQ(blocks[1].dry, 25);
}

TEST_F(PipeLinesTest, ALongerLineThanTheLimitIsCutAndMarked) {
  take(std::string(600, 'a'));
  take(std::string(600, 'b'));
  take("c\nnext\n");
  ASSERT_THAT(blocks, SizeIs(1)) << "short of what is long, it goes with the next";
  blocks.clear();
  PipeLines long_lines({}, 20'000);
  for (int i = 0; i < 30; ++i) long_lines.take(std::string(1000, 'a'), 0, {}, blocks);
  EXPECT_THAT(blocks, IsEmpty());
  long_lines.take("b\nnext\n", 0, {}, blocks);
  ASSERT_THAT(blocks, SizeIs(2));
  EXPECT_EQ(blocks[0].bytes, std::string(20'000, 'a'));
  EXPECT_TRUE(blocks[0].truncated);
  EXPECT_EQ(blocks[0].to, (StreamPlace{30'002, 1}));
  EXPECT_EQ(blocks[1].bytes, "next\n");
  EXPECT_FALSE(blocks[1].truncated);
}

TEST_F(PipeLinesTest, ALineOfExactlyTheLimitIsWhole) {
  PipeLines exact({}, 20'000);
  exact.take(std::string(20'000, 'a'), 0, {}, blocks);
  exact.take("\n", 0, {}, blocks);
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_FALSE(blocks[0].truncated);
  EXPECT_EQ(blocks[0].bytes.size(), 20'001u);
}

// However the bytes are cut into reads: the same bytes and lines, without holes.
TEST_F(PipeLinesTest, AnyCutsGiveTheSameBytes) {
  std::mt19937 random(7);
  std::string all;
  for (int i = 0; i < 2000; ++i) all += std::string(random() % 50, 'x') + (random() % 4 == 0 ? "\r\n" : "\n");
  all += "rest";
  for (int round = 0; round < 20; ++round) {
    PipeLines cut({}, 1'000'000);
    std::vector<PipeBlock> out;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t size = 1 + random() % 3000;
      cut.take(std::string_view(all).substr(at, size), 0, {}, out);
      at += size;
    }
    out.push_back(*cut.finish(0));
    std::string together;
    StreamPlace place;
    for (const auto& block : out) {
      EXPECT_EQ(block.from, place);
      EXPECT_EQ(block.to.offset - block.from.offset, block.bytes.size());
      together += block.bytes;
      place = block.to;
    }
    EXPECT_EQ(together, all);
    EXPECT_EQ(place, (StreamPlace{all.size(), 2001}));
  }
}

}  // namespace
}  // namespace telltale::sources
