// The contract of Files: the same tests for the real file system and the one in memory.
#include "base/files.h"

#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "base/testing/temp_directory.h"

namespace telltale::base {
namespace {

using testing::MemoryFiles;
using testing::TempDirectory;

class FilesTest : public ::testing::TestWithParam<bool> {
 protected:
  FilesTest() {
    if (GetParam()) {
      files_ = std::make_unique<PosixFiles>();
      root_ = directory_.path();
    } else {
      files_ = std::make_unique<MemoryFiles>();
      root_ = "/test";
      EXPECT_TRUE(files_->make_directories(root_));
    }
  }

  std::string path(std::string_view name) const { return join_path(root_, name); }

  void write(std::string_view name, std::string_view text) {
    auto file = files_->open_write(path(name), OpenMode::create_new);
    ASSERT_TRUE(file) << file.error().message();
    const std::string_view pieces[] = {text};
    ASSERT_TRUE((*file)->append(pieces));
  }

  std::string read(std::string_view name) {
    auto text = read_file(*files_, path(name), 1 << 20);
    return text ? *text : text.error().message();
  }

  template <class T>
  static ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? ErrorCode::internal : result.error().code;
  }

  TempDirectory directory_;
  std::unique_ptr<Files> files_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, FilesTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "posix" : "memory"; });

TEST_P(FilesTest, AppendsAllPiecesInOrder) {
  auto file = files_->open_write(path("log"), OpenMode::create_new);
  ASSERT_TRUE(file);
  std::vector<std::string> texts;
  std::vector<std::string_view> pieces;
  std::string all;
  // More pieces than one system call takes, some of them empty.
  for (int i = 0; i < 3000; ++i) texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
  for (const std::string& text : texts) {
    pieces.push_back(text);
    all += text;
  }
  ASSERT_TRUE((*file)->append(pieces));
  ASSERT_TRUE((*file)->append({}));
  EXPECT_EQ((*file)->size(), all.size());
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(read("log"), all);
}

TEST_P(FilesTest, OpenModesSayWhatMustExist) {
  EXPECT_EQ(code_of(files_->open_write(path("log"), OpenMode::append)), ErrorCode::file_not_found);
  EXPECT_EQ(code_of(files_->open_write(path("log"), OpenMode::append_own)), ErrorCode::file_not_found);
  write("log", "one");
  EXPECT_EQ(code_of(files_->open_write(path("log"), OpenMode::create_new)), ErrorCode::file_exists);
  auto file = files_->open_write(path("log"), OpenMode::create_or_append);
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 3U);
  const std::string_view pieces[] = {" two"};
  ASSERT_TRUE((*file)->append(pieces));
  EXPECT_EQ(read("log"), "one two");
  EXPECT_EQ(code_of(files_->open_write(path("no/log"), OpenMode::create_or_append)), ErrorCode::file_not_found);
}

TEST_P(FilesTest, ReadsAtAnyOffsetAndIsShortOnlyAtTheEnd) {
  write("log", "0123456789");
  auto file = files_->open_read(path("log"));
  ASSERT_TRUE(file);
  char buffer[8];
  ASSERT_EQ(*(*file)->read_at(2, buffer), 8U);
  EXPECT_EQ(std::string_view(buffer, 8), "23456789");
  EXPECT_EQ(*(*file)->read_at(7, buffer), 3U);
  EXPECT_EQ(*(*file)->read_at(10, buffer), 0U);
  EXPECT_EQ(*(*file)->read_at(1000, buffer), 0U);
  EXPECT_EQ(code_of(files_->open_read(path("none"))), ErrorCode::file_not_found);
  EXPECT_EQ(code_of(files_->open_read(root_)), ErrorCode::is_directory);
}

TEST_P(FilesTest, TruncationMovesTheEnd) {
  write("log", "0123456789");
  auto file = files_->open_write(path("log"), OpenMode::append);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->truncate(4));
  EXPECT_EQ((*file)->size(), 4U);
  const std::string_view pieces[] = {"x"};
  ASSERT_TRUE((*file)->append(pieces));
  EXPECT_EQ(read("log"), "0123x");
}

