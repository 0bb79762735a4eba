// What a power cut leaves. That MemoryFiles behaves like a file system otherwise is tested in base/files_test.cpp.
#include "base/testing/memory_files.h"

#include <gtest/gtest.h>

#include <set>

namespace telltale::base::testing {
namespace {

class MemoryFilesTest : public ::testing::Test {
 protected:
  std::unique_ptr<MemoryWriter> open(const std::string& path, OpenMode mode = OpenMode::create_or_append) {
    auto file = disk_.open_writer(path, mode);
    EXPECT_TRUE(file.has_value());
    return std::move(*file);
  }
  static void append(WritableFile& file, std::string_view text) {
    const std::string_view pieces[] = {text};
    EXPECT_TRUE(file.append(pieces));
  }
  bool exists(const std::string& path) { return disk_.info(path).has_value(); }

  MemoryFiles disk_;
};

TEST_F(MemoryFilesTest, OnlyWhatWasSyncedSurvivesTheWorst) {
  auto file = open("log");
  append(*file, "durable ");
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_.sync_directory("."));
  append(*file, "lost");
  EXPECT_EQ(disk_.get("log"), "durable lost");
  disk_.crash({});
  EXPECT_EQ(disk_.get("log"), "durable ");
}

TEST_F(MemoryFilesTest, ASyncedFileWithoutASyncedNameIsGone) {
  auto file = open("log");
  append(*file, "text");
  ASSERT_TRUE(file->sync());
  disk_.crash({});
  EXPECT_FALSE(exists("log"));
}

TEST_F(MemoryFilesTest, ANameMayOutliveTheData) {
  auto file = open("log");
  append(*file, "text");
  disk_.crash({.entries = UnsyncedEntries::keep_all});
  EXPECT_EQ(disk_.get("log"), "");
}

TEST_F(MemoryFilesTest, KeepAllIsAKilledProcess) {
  auto file = open("log");
  append(*file, "text");
  disk_.crash({.data = UnsyncedData::keep_all, .entries = UnsyncedEntries::keep_all});
  EXPECT_EQ(disk_.get("log"), "text");
}

TEST_F(MemoryFilesTest, APrefixIsCutAnywhereInWhatWasNotSynced) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    disk_.put("log", "ab");
    auto file = open("log");
    append(*file, "cd");
    append(*file, "ef");
    disk_.crash({.data = UnsyncedData::prefix, .granularity = 1, .seed = seed});
    seen.insert(disk_.get("log"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"ab", "abc", "abcd", "abcde", "abcdef"}));
}

TEST_F(MemoryFilesTest, APrefixIsCutAtSectorsOfTheFile) {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    disk_.put("log", std::string(100, 'a'));
    append(*open("log"), std::string(1500, 'b'));
    disk_.crash({.data = UnsyncedData::prefix, .granularity = 512, .seed = seed});
    sizes.insert(disk_.get("log").size());
  }
  sizes.erase(1600);  // all of it, which is rare
  EXPECT_EQ(sizes, (std::set<std::size_t>{100, 512, 1024, 1536}));
}

TEST_F(MemoryFilesTest, ReorderedWritesLeaveHolesOfZeros) {
  bool hole = false;
  bool zero_tail = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    disk_.put("log", "ab");
    auto file = open("log");
    append(*file, "cd");
    append(*file, "ef");
    disk_.crash({.data = UnsyncedData::reorder, .granularity = 1, .seed = seed});
    const std::string left = disk_.get("log");
    ASSERT_TRUE(left.starts_with("ab") && left.size() <= 6) << left;
    for (std::size_t i = 0; i < left.size(); ++i) ASSERT_TRUE(left[i] == "abcdef"[i] || left[i] == '\0');
    hole |= left == std::string("ab\0\0ef", 6);
    zero_tail |= left.size() == 6 && left.back() == '\0';
  }
  EXPECT_TRUE(hole);
  EXPECT_TRUE(zero_tail);
}

TEST_F(MemoryFilesTest, AnUnsyncedTruncationMayBeUndone) {
  disk_.put("log", "0123456789");
  auto file = open("log");
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(disk_.get("log"), "012");
  disk_.crash({});
  EXPECT_EQ(disk_.get("log"), "0123456789");
  file = open("log");
  ASSERT_TRUE(file->truncate(3));
  ASSERT_TRUE(file->sync());
  disk_.crash({});
  EXPECT_EQ(disk_.get("log"), "012");
}

TEST_F(MemoryFilesTest, ARenamingIsAllOrNothing) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MemoryFiles disk;
    disk.put("state", "old");
    disk.put("state.tmp", "new");
    ASSERT_TRUE(disk.rename("state.tmp", "state"));
    disk.crash({.entries = UnsyncedEntries::independent, .seed = seed});
    const bool renamed = !disk.info("state.tmp");
    ASSERT_EQ(disk.get("state"), renamed ? "new" : "old");
  }
}

