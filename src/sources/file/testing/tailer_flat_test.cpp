// What must stay flat: descriptors, memory and positions over a day of rotations, input beyond what is drained, thousands of files.
#include <iostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

constexpr std::int64_t minute = 60 * base::nanos_per_second;

struct TailerFlat : ::testing::Test, testing::TailHarness {
  static std::size_t descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
  }
  // As logrotate does it: the oldest goes.
  void rotate(std::string_view name, int kept) {
    const auto rotated = [&](int number) { return fmt::format("{}.{}", name, number); };
    std::filesystem::remove(path(rotated(kept)));
    for (int i = kept - 1; i > 0; --i)
      if (std::filesystem::exists(path(rotated(i)))) rename(rotated(i), rotated(i + 1));
    rename(name, rotated(1));
  }
};

TEST_F(TailerFlat, ADayWithARotationEachMinute) {
  watch("*.log");
  start();
  settle();
  std::size_t most_positions = 0;
  std::size_t most_descriptors = 0;
  std::int64_t most_open = 0;
  const std::size_t before = descriptors();
  std::size_t expected = 0;
  constexpr int minutes = 24 * 60;
  for (int i = 0; i < minutes; ++i) {
    for (const auto* name : {"app.log", "db.log"}) {
      append(name, fmt::format("{} {}\n", name, i));
      ++expected;
    }
    if (i % 7 != 0) settle();  // now and then two rotations come between two looks
    for (const auto* name : {"app.log", "db.log"}) rotate(name, 5);
    clock.advance(minute);
    settle();
    store.more_follows.clear();
    store.written_after.clear();
    if (i < 60) continue;
    most_positions = std::max(most_positions, store.positions().size());
    most_descriptors = std::max(most_descriptors, descriptors());
    most_open = std::max(most_open, file_metrics->open.value());
  }
  wait_for_writers();
  std::cout << fmt::format(
      "RESULT 24 simulated hours, {} rotations: at most {} positions, {} files open, {} descriptors more than before\n", 2 * minutes,
      most_positions, most_open, most_descriptors - before);
  EXPECT_EQ(store.lines.size(), expected);
  EXPECT_TRUE(store.gaps.empty());
  EXPECT_LE(most_positions, 2u * 7);
  EXPECT_LE(most_open, 2 * 7);
  EXPECT_LE(most_descriptors, before + 2 * 7);
}

// A program writes three times as fast as the store takes, for a minute: blocks wait in the file, not in memory.
TEST_F(TailerFlat, AMinuteOfThreeTimesWhatIsDrained) {
  options.block_bytes = 4096;
  watch("app.log");
  start();
  std::size_t written = 0;
  std::size_t most_held = 0;
  constexpr int ticks = 600;  // of 100 ms
  for (int tick = 0; tick < ticks; ++tick) {
    std::string text;
    for (; text.size() < 3 * options.block_bytes; ++written) text += fmt::format("line {:08} {}\n", written, std::string(90, 'x'));
    append("app.log", text);
    store.room = 1;
    for (auto& callback : std::exchange(store.waiting, {})) callback();
    clock.advance(100 * base::nanos_per_millisecond);
    read();
    most_held = std::max(most_held, store.uncommitted());
    store.commit(1, *commits);
    if (tick == ticks / 2) rotate("app.log", 3);
  }
  const std::uint64_t behind = commits->lag_bytes();
  store.room = -1;
  for (auto& callback : std::exchange(store.waiting, {})) callback();
  settle();
  wait_for_writers();
  std::cout << fmt::format(
      "RESULT input at 3 x the drain rate: {} lines, {} bytes behind at the end of the minute, at most {} blocks held\n", written, behind,
      most_held);
  EXPECT_GT(behind, ticks * options.block_bytes);
  EXPECT_LE(most_held, 4u);
  EXPECT_LE(store.largest_block, options.block_bytes + 110) << "a block, and a line whose end it holds";
  EXPECT_TRUE(store.gaps.empty());
  ASSERT_EQ(store.lines.size(), written);
  for (std::size_t i = 0; i < written; ++i) ASSERT_EQ(store.lines[i].text.substr(0, 13), fmt::format("line {:08}", i));
}

TEST_F(TailerFlat, ThousandsOfFilesWithABoundedNumberOpen) {
  constexpr int files = 1000;
  options.max_open_files = 64;
  watch("*.log");
  start();
  const std::size_t before = descriptors();
  std::size_t most = 0;
  for (int round = 0; round < 2; ++round) {
    // Half of the lines stay unfinished: closing their files must neither lose them nor read them without end.
    for (int i = 0; i < files; ++i) append(fmt::format("f{}.log", i), i % 2 == 0 ? fmt::format("line {}\n", round) : "half ");
    settle();
    most = std::max(most, descriptors() - before);
    EXPECT_LE(file_metrics->open.value(), 64);
  }
  for (int i = 1; i < files; i += 2) append(fmt::format("f{}.log", i), "whole\n");
  settle();
  std::cout << fmt::format("RESULT {} files: at most {} descriptors more than before\n", files, most);
  EXPECT_LE(most, 64u + 4);
  EXPECT_EQ(store.lines.size(), 2u * files / 2 + files / 2);
  EXPECT_EQ(std::ranges::count(store.lines, "half half whole", &testing::MemoryStore::Line::text), files / 2);
}

}  // namespace
}  // namespace telltale::sources
