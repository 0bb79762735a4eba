// What an unkind world does to files: deleted while held, no events, no rights, replaced by something alike, moved about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "sources/file/rotation_name.h"
#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class TailerLawTest : public testing::TailHarness, public ::testing::Test {
 protected:
  std::vector<std::string> texts() const { return store.texts(); }
  void write(std::string_view name, std::string_view bytes) {
    std::filesystem::remove(path(name));
    append(name, bytes);
  }
  void take_again() {
    store.room = -1;
    for (auto& callback : std::exchange(store.waiting, {})) callback();
  }
};

TEST_F(TailerLawTest, DeletedFilesAreCountedWithTheirBytes) {
  append("app.log", "one\n");
  watch("*.log");
  start();
  settle();
  append("app.log", "two\n");
  store.room = 0;
  read();
  remove("app.log");
  read();
  EXPECT_EQ(file_metrics->deleted_files.value(), 1);
  EXPECT_EQ(file_metrics->deleted_bytes.value(), 8);
  take_again();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  EXPECT_EQ(file_metrics->deleted_files.value(), 0);
  EXPECT_EQ(file_metrics->deleted_bytes.value(), 0);
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, OverTheirBytesTheOldestIsGivenUpWithAGapThatNamesIt) {
  options.max_deleted_bytes = 100;
  watch("*.log");
  for (const char* name : {"a.log", "b.log"}) append(name, "one\n");
  start();
  settle();
  store.room = 0;
  for (const char* name : {"a.log", "b.log"}) {
    append(name, std::string(80, 'x') + "\n");
    read();
    remove(name);
    read();
  }
  EXPECT_EQ(file_metrics->deleted_files.value(), 1) << "the newer one is held";
  EXPECT_EQ(file_metrics->deleted_bytes.value(), 85);
  take_again();
  settle();
  wait_for_writers();
  settle();
  // One block was in memory.
  EXPECT_THAT(store.lines, SizeIs(4));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, WhatWasNotReadOfItIsTheGap) {
  options.max_deleted_bytes = 100;
  options.block_bytes = 64;
  watch("*.log");
  append("a.log", "one\n");
  start();
  settle();
  store.room = 0;
  std::string text;
  for (int i = 0; i < 10; ++i) text += fmt::format("line {} {}\n", i, std::string(20, 'x'));
  append("a.log", text);
  read();
  remove("a.log");
  read();
  EXPECT_EQ(file_metrics->open.value(), 0) << "its room on the disk is free";
  EXPECT_EQ(file_metrics->deleted_bytes.value(), 0);
  take_again();
  settle();
  settle();
  ASSERT_THAT(store.gaps, SizeIs(1));
  const auto& gap = store.gaps[0].gap;
  EXPECT_EQ(gap.reason, record::GapReason::deleted_before_read);
  EXPECT_THAT(gap.detail, HasSubstr("a.log"));
  EXPECT_EQ(gap.range->to, 4 + text.size());
  std::uint64_t read = 0;
  for (const auto& line : texts()) read += line.size() + 1;
  EXPECT_EQ(gap.range->from, read) << "no more and no less than what was not read";
}

TEST_F(TailerLawTest, OverTheirNumberToo) {
  options.max_deleted_files = 3;
  watch("*.log");
  for (int i = 0; i < 6; ++i) append(fmt::format("{}.log", i), "one\n");
  start();
  settle();
  for (int i = 0; i < 6; ++i) remove(fmt::format("{}.log", i));
  settle();
  EXPECT_EQ(file_metrics->deleted_files.value(), 3);
  EXPECT_EQ(file_metrics->open.value(), 3);
  EXPECT_THAT(store.gaps, IsEmpty()) << "all had been read";
}

// A watcher whose folders cannot be watched, as when fs.inotify.max_user_watches is reached.
class NoWatches final : public Watcher {
 public:
  base::Status watch_folder(const std::string& folder) override {
    return base::fail(base::ErrorCode::io_error, "no inotify watch is left for '" + folder + "'",
                      "Raise fs.inotify.max_user_watches (sysctl)");
  }
  base::Status watch_link(const std::string&) override { return {}; }
  void wait(std::int64_t, WatchEvents&) override {}
  void rest(std::int64_t) override {}
  void wake() override {}
};

TEST_F(TailerLawTest, WithoutEventsTheLooksFindAllAndItIsSaidOnce) {
  watcher = std::make_unique<NoWatches>();
  for (int i = 0; i < 5; ++i) append(fmt::format("{}/app.log", i), "one\n");
  watch("*/app.log");
  start();
  ::testing::internal::CaptureStderr();
  settle();
  append("0/app.log", "two\n");
  rename("0/app.log", "0/app.log.1");
  append("0/app.log", "three\n");
  settle();
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(texts(), SizeIs(7));
  EXPECT_THAT(tailer->problems(), IsEmpty()) << "nothing is lost";
  EXPECT_THAT(tailer->unwatched(), SizeIs(6)) << "the folder above them too";
  EXPECT_EQ(said.find("no inotify watch is left"), said.rfind("no inotify watch is left")) << said;
  EXPECT_THAT(said, HasSubstr("looked at every 2 s"));
}