TEST_F(MemoryFilesTest, EntriesAreLostAndKeptIndependently) {
  std::set<std::vector<std::string>> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    MemoryFiles disk;
    disk.put("removed", "");
    ASSERT_TRUE(disk.open_write("created", OpenMode::create_new));
    ASSERT_TRUE(disk.remove("removed"));
    disk.crash({.entries = UnsyncedEntries::independent, .seed = seed});
    seen.insert(*disk.list("."));
  }
  EXPECT_EQ(seen, (std::set<std::vector<std::string>>{{}, {"created"}, {"removed"}, {"created", "removed"}}));
}

TEST_F(MemoryFilesTest, SyncingAFolderIsForThatFolderAlone) {
  ASSERT_TRUE(disk_.make_directories("a"));
  ASSERT_TRUE(disk_.make_directories("b"));
  open("a/log");
  open("b/log");
  ASSERT_TRUE(disk_.sync_directory("a"));
  disk_.crash({});
  EXPECT_TRUE(exists("a/log"));
  EXPECT_FALSE(exists("b/log"));
  EXPECT_TRUE(exists("b")) << "folders are durable at once";
}

TEST_F(MemoryFilesTest, ARemovedFileComesBackUnlessTheFolderWasSynced) {
  disk_.put("log", "text");
  ASSERT_TRUE(disk_.remove("log"));
  EXPECT_FALSE(exists("log"));
  disk_.crash({});
  EXPECT_EQ(disk_.get("log"), "text");
  ASSERT_TRUE(disk_.remove("log"));
  ASSERT_TRUE(disk_.sync_directory("."));
  disk_.crash({});
  EXPECT_FALSE(exists("log"));
}

TEST_F(MemoryFilesTest, HandlesAndLocksDoNotOutliveTheCrash) {
  disk_.put("log", "text");
  auto writer = open("log");
  auto reader = disk_.open_read("log");
  auto lock = disk_.lock("lock", "me");
  ASSERT_TRUE(lock);
  disk_.crash({});
  const std::string_view pieces[] = {"x"};
  EXPECT_FALSE(writer->append(pieces));
  EXPECT_FALSE(writer->sync());
  char buffer[1];
  EXPECT_FALSE((*reader)->read_at(0, buffer));
  auto again = disk_.lock("lock", "me again");
  ASSERT_TRUE(again);
  lock->reset();
  EXPECT_FALSE(disk_.lock("lock", "somebody else")) << "the old lock's end does not free the new one";
}

TEST_F(MemoryFilesTest, WhatAFailedSyncForgotIsNeverDurable) {
  disk_.put("log", "ab");
  auto file = open("log");
  append(*file, "cd");
  file->forget_unsynced();
  EXPECT_EQ(disk_.get("log"), "abcd") << "it can still be read";
  append(*file, "ef");
  ASSERT_TRUE(file->sync());
  disk_.crash({.data = UnsyncedData::keep_all});
  EXPECT_EQ(disk_.get("log"), std::string("ab\0\0ef", 6));
}

TEST_F(MemoryFilesTest, AFullDiskTakesWhatFits) {
  disk_.set_capacity(10);
  auto file = open("log");
  append(*file, "01234567");
  const std::string_view pieces[] = {"ab", "cd"};
  const auto written = file->append(pieces);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::disk_full);
  EXPECT_EQ(file->size(), 10U);
  EXPECT_EQ(disk_.get("log"), "01234567ab");
  EXPECT_EQ(disk_.allocate("reserve", 1).error().code, ErrorCode::disk_full);
  disk_.set_capacity(20);
  EXPECT_TRUE(disk_.allocate("reserve", 10));
  EXPECT_EQ(disk_.used_bytes(), 20U);
  ASSERT_TRUE(disk_.remove("reserve"));
  EXPECT_EQ(disk_.used_bytes(), 10U);
  ASSERT_TRUE(disk_.remove("log"));
  EXPECT_EQ(disk_.used_bytes(), 10U) << "it is still open";
  file.reset();
  EXPECT_EQ(disk_.used_bytes(), 0U);
}

TEST_F(MemoryFilesTest, DamageIsDurable) {
  disk_.put("log", "abc");
  disk_.damage("log", 1, 0x20);
  EXPECT_EQ(disk_.get("log"), "aBc");
  disk_.crash({});
  EXPECT_EQ(disk_.get("log"), "aBc");
}

TEST_F(MemoryFilesTest, TheSameSeedLeavesTheSameFiles) {
  const auto left = [](std::uint64_t seed) {
    MemoryFiles disk;
    for (const char* name : {"a", "b", "c", "d"}) {
      auto file = disk.open_write(name, OpenMode::create_new);
      const std::string text(5000, *name);
      const std::string_view pieces[] = {text};
      EXPECT_TRUE((*file)->append(pieces));
    }
    disk.crash({.data = UnsyncedData::reorder, .entries = UnsyncedEntries::independent, .seed = seed});
    std::string all;
    for (const std::string& name : *disk.list(".")) all += name + disk.get(name);
    return all;
  };
  EXPECT_EQ(left(7), left(7));
  EXPECT_NE(left(7), left(8));
}

}  // namespace
}  // namespace telltale::base::testing
