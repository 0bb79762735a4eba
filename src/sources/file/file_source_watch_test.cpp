// Watches that callers ask for while the reader runs: against real inotify.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "sources/file/file_source.h"
#include "sources/testing/committing_sink.h"

namespace telltale::sources {
namespace {

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

class FileSourceWatch : public ::testing::Test {
 protected:
  FileSourceWatch() {
    FileSourceOptions options;
    options.sweep_interval_ns = long_time;  // what is seen is seen by events
    source_ = std::make_unique<FileSource>(std::vector<config::FileSource>(), options,
                                           FileSourcePorts{files_, clock_, *watcher_, sink_, sink_, hasher_, metrics_, {}},
                                           std::vector<record::Position>());
    sink_.listener = source_.get();
  }
  void append(std::string_view name, std::string_view text) { std::ofstream(folder_.path(name), std::ios::app) << text; }
  base::Result<Watched> watch(std::string_view pattern, std::int64_t timeout_ns = long_time) {
    config::FileSource wanted;
    wanted.paths = {folder_.path(pattern)};
    wanted.start = "end";
    return source_->watch(std::move(wanted), false, timeout_ns);
  }

  base::testing::TempDirectory folder_;
  base::PosixFiles files_;
  base::SystemClock clock_;
  telemetry::Metrics metrics_;
  base::KeyedHasher hasher_{"key"};
  testing::CommittingSink sink_;
  std::unique_ptr<Watcher> watcher_ = std::move(*make_inotify_watcher());
  std::unique_ptr<FileSource> source_;
};

TEST_F(FileSourceWatch, IsEffectiveWhenItReturns) {
  ASSERT_TRUE(source_->start());
  append("a.log", "before\n");
  const auto watched = watch("*.log");
  ASSERT_TRUE(watched && watched->effective);
  append("a.log", "one\n");
  append("b.log", "two\n");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_THAT(sink_.text(), ::testing::AnyOf("one\ntwo\n", "two\none\n"));
}

TEST_F(FileSourceWatch, EndsWithTheLastWhoAskedForIt) {
  ASSERT_TRUE(source_->start());
  const auto first = watch("*.log");
  const auto second = watch("*.log");
  ASSERT_TRUE(first && second && second->effective);
  source_->unwatch(first->id);
  source_->unwatch(first->id);  // once counts
  append("a.log", "one\n");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(sink_.text(), "one\n");
  append("a.log", "two\n");
  source_->unwatch(second->id);
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(sink_.text(), "one\ntwo\n") << "what was there when it was let go is read";
  append("a.log", "three\n");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(source_->health().streams, 0u);
  EXPECT_EQ(sink_.text(), "one\ntwo\n");
}

TEST_F(FileSourceWatch, ManyAtOnceAreOne) {
  ASSERT_TRUE(source_->start());
  std::vector<std::jthread> callers;
  std::atomic<int> effective{0};
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        const auto watched = watch(i % 2 == 0 ? "*.log" : "a.*");
        if (watched && watched->effective) ++effective;
        if (watched) source_->unwatch(watched->id);
      }
    });
  }
  callers.clear();
  EXPECT_EQ(effective, 160);
  ASSERT_TRUE(watch("*.log"));
  append("a.log", "one\n");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(sink_.text(), "one\n");
}

TEST_F(FileSourceWatch, WhatCannotBeWatchedIsAnError) {
  EXPECT_EQ(watch("*.log").error().code, base::ErrorCode::cancelled) << "it does not run yet";
  ASSERT_TRUE(source_->start());
  EXPECT_EQ(watch("a**b/*").error().code, base::ErrorCode::source_invalid);
  EXPECT_EQ(source_->watch({}, false, long_time).error().code, base::ErrorCode::source_invalid);
  EXPECT_TRUE(watch("*.log")) << "the one before left nothing behind";
  source_->stop();
  EXPECT_EQ(watch("*.log").error().code, base::ErrorCode::cancelled);
}

TEST_F(FileSourceWatch, ReturnsWhenTheTimeIsOver) {
  ASSERT_TRUE(source_->start());
  const auto watched = watch("*.log", 0);
  ASSERT_TRUE(watched);
  EXPECT_TRUE(source_->barrier(long_time).complete);
  append("a.log", "one\n");
  EXPECT_TRUE(source_->barrier(long_time).complete);
  EXPECT_EQ(sink_.text(), "one\n") << "it became effective all the same";
}

}  // namespace
}  // namespace telltale::sources
