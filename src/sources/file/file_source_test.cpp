// The thread, the events, the barrier: against real inotify.
#include "sources/file/file_source.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "record/gap.h"
#include "sources/testing/committing_sink.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

class FileSourceTest : public ::testing::Test {
 protected:
  void start(const std::string& pattern) {
    configured_.name = "logs";
    configured_.paths = {folder_.path(pattern)};
    watcher_ = std::move(*make_inotify_watcher());
    options_.sweep_interval_ns = long_time;  // what is seen is seen by events
    source_ = std::make_unique<FileSource>(std::vector{configured_}, options_,
                                           FileSourcePorts{files_, clock_, *watcher_, sink_, sink_, hasher_, metrics_, {}},
                                           std::vector<record::Position>());
    sink_.listener = source_.get();
    ASSERT_TRUE(source_->start());
  }
  void append(std::string_view name, std::string_view text) { std::ofstream(folder_.path(name), std::ios::app) << text; }

  base::testing::TempDirectory folder_;
  base::PosixFiles files_;
  base::SystemClock clock_;
  telemetry::Metrics metrics_;
  base::KeyedHasher hasher_{"key"};
  config::FileSource configured_;
  FileSourceOptions options_;
  testing::CommittingSink sink_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<FileSource> source_;
};

TEST_F(FileSourceTest, EventsBringLinesWithoutASweep) {
  start("*.log");
  ASSERT_TRUE(source_->barrier(long_time).complete);
  append("a.log", "one\n");
  EXPECT_TRUE(sink_.wait_for("one\n", long_time));
  append("a.log", "two\n");
  EXPECT_TRUE(sink_.wait_for("one\ntwo\n", long_time));
  std::filesystem::rename(folder_.path("a.log"), folder_.path("a.log.1"));
  append("a.log", "three\n");
  EXPECT_TRUE(sink_.wait_for("one\ntwo\nthree\n", long_time));
}

TEST_F(FileSourceTest, EventsOfFoldersThatAreMadeLater) {
  start("**/*.log");
  ASSERT_TRUE(source_->barrier(long_time).complete);
  std::filesystem::create_directories(folder_.path("x/y"));
  append("x/y/a.log", "one\n");
  EXPECT_TRUE(sink_.wait_for("one\n", long_time));
}

TEST_F(FileSourceTest, WritesToALinksTargetAreSeen) {
  std::filesystem::create_directory(folder_.path("real"));
  append("real/out", "one\n");
  std::filesystem::create_symlink(folder_.path("real/out"), folder_.path("link.log"));
  start("*.log");
  EXPECT_TRUE(sink_.wait_for("one\n", long_time));
  append("real/out", "two\n");
  EXPECT_TRUE(sink_.wait_for("one\ntwo\n", long_time));
}

TEST_F(FileSourceTest, BarrierReturnsWhenAllThatExistedIsCommitted) {
  append("a.log", "one\n");
  start("*.log");
  sink_.hold();
  append("a.log", "two\nunfinished");
  const auto early = source_->barrier(50 * base::nanos_per_millisecond);
  EXPECT_FALSE(early.complete);
  ASSERT_THAT(early.missing, SizeIs(1));
  EXPECT_THAT(early.missing[0], HasSubstr(folder_.path("a.log")));
  std::thread later([&] { sink_.release(); });
  EXPECT_TRUE(source_->barrier(long_time).complete);
  later.join();
  EXPECT_EQ(sink_.text(), "one\ntwo\n");
}

TEST_F(FileSourceTest, ManyBarriersAtOnce) {
  start("*.log");
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        const std::string line = "line " + std::to_string(i) + " " + std::to_string(n) + "\n";
        append(std::to_string(i) + ".log", line);
        EXPECT_TRUE(source_->barrier(long_time).complete);
        EXPECT_THAT(sink_.text(), HasSubstr(line));
      }
    });
  }
  for (auto& caller : callers) caller.join();
}

TEST_F(FileSourceTest, HealthNamesWhatCannotBeReadAndTheRemedy) {
  std::filesystem::create_directory(folder_.path("app.log"));
  start("app.log");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  const auto health = source_->health();
  EXPECT_FALSE(health.healthy);
  EXPECT_THAT(health.detail, HasSubstr("is a folder"));
  EXPECT_THAT(health.detail, HasSubstr("*.log"));
}

TEST_F(FileSourceTest, AWrongPatternRefusesToStart) {
  configured_.paths = {"/var/a**/x"};
  watcher_ = make_sleeping_watcher();
  FileSource source({configured_}, options_, FileSourcePorts{files_, clock_, *watcher_, sink_, sink_, hasher_, metrics_, {}}, {});
  const auto started = source.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, base::ErrorCode::source_invalid);
}

TEST_F(FileSourceTest, StopsWhileFilesGrow) {
  start("*.log");
  std::jthread writer([&](std::stop_token stop) {
    while (!stop.stop_requested()) append("a.log", "line\n");
  });
  EXPECT_TRUE(source_->barrier(long_time).complete);
  source_->stop();
  EXPECT_FALSE(source_->barrier(long_time).complete) << "a stopped source promises nothing";
}

}  // namespace
}  // namespace telltale::sources
