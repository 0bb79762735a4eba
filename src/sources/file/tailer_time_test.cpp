// What a block says of the time its lines were written.
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using testing::TailHarness;

struct TailerTime : ::testing::Test, TailHarness {};

TEST_F(TailerTime, NothingIsKnownOfWhatWasThereAtTheBeginning) {
  append("a.log", "old\n");
  watch("*.log");
  start();
  settle();
  EXPECT_EQ(store.written_after, std::vector<base::UnixNanos>{0});
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
