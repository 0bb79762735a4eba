#include "base/testing/faulty_files.h"

#include <gtest/gtest.h>

#include <thread>

namespace telltale::base::testing {
namespace {

Status append(Files& files, const std::string& path, std::string_view text) {
  auto file = files.open_write(path, OpenMode::create_or_append);
  if (!file) return pass(file);
  const std::string_view pieces[] = {text};
  if (auto done = (*file)->append(pieces); !done) return done;
  return (*file)->sync();
}

class FaultyFilesTest : public ::testing::Test {
 protected:
  MemoryFiles disk_;
  FaultyFiles files_{disk_};
};

TEST_F(FaultyFilesTest, CountsWhatHasAnEffect) {
  ASSERT_TRUE(files_.make_directories("d"));
  ASSERT_TRUE(files_.make_directories("d"));
  ASSERT_TRUE(append(files_, "d/log", "abc"));
  ASSERT_TRUE(append(files_, "d/log", "d"));
  ASSERT_TRUE(files_.rename("d/log", "d/log.1"));
  ASSERT_TRUE(files_.sync_directory("d"));
  ASSERT_TRUE(files_.info("d/log.1") && files_.list("d") && files_.open_read("d/log.1"));
  ASSERT_TRUE(files_.remove("d/log.1"));
  ASSERT_TRUE(files_.allocate("reserve", 10));
  ASSERT_TRUE(files_.lock("lock", "me"));
  EXPECT_EQ(files_.journal(), (std::vector<std::string>{"1 make_directories d", "2 create d/log", "3 append d/log 3", "4 sync d/log",
                                                        "5 append d/log 1", "6 sync d/log", "7 rename d/log d/log.1", "8 sync_directory d",
                                                        "9 remove d/log.1", "10 allocate reserve 10", "11 lock lock"}));
  EXPECT_EQ(files_.operations(), 11U);
  files_.restart_count();
  EXPECT_EQ(files_.operations(), 0U);
}

// The law that the loop in faulty_files.h is for: an atomic write is the old or the new text, whatever was lost and wherever.
TEST_F(FaultyFilesTest, EveryCrashPointOfAnAtomicWriteLeavesOldOrNew) {
  for (const CrashSide side : {CrashSide::before, CrashSide::after}) {
    for (const UnsyncedData data : {UnsyncedData::lose_all, UnsyncedData::keep_all, UnsyncedData::prefix, UnsyncedData::reorder}) {
      for (const UnsyncedEntries entries : {UnsyncedEntries::lose_all, UnsyncedEntries::keep_all, UnsyncedEntries::independent}) {
        std::uint64_t n = 1;
        for (;; ++n) {
          MemoryFiles disk;
          disk.put("state", "the old text");
          FaultyFiles files(disk);
          files.crash_at(n, side);
          const auto written = write_file_atomically(files, "state", "the text that is new");
          if (!files.crashed()) {
            EXPECT_TRUE(written);
            break;
          }
          EXPECT_FALSE(written);
          EXPECT_FALSE(files.info("state")) << "reading fails too until the power is back";
          files.reboot({.data = data, .entries = entries, .granularity = 1, .seed = n});
          const auto text = read_file(files, "state", 100);
          ASSERT_TRUE(text);
          EXPECT_TRUE(*text == "the old text" || *text == "the text that is new") << *text;
          EXPECT_TRUE(write_file_atomically(files, "state", "later"));
        }
        EXPECT_EQ(n, 7U) << "remove, create, append, sync, rename, sync_directory";
      }
    }
  }
}

// The positive control of the law above: without the syncs the same loop finds a broken file.
TEST_F(FaultyFilesTest, TheLoopFindsAWriterThatForgetsToSync) {
  bool found = false;
  for (std::uint64_t n = 1; n < 5; ++n) {
    MemoryFiles disk;
    disk.put("state", "the old text");
    FaultyFiles files(disk);
    files.crash_at(n, CrashSide::after);
    {
      auto file = files.open_write("state.tmp", OpenMode::create_new);
      const std::string_view pieces[] = {"the text that is new"};
      if (file) static_cast<void>((*file)->append(pieces));
    }
    static_cast<void>(files.rename("state.tmp", "state"));
    files.reboot({.entries = UnsyncedEntries::keep_all});
    found |= disk.get("state").empty();
  }
  EXPECT_TRUE(found);
}

TEST_F(FaultyFilesTest, BeforeAndAfterDifferInTheEffect) {
  for (const CrashSide side : {CrashSide::before, CrashSide::after}) {
    MemoryFiles disk;
    disk.put("log", "");
    FaultyFiles files(disk);
    files.crash_at(1, side);
    EXPECT_EQ(append(files, "log", "text").error().code, ErrorCode::io_error);
    EXPECT_EQ(files.operations(), 1U) << "nothing is counted when the power is off";
    files.reboot({.data = UnsyncedData::keep_all});
    EXPECT_EQ(disk.get("log"), side == CrashSide::before ? "" : "text");
  }
}

TEST_F(FaultyFilesTest, HandlesFromBeforeTheCrashStayDead) {
  auto file = files_.open_write("log", OpenMode::create_new);
  ASSERT_TRUE(file && files_.sync_directory("."));
  files_.crash_now();
  EXPECT_FALSE((*file)->sync());
  files_.reboot({});
  EXPECT_FALSE((*file)->sync());
  EXPECT_TRUE(append(files_, "log", "works again"));
}

TEST_F(FaultyFilesTest, OneOperationFailsOnce) {
  files_.fail_at(2, ErrorCode::too_many_open_files);
  EXPECT_TRUE(files_.make_directories("d"));
  EXPECT_EQ(append(files_, "d/log", "a").error().code, ErrorCode::too_many_open_files);
  EXPECT_FALSE(files_.info("d/log")) << "no effect";
  EXPECT_TRUE(append(files_, "d/log", "a"));
  files_.fail_next(FileOperation::remove, ErrorCode::permission_denied);
  EXPECT_EQ(files_.remove("d/log").error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(files_.remove("d/log"));
}

TEST_F(FaultyFilesTest, AFullDiskIsAShortWrite) {
  auto file = files_.open_write("log", OpenMode::create_new);
  ASSERT_TRUE(file);
  files_.fail_next(FileOperation::append, ErrorCode::disk_full);
  const std::string_view pieces[] = {"abc", "def", "gh"};
  EXPECT_EQ((*file)->append(pieces).error().code, ErrorCode::disk_full);
  EXPECT_EQ((*file)->size(), 4U);
  EXPECT_EQ(disk_.get("log"), "abcd");
  files_.fail_next(FileOperation::append, ErrorCode::io_error);
  EXPECT_EQ((*file)->append(pieces).error().code, ErrorCode::io_error);
  EXPECT_EQ((*file)->size(), 4U) << "other failures write nothing";
}

TEST_F(FaultyFilesTest, AFailedSyncLosesWhatWasUnsynced) {
  disk_.put("log", "ab");
  auto file = files_.open_write("log", OpenMode::append);
  ASSERT_TRUE(file);
  const std::string_view pieces[] = {"cd"};
  ASSERT_TRUE((*file)->append(pieces));
  files_.fail_next(FileOperation::sync, ErrorCode::io_error);
  EXPECT_FALSE((*file)->sync());
  EXPECT_TRUE((*file)->sync()) << "the second one lies, as Linux does";
  files_.reboot({.data = UnsyncedData::keep_all});
  EXPECT_EQ(disk_.get("log"), "ab");
}

TEST_F(FaultyFilesTest, TheDiskIsFullUntilItGrows) {
  files_.limit_bytes(3);
  EXPECT_EQ(append(files_, "log", "abcdef").error().code, ErrorCode::disk_full);
  EXPECT_EQ(disk_.get("log"), "abc");
  files_.limit_bytes({});
  EXPECT_TRUE(append(files_, "log", "def"));
  EXPECT_EQ(disk_.get("log"), "abcdef");
}

TEST_F(FaultyFilesTest, ManyThreadsCountEachOperationOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, path = "log" + std::to_string(i)] {
      for (int j = 0; j < 100; ++j) EXPECT_TRUE(append(files_, path, "x"));
    });
  }
  threads.clear();
  EXPECT_EQ(files_.operations(), 4U * (1 + 2 * 100));
  EXPECT_EQ(disk_.used_bytes(), 400U);
}

}  // namespace
}  // namespace telltale::base::testing
