// Whose files are followed: of runs that this machine's clients began, for as long as they are open.
#include "app/run_watches.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "sources/testing/committing_sink.h"

namespace telltale::app {
namespace {

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

class RunWatchesTest : public ::testing::Test {
 protected:
  RunWatchesTest() {
    source_ = std::make_unique<sources::FileSource>(
        std::vector<config::FileSource>(), sources::FileSourceOptions(),
        sources::FileSourcePorts{files_, clock_, *watcher_, sink_, sink_, hasher_, metrics_, {}}, std::vector<record::Position>());
    sink_.listener = source_.get();
    watches_ = std::make_unique<RunWatches>(*source_);
  }
  void SetUp() override { ASSERT_TRUE(source_->start()); }

  runs::Run run(bool remote) const {
    runs::Run run;
    run.id = "r1";
    run.remote = remote;
    run.services = {{"api", {folder_.path("*.log")}, {}, {}}};
    return run;
  }
  // What is read of it.
  std::string append(const std::string& text) {
    std::ofstream(folder_.path("a.log"), std::ios::app) << text;
    EXPECT_TRUE(source_->barrier(long_time).complete);
    return sink_.text();
  }

  base::testing::TempDirectory folder_;
  base::PosixFiles files_;
  base::SystemClock clock_;
  telemetry::Metrics metrics_;
  base::KeyedHasher hasher_{"key"};
  sources::testing::CommittingSink sink_;
  std::unique_ptr<sources::Watcher> watcher_ = std::move(*sources::make_inotify_watcher());
  std::unique_ptr<sources::FileSource> source_;
  std::unique_ptr<RunWatches> watches_;
};

TEST_F(RunWatchesTest, FollowsFilesWhileTheRunIsOpen) {
  watches_->on_run_started(run(false), false);
  EXPECT_EQ(append("one\n"), "one\n");
  watches_->on_run_finished(run(false));
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(append("two\n"), "one\n");
}

TEST_F(RunWatchesTest, ClientsOfOtherMachinesNameNoFilesOfThisOne) {
  const runs::Run remote = run(true);
  watches_->on_run_started(remote, false);
  watches_->on_watch(remote, remote.services, "");
  watches_->on_run_started(remote, true);
  EXPECT_EQ(append("one\n"), "");
  watches_->on_run_started(run(false), false);
  EXPECT_EQ(append("two\n"), "two\n") << "the same from this machine is followed, from the end on";
}

}  // namespace
}  // namespace telltale::app