TEST_P(FilesTest, InfoTellsFilesApart) {
  write("one", "abc");
  write("two", "");
  const auto one = files_->info(path("one"));
  const auto two = files_->info(path("two"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->size, 3U);
  EXPECT_EQ(one->kind, FileKind::regular);
  EXPECT_EQ(one->links, 1U);
  EXPECT_GT(one->modify_time, 0);
  EXPECT_NE(one->inode, two->inode);
  EXPECT_EQ(files_->info(root_)->kind, FileKind::directory);
  EXPECT_EQ(code_of(files_->info(path("none"))), ErrorCode::file_not_found);
}

TEST_P(FilesTest, ARenamedOrRemovedFileStaysReadable) {
  write("log", "abc");
  auto file = files_->open_read(path("log"));
  ASSERT_TRUE(file);
  const std::uint64_t inode = (*file)->info()->inode;
  ASSERT_TRUE(files_->rename(path("log"), path("log.1")));
  EXPECT_EQ(files_->info(path("log.1"))->inode, inode);
  ASSERT_TRUE(files_->remove(path("log.1")));
  EXPECT_EQ((*file)->info()->links, 0U);
  char buffer[3];
  EXPECT_EQ(*(*file)->read_at(0, buffer), 3U);
  EXPECT_EQ(code_of(files_->remove(path("log.1"))), ErrorCode::file_not_found);
  EXPECT_EQ(code_of(files_->rename(path("log.1"), path("log"))), ErrorCode::file_not_found);
}

TEST_P(FilesTest, RenamingReplaces) {
  write("new", "new");
  write("old", "old");
  ASSERT_TRUE(files_->rename(path("new"), path("old")));
  EXPECT_EQ(read("old"), "new");
  EXPECT_EQ(*files_->list(root_), std::vector<std::string>{"old"});
}

TEST_P(FilesTest, MakesListsAndRemovesDirectories) {
  ASSERT_TRUE(files_->make_directories(path("a/b/c")));
  ASSERT_TRUE(files_->make_directories(path("a/b/c")));
  write("a/z", "");
  write("a/.hidden", "");
  EXPECT_EQ(*files_->list(path("a")), (std::vector<std::string>{".hidden", "b", "z"}));
  ASSERT_TRUE(files_->sync_directory(path("a")));
  EXPECT_FALSE(files_->remove(path("a")).has_value()) << "not empty";
  EXPECT_TRUE(files_->remove(path("a/b/c")));
  EXPECT_EQ(code_of(files_->make_directories(path("a/z"))), ErrorCode::not_directory);
  EXPECT_EQ(code_of(files_->make_directories(path("a/z/y"))), ErrorCode::not_directory);
  EXPECT_EQ(code_of(files_->list(path("none"))), ErrorCode::file_not_found);
  EXPECT_EQ(code_of(files_->list(path("a/z"))), ErrorCode::not_directory);
  EXPECT_EQ(code_of(files_->sync_directory(path("none"))), ErrorCode::file_not_found);
}

TEST_P(FilesTest, AllocationGrowsAFileAndNeverShrinksIt) {
  ASSERT_TRUE(files_->allocate(path("reserve"), 10'000));
  EXPECT_EQ(files_->info(path("reserve"))->size, 10'000U);
  ASSERT_TRUE(files_->allocate(path("reserve"), 10));
  EXPECT_EQ(files_->info(path("reserve"))->size, 10'000U);
}

TEST_P(FilesTest, OnlyOneHolderOfALock) {
  auto first = files_->lock(path("lock"), "pid 1\n");
  ASSERT_TRUE(first);
  auto second = files_->lock(path("lock"), "pid 2\n");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::store_locked);
  EXPECT_EQ(second.error().cause, path("lock") + " is held by pid 1");
  first->reset();
  second = files_->lock(path("lock"), "pid 2\n");
  ASSERT_TRUE(second);
  EXPECT_EQ(read("lock"), "pid 2\n");
}

TEST_P(FilesTest, ReadFileHasALimit) {
  write("big", std::string(200'000, 'x'));
  EXPECT_EQ(read_file(*files_, path("big"), 200'000)->size(), 200'000U);
  EXPECT_EQ(code_of(read_file(*files_, path("big"), 199'999)), ErrorCode::io_error);
}

TEST_P(FilesTest, AtomicWritesReplaceAndLeaveNothingBehind) {
  write("state.json.tmp", "left by a crash");
  ASSERT_TRUE(write_file_atomically(*files_, path("state.json"), "one"));
  ASSERT_TRUE(write_file_atomically(*files_, path("state.json"), "two"));
  EXPECT_EQ(read("state.json"), "two");
  EXPECT_EQ(*files_->list(root_), std::vector<std::string>{"state.json"});
}

TEST(Paths, AreJoinedAndTakenApart) {
  EXPECT_EQ(join_path("a/b", "c"), "a/b/c");
  EXPECT_EQ(join_path("/", "c"), "/c");
  EXPECT_EQ(join_path("", "c"), "c");
  EXPECT_EQ(join_path("a", "/c"), "/c");
  EXPECT_EQ(parent_path("a/b/c"), "a/b");
  EXPECT_EQ(parent_path("a/b/"), "a");
  EXPECT_EQ(parent_path("c"), ".");
  EXPECT_EQ(parent_path("/c"), "/");
  EXPECT_EQ(parent_path("/"), "/");
  EXPECT_EQ(file_name("a/b/c"), "c");
  EXPECT_EQ(file_name("c"), "c");
  EXPECT_EQ(file_name("a/b/"), "b");
}

}  // namespace
}  // namespace telltale::base
