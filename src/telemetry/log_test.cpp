#include "telemetry/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "base/text.h"
#include "telemetry/log_format.h"

namespace telltale::telemetry {
namespace {

constexpr base::UnixNanos time_of_test = 1'700'000'000'123'456'789;

TEST(LogFormat, HasTimeLevelPartAndText) {
  EXPECT_EQ(format_log_line(time_of_test, LogLevel::warning, "store", "disk is full"),
            "2023-11-14T22:13:20.123Z WARNING store: disk is full\n");
}

TEST(LogFormat, IsOneLineWhateverTheText) {
  const std::string line = format_log_line(time_of_test, LogLevel::error, "x", "a\nb\x1b[31m");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(LogFormat, CutsWhatAPipeDoesNotTakeInOnePiece) {
  std::string text;
  while (text.size() < 10'000) text += "ü";
  const std::string line = format_log_line(time_of_test, LogLevel::info, "x", text);
  EXPECT_LE(line.size(), max_log_line);
  EXPECT_TRUE(line.ends_with("...\n"));
  EXPECT_TRUE(base::is_valid_utf8(line));
}

TEST(Log, WritesWhatTheLevelLetsThrough) {
  ASSERT_TRUE(set_log_level("warning"));
  testing::internal::CaptureStderr();
  log(LogLevel::info, "part", "hidden {}", 1);
  log(LogLevel::error, "part", "shown {}", 2);
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("hidden"), std::string::npos);
  EXPECT_NE(written.find(" ERROR part: shown 2\n"), std::string::npos);
  EXPECT_FALSE(set_log_level("loud"));
  ASSERT_TRUE(set_log_level("OFF"));
  EXPECT_FALSE(log_enabled(LogLevel::error));
  set_log_level(LogLevel::info);
}

TEST(Log, LinesOfManyThreadsStayWhole) {
  testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) log(LogLevel::info, "part", "{:x>100}", "");
      });
    }
  }
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 400);
  EXPECT_EQ(written.size() % 400, 0U);
}

// Standard error as a pipe that nobody reads.
class UnreadStandardError {
 public:
  UnreadStandardError() : saved_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    ::dup2(pipe_[1], STDERR_FILENO);
  }
  ~UnreadStandardError() {
    ::dup2(saved_, STDERR_FILENO);
    for (const int file : {saved_, pipe_[0], pipe_[1]}) ::close(file);
  }
  std::string read_all() {
    ::fcntl(pipe_[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  int saved_;
  int pipe_[2] = {-1, -1};
};

TEST(Log, NeverWaitsForWhoReadsItAndSaysWhatWasLost) {
  std::string before;
  std::string after;
  {
    UnreadStandardError standard_error;
    const std::string text(3000, 'x');
    for (int i = 0; i < 100; ++i) log_line(LogLevel::info, "part", text);
    before = standard_error.read_all();
    log_line(LogLevel::info, "part", "again");
    after = standard_error.read_all();
  }
  const auto kept = std::count(before.begin(), before.end(), '\n');
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, 100);
  EXPECT_NE(after.find(fmt::format("log: {} lines were lost here", 100 - kept)), std::string::npos) << after;
  EXPECT_NE(after.find("part: again\n"), std::string::npos);
}

}  // namespace
}  // namespace telltale::telemetry
