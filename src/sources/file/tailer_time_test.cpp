// What a block says of the time its lines were written.
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using testing::TailHarness;

struct TailerTime : ::testing::Test, TailHarness {};

TEST_F(TailerTime, WhatWasThereAtTheBeginningIsYoungerThanItsFile) {
  append("a.log", "old\n");
  const auto born = files->info(path("a.log"))->birth_time;
  watch("*.log");
  start();
  settle();
  ASSERT_EQ(store.written_after.size(), 1u);
  if (born == 0) {
    EXPECT_EQ(store.written_after[0], 0) << "nothing is known";
  } else {
    EXPECT_GT(store.written_after[0], born - base::nanos_per_second);
    EXPECT_LE(store.written_after[0], born);
  }
}

// A file with a line that was read, and one whose write an event told of.
struct TailerTimeTold : TailerTime {
  void SetUp() override {
    append("a.log", "old\n");
    watch("*.log");
    start();
    settle();
    tell("a.log", "told\n");
    settle();
    ASSERT_EQ(store.written_after.size(), 2u);
  }
  void tell(std::string_view name, std::string_view text) {
    append(name, text);
    tailer->touched(path(name));
  }
};

TEST_F(TailerTimeTold, EverySweepIsALook) {
  const auto before_sweep = clock.wall();
  settle();
  append("a.log", "new\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 3u);
  EXPECT_GE(store.written_after[2], before_sweep);
}

TEST_F(TailerTimeTold, WhereEventsTellNoEventMeansNoWrite) {
  const auto quiet = clock.wall();
  tailer->was_quiet(quiet);
  tell("a.log", "new\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 3u);
  EXPECT_EQ(store.written_after[2], quiet);
}

TEST_F(TailerTimeTold, AFileThatGrowsWithoutEventsIsNotBelievedToBeQuiet) {
  append("a.log", "untold\n");
  settle();
  for (int i = 0; i < 3; ++i) tailer->events_were_read();
  settle();
  const auto last_look = clock.wall();
  tailer->was_quiet(clock.wall());
  tell("a.log", "new\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 4u);
  EXPECT_LE(store.written_after[3], last_look);
}

TEST_F(TailerTimeTold, WhatIsNotDeliveredYetIsNoLook) {
  const auto before_half = clock.wall();
  tell("a.log", "hal");
  settle();
  tailer->was_quiet(clock.wall());
  tell("a.log", "f\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 3u);
  EXPECT_LE(store.written_after[2], before_half);
}

TEST_F(TailerTime, WhatComesLaterWasWrittenAfterTheLastLook) {
  append("a.log", "old\n");
  watch("*.log");
  start();
  settle();
  const auto between = clock.wall();
  append("a.log", "new\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 2u);
  EXPECT_GT(store.written_after[1], 0);
  EXPECT_LE(store.written_after[1], between);
}

TEST_F(TailerTime, ALineInTwoPiecesIsAsOldAsItsFirst) {
  watch("*.log");
  append("a.log", "whole\n");
  start();
  settle();
  const auto before_first_piece = clock.wall();
  append("a.log", "hal");
  settle();
  append("a.log", "f\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 2u);
  EXPECT_LE(store.written_after[1], before_first_piece);
}

TEST_F(TailerTime, AFileBegunAtItsEndIsKnownFromThen) {
  append("a.log", "old\n");
  watch("*.log");
  source.start = "end";
  const auto before = clock.wall();
  start();
  settle();
  append("a.log", "new\n");
  settle();
  ASSERT_EQ(store.written_after.size(), 1u);
  EXPECT_GE(store.written_after[0], before);
}

}  // namespace
}  // namespace telltale::sources
