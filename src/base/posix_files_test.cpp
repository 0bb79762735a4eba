// What only the real file system has.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/testing/temp_directory.h"

namespace telltale::base {
namespace {

class PosixFilesTest : public ::testing::Test {
 protected:
  static mode_t rights(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }

  testing::TempDirectory directory_;
  PosixFiles files_;
};

TEST_F(PosixFilesTest, WhatItMakesBelongsToItsOwnerAlone) {
  ASSERT_TRUE(files_.make_directories(directory_.path("a/b")));
  ASSERT_TRUE(files_.open_write(directory_.path("a/log"), OpenMode::create_new));
  ASSERT_TRUE(files_.allocate(directory_.path("a/reserve"), 1));
  ASSERT_TRUE(files_.lock(directory_.path("a/lock"), ""));
  EXPECT_EQ(rights(directory_.path("a")), 0700U);
  EXPECT_EQ(rights(directory_.path("a/b")), 0700U);
  for (const char* name : {"a/log", "a/reserve", "a/lock"}) EXPECT_EQ(rights(directory_.path(name)), 0600U) << name;
}

TEST_F(PosixFilesTest, DescriptorsAreNotGivenToChildren) {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  auto file = files_.open_write(directory_.path("log"), OpenMode::create_new);
  auto reader = files_.open_read(directory_.path("log"));
  auto lock = files_.lock(directory_.path("lock"), "");
  ASSERT_TRUE(file && reader && lock);
  for (int fd = next; fd < next + 3; ++fd) EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << fd;
}

TEST_F(PosixFilesTest, ANamedPipeDoesNotBlockTheReader) {
  ASSERT_EQ(::mkfifo(directory_.path("pipe").c_str(), 0600), 0);
  auto file = files_.open_read(directory_.path("pipe"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->info()->kind, FileKind::other);
  char buffer[1];
  EXPECT_FALSE((*file)->read_at(0, buffer));
}

TEST_F(PosixFilesTest, InfoFollowsLinksAndCountsThem) {
  ASSERT_TRUE(files_.open_write(directory_.path("log"), OpenMode::create_new));
  ASSERT_EQ(::symlink("log", directory_.path("symbolic").c_str()), 0);
  ASSERT_EQ(::link(directory_.path("log").c_str(), directory_.path("hard").c_str()), 0);
  EXPECT_EQ(files_.info(directory_.path("symbolic"))->inode, files_.info(directory_.path("log"))->inode);
  EXPECT_EQ(files_.info(directory_.path("log"))->links, 2U);
}

TEST_F(PosixFilesTest, OwnFilesAreNoLinksAndNoPipes) {
  ASSERT_TRUE(files_.open_write(directory_.path("log"), OpenMode::create_new));
  ASSERT_EQ(::symlink("log", directory_.path("symbolic").c_str()), 0);
  ASSERT_EQ(::mkfifo(directory_.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(files_.link_info(directory_.path("symbolic"))->kind, FileKind::symlink);
  EXPECT_TRUE(files_.link_info(directory_.path("log"))->own);
  EXPECT_TRUE(files_.open_write(directory_.path("log"), OpenMode::append_own));
  for (const char* name : {"symbolic", "pipe"}) {
    const auto opened = files_.open_write(directory_.path(name), OpenMode::append_own);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ErrorCode::permission_denied);
  }
  const int reader = ::open(directory_.path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_FALSE(files_.open_write(directory_.path("pipe"), OpenMode::append_own)) << "also when somebody reads the pipe";
  ::close(reader);
}

// Only root can give files away.
TEST_F(PosixFilesTest, FilesOfOthersAreNotOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file to another user";
  ASSERT_TRUE(files_.open_write(directory_.path("log"), OpenMode::create_new));
  ASSERT_EQ(::chown(directory_.path("log").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(files_.info(directory_.path("log"))->own);
  EXPECT_FALSE(files_.open_write(directory_.path("log"), OpenMode::append_own));
}

TEST_F(PosixFilesTest, FilesOfProcCanBeReadThoughTheySayTheyAreEmpty) {
  const auto text = read_file(files_, "/proc/self/status", 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("Name:"));
}

// /dev/full answers every write with ENOSPC.
TEST_F(PosixFilesTest, AFullDiskSaysSoAndNamesTheFile) {
  auto file = files_.open_write("/dev/full", OpenMode::append);
  ASSERT_TRUE(file);
  const std::string_view pieces[] = {"x"};
  const auto written = (*file)->append(pieces);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::disk_full);
  EXPECT_NE(written.error().cause.find("/dev/full"), std::string::npos);
  EXPECT_EQ((*file)->size(), 0U);
}

// The limit on the size of files makes the kernel write short, then refuse.
TEST_F(PosixFilesTest, AShortWriteIsContinuedAndThenCounted) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 1000;
  auto file = files_.open_write(directory_.path("log"), OpenMode::create_new);
  ASSERT_TRUE(file);
  const std::string text(600, 'x');
  const std::string_view pieces[] = {text, text};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto written = (*file)->append(pieces);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_FALSE(written);
  EXPECT_EQ((*file)->size(), 1000U);
  EXPECT_EQ(files_.info(directory_.path("log"))->size, 1000U);
}

}  // namespace
}  // namespace telltale::base