TEST_F(TailerLawTest, ReplacedByAShorterFileWithTheSameBeginning) {
  write("app.log", "start\none\ntwo\n");
  watch("app.log");
  start();
  settle();
  write("app.log", "start\none\n");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("start", "one", "two", "start", "one"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, ReplacedByALongerFileWithTheSameBeginning) {
  write("app.log", "start\none\n");
  watch("app.log");
  start();
  settle();
  append("next", "start\nsame\nlonger\n");
  rename("next", "app.log");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("start", "one", "start", "same", "longer"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, OverwrittenInPlaceByAShorterTextWithTheSameBeginning) {
  append("app.log", "start\none\ntwo\n");
  watch("app.log");
  start();
  settle();
  std::ofstream(path("app.log"), std::ios::trunc) << "start\nthree\n";
  settle();
  EXPECT_THAT(texts(), ElementsAre("start", "one", "two", "start", "three"));
}

TEST_F(TailerLawTest, MovedToAnotherFolderThatIsWatchedToo) {
  append("a/app.log", "one\n");
  append("b/other.log", "x\n");
  watch("a/*.log");
  watch("b/*.log");
  start();
  settle();
  append("a/app.log", "two\n");
  rename("a/app.log", "b/app.log");
  append("b/app.log", "three\n");
  append("a/app.log", "new\n");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), UnorderedElementsAre("one", "x", "two", "three", "new"));
  append("b/app.log", "four\n");
  settle();
  tailer.reset();
  rename("b/app.log", "a/moved.log");
  append("a/moved.log", "five\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), SizeIs(7)) << "also while it was stopped";
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, MovedToAFolderOfAnotherFileSystem) {
  append("a/app.log", "one\n" + std::string(300, 'x') + "\n");
  watch("a/*.log");
  watch("b/*.log");
  start();
  settle();
  tailer.reset();
  append("a/app.log", "two\n");
  std::filesystem::create_directories(path("b"));
  copy("a/app.log", "b/app.log");  // a move between file systems is a copy and a removal
  remove("a/app.log");
  kill_and_start();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", std::string(300, 'x'), "two"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerLawTest, RightsThatAreLostAndComeBackLoseNothing) {
  if (::geteuid() == 0) {
    // Root may read everything: the folder is taken away instead.
    append("a/app.log", "one\n");
    watch("a/app.log");
    start();
    settle();
    rename("a", "away");
    append("away/app.log", "two\n");
    settle();
    rename("away", "a");
    append("a/app.log", "three\n");
    settle();
    EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
    EXPECT_THAT(store.gaps, IsEmpty());
    return;
  }
  options.max_open_files = 1;
  append("app.log", "one\n");
  append("b.log", "x\n");
  watch("app.log");
  watch("b.log");
  start();
  settle();
  std::filesystem::permissions(path("app.log"), std::filesystem::perms::none);
  append("b.log", "y\n");
  settle();
  EXPECT_TRUE(tailer->problems().empty() || tailer->problems().contains(path("app.log")));
  std::filesystem::permissions(path("app.log"), std::filesystem::perms::owner_all);
  append("app.log", "two\n");
  settle();
  EXPECT_THAT(texts(), UnorderedElementsAre("one", "x", "y", "two"));
  EXPECT_THAT(tailer->problems(), IsEmpty());
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST(RotationForms, OfLogrotateLog4jDockerAndKubernetes) {
  struct Case {
    const char* name;
    const char* current;
  };
  for (const auto& form : {Case{"app.log-20260101", "app.log"},
                           {"app.log-20260101.gz", "app.log"},
                           {"app.log-20260101-1767225600.zst", "app.log"},
                           {"app-2026-01-01-1.log", "app.log"},
                           {"app-2026-01-01-1.log.gz", "app.log"},
                           {"app.log.2026-01-01.1.gz", "app.log"},
                           {"app.log.2026-01-01_12-00", "app.log"},
                           {"0f1e2d-json.log.1", "0f1e2d-json.log"},
                           {"0f1e2d-json.log.4.gz", "0f1e2d-json.log"},
                           {"0.log.20260101-120000", "0.log"},
                           {"0.log.20260101-120000.gz", "0.log"}}) {
    EXPECT_EQ(base_name_of(form.name), form.current) << form.name;
    EXPECT_TRUE(is_sibling_name(form.name, form.current)) << form.name;
    EXPECT_EQ(lineage_path(std::string("/logs/") + form.name), std::string("/logs/") + form.current);
  }
}

}  // namespace
}  // namespace telltale::sources
