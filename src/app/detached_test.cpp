#include "app/detached.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/testing/temp_directory.h"

namespace telltale::app {
namespace {

class Detached : public testing::Test {
 protected:
  // Runs a shell script; its output when it has ended, which is when descriptor 3 is closed everywhere.
  std::string run(const std::string& script, int nice = 0) {
    auto ready = start_detached({"/bin/sh", {"-c", script}, {"GREETING=hello"}, log, nice});
    EXPECT_TRUE(ready.has_value()) << ready.error().cause;
    said = ready ? read_all(ready->ready.get()) : "";
    pid = ready ? ready->pid : 0;
    return base::read_file(files, log, 1 << 20).value_or("");
  }
  static std::string read_all(int fd) {
    std::string all;
    char piece[256];
    for (ssize_t got = 0; (got = ::read(fd, piece, sizeof piece)) > 0;) all.append(piece, static_cast<std::size_t>(got));
    return all;
  }

  base::testing::TempDirectory folder;
  base::PosixFiles files;
  std::string log = folder.path("log");
  std::string said;
  std::int64_t pid = 0;
};

TEST_F(Detached, HasItsArgumentsEnvironmentAndLog) {
  EXPECT_EQ(run("echo $GREETING; echo error >&2; echo ready >&3"), "hello\nerror\n");
  EXPECT_EQ(said, "ready\n");
  struct stat status{};
  ASSERT_EQ(::stat(log.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Detached, InheritsNoDescriptorsButItsOwn) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // as a test runner's pipe that somebody reads to its end
  run("ls /proc/self/fd | tr '\\n' ' '");
  ::close(ends[1]);
  EXPECT_EQ(read_all(ends[0]), "");
  ::close(ends[0]);
  // 4 is ls's own, of the folder.
  EXPECT_EQ(base::read_file(files, log, 4096).value(), "0 1 2 3 4 ");
}

TEST_F(Detached, IsInASessionOfItsOwnWithoutThisParent) {
  const std::string text = run("cut -d' ' -f4,6 /proc/self/stat; cut -d' ' -f4 /proc/$$/stat");
  const std::string session = std::to_string(::getsid(0));
  EXPECT_EQ(text.find(" " + session + "\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("\n" + std::to_string(::getpid()) + "\n"), std::string::npos) << text;
}

TEST_F(Detached, ItsNumberIsKnown) {
  EXPECT_EQ(run("echo $$"), std::to_string(pid) + "\n");
}

TEST_F(Detached, IsNice) {
  const int here = ::nice(0);
  EXPECT_EQ(run("nice", 3), std::to_string(here + 3) + "\n");
}

TEST_F(Detached, IgnoresNoSignalThatThisProcessIgnores) {
  auto* before = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run("kill -PIPE $$; echo alive"), "");
  std::signal(SIGPIPE, before);
}

TEST_F(Detached, SaysWhyItCannotStart) {
  const auto missing = start_detached({folder.path("nothing"), {}, {}, log, 0});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, base::ErrorCode::file_not_found);
  EXPECT_NE(missing.error().cause.find("nothing"), std::string::npos);
  const auto unwritable = start_detached({"/bin/true", {}, {}, folder.path("no/folder/log"), 0});
  ASSERT_FALSE(unwritable.has_value());
  EXPECT_NE(unwritable.error().cause.find("no/folder/log"), std::string::npos);
}

}  // namespace
}  // namespace telltale::app
