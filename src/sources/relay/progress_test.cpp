// What a relay leaves to the next one, wherever it is killed.
#include "sources/relay/progress.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

class ProgressTest : public ::testing::Test {
 protected:
  // What the next relay sees.
  Progress next() { return Progress::map(descriptor).value(); }

  base::Descriptor descriptor = Progress::make().value();
  Progress progress = Progress::map(descriptor).value();
};

TEST_F(ProgressTest, PlacesAreOfEachStreamAndKind) {
  progress.set_read(0, {100, 7});
  progress.set_stored(0, {50, 3});
  progress.set_read(Progress::most_streams - 1, {1, 1});
  progress.set_read(0, {200, 9});
  EXPECT_EQ(next().read(0), (StreamPlace{200, 9}));
  EXPECT_EQ(next().stored(0), (StreamPlace{50, 3}));
  EXPECT_EQ(next().read(Progress::most_streams - 1), (StreamPlace{1, 1}));
  EXPECT_EQ(next().read(1), StreamPlace());
}

TEST_F(ProgressTest, WhatWasReadAndNotAccountedIsLeft) {
  for (const std::size_t size : {std::size_t(1), std::size_t(15), std::size_t(16), std::size_t(5000), Progress::most_read}) {
    progress.set_read(3, {10, 2});
    EXPECT_EQ(next().left(3), "") << "nothing was begun";
    const auto place = progress.begin_read(3, size);
    ASSERT_EQ(place.size(), size);
    EXPECT_EQ(next().left(3), "") << "it was killed before the read";
    EXPECT_EQ(next().read(3), (StreamPlace{10, 2}));
    const std::string bytes(size, 'x');
    std::ranges::copy(bytes, place.begin());
    EXPECT_EQ(next().left(3), bytes) << "it was killed after the read";
    progress.set_read(3, {10 + size, 3});
    EXPECT_EQ(next().left(3), "");
    EXPECT_EQ(next().read(3), (StreamPlace{10 + size, 3}));
  }
}

// A process that counts in lockstep is killed a hundred times: the two numbers always belong together.
TEST_F(ProgressTest, AKillLeavesAPlaceThatWasSet) {
  for (int round = 0; round < 100; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::uint64_t i = 1;; ++i) progress.set_read(5, {3 * i, i});
    }
    const StreamPlace before = progress.read(5);
    while (progress.read(5) == before) std::this_thread::yield();
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const StreamPlace left = progress.read(5);
    EXPECT_EQ(left.offset, 3 * left.line);
    progress.set_read(5, {});
  }
}

}  // namespace
}  // namespace telltale::sources
