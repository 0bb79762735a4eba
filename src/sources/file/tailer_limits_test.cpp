// Pressure, many files, failures, and kills between the commits of files that were rotated together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/tailer.h"
#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class TailerLimitsTest : public ::testing::Test, public testing::TailHarness {
 protected:
  std::vector<std::string> texts() const { return store.texts(); }

  // Until files that are created now are clearly younger than those before.
  void let_births_differ() {
    const base::UnixNanos start = clock.wall();
    while (clock.wall() < start + 2 * coarse_clock_ns) std::this_thread::yield();
  }
};

// Pressure, many files, failures.

TEST_F(TailerLimitsTest, AFullSinkLosesNothingAndOtherFilesGoOn) {
  options.block_bytes = 16;
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    expected.push_back("line " + std::to_string(i));
    append("app.log", expected.back() + "\n");
  }
  watch("app.log");
  start();
  store.room = 2;
  read();
  EXPECT_EQ(store.uncommitted(), 2u);
  for (int i = 0; i < 100; ++i) {
    store.room = 1;
    for (auto& callback : std::exchange(store.waiting, {})) callback();
    settle();
  }
  EXPECT_EQ(texts(), expected);
}

TEST_F(TailerLimitsTest, ManyFilesWithFewOpenAtATime) {
  options.max_open_files = 8;
  watch("*.log");
  start();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) append("f" + std::to_string(i) + ".log", "line " + std::to_string(round) + "\n");
    settle();
    EXPECT_LE(file_metrics->open.value(), 8);
    EXPECT_EQ(store.lines.size(), 50 * (static_cast<std::size_t>(round) + 1));
  }
}

TEST_F(TailerLimitsTest, RotationsWithoutEndKeepFilesAndPositionsFlat) {
  watch("app.log");
  start();
  for (int i = 0; i < 300; ++i) {
    append("app.log", "line " + std::to_string(i) + "\n");
    settle();
    std::filesystem::rename(path("app.log"), path("app.log.1"));
    clock.advance(base::nanos_per_second);
  }
  EXPECT_EQ(store.lines.size(), 300u);
  EXPECT_LE(file_metrics->open.value(), static_cast<std::int64_t>(options.max_held_files) + 2);
  wait_for_writers();
  EXPECT_LE(file_metrics->open.value(), 1);
  EXPECT_LE(store.positions().size(), 2u);
}

TEST_F(TailerLimitsTest, ASymbolicLinkIsFollowedToItsNewTarget) {
  append("run-1/out", "one\n");
  std::filesystem::create_symlink(path("run-1/out"), path("current.log"));
  watch("current.log");
  start();
  settle();
  append("run-1/out", "two\n");
  append("run-2/out", "three\n");
  std::filesystem::remove(path("current.log"));
  std::filesystem::create_symlink(path("run-2/out"), path("current.log"));
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerLimitsTest, FoldersThatContainThemselvesEndTheSearch) {
  append("a/app.log", "one\n");
  std::filesystem::create_directory_symlink(path("a"), path("a/loop"));
  watch("**/*.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
}

TEST_F(TailerLimitsTest, StartAtTheEndSkipsWhatIsThereAtTheVeryFirstStartOnly) {
  source.start = "end";
  append("app.log", "old\n");
  watch("*.log");
  start();
  settle();
  append("app.log", "one\n");
  append("later.log", "two\n");
  settle();
  kill_and_start();
  append("while-stopped.log", "three\n");
  settle();
  EXPECT_THAT(texts(), UnorderedElementsAre("one", "two", "three"));
}

TEST_F(TailerLimitsTest, PositionsOfOthersAreLeftAlone) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  const auto before = store.positions();
  source.paths = {path("other.log")};
  kill_and_start();
  settle();
  EXPECT_EQ(store.positions(), before) << "a source that is configured again later goes on";
}

// Whatever part of it was committed when the engine is killed a second time, nothing of the rotated files is missed or read twice.
TEST_F(TailerLimitsTest, KilledAgainWhileReadingWhatWasRotatedMeanwhile) {
  watch("app.log");
  int rotations = 0;
  for (std::size_t committed = 0; committed < 8; ++committed) {
    SCOPED_TRACE(committed);
    const std::string turn = std::to_string(committed);
    append("app.log", turn + " zero\n");
    start();
    settle();
    store.lines.clear();
    tailer.reset();
    std::vector<std::string> expected;
    for (const auto* text : {" one", " two", " three"}) {
      let_births_differ();
      rename("app.log", "app.log." + std::to_string(++rotations));
      append("app.log", turn + text + "\n");
      expected.push_back(turn + text);
    }
    let_births_differ();
    start();
    read();
    store.commit(committed, *commits);
    kill_and_start();
    settle();
    EXPECT_EQ(texts(), expected);
    tailer.reset();
  }
}

}  // namespace
}  // namespace telltale::sources
