// Follow streams over real sockets: the source's thread, the HTTP client and a scripted server.
#include "sources/follow/follow_source.h"

#include <chrono>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/follow/testing/follow_harness.h"
#include "sources/follow/testing/scripted_server.h"

namespace telltale::sources {
namespace {

using base::nanos_per_second;
using record::GapReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedHabits;
using testing::ScriptedLog;
using testing::ScriptedServer;
using testing::ScriptedTransport;
using testing::WireFormat;

constexpr std::int64_t patience_ns = 20 * nanos_per_second;

// A pipeline and a store in one that commits at once, on the thread that pushes; or takes nothing for a while.
class Collector final : public record::BlockSink, public record::BatchSink {
 public:
  FollowSource* listener = nullptr;

  record::PushOutcome try_push(record::RawBlock& block) override {
    {
      base::MutexLock lock(mutex_);
      if (full_) return record::PushOutcome::full;
      for (std::string_view rest = block.bytes; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        lines_.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      keep(*block.position);
    }
    changed_.notify_all();
    listener->on_position(*block.position);
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { wait_space(std::move(callback)); }
  record::PushOutcome try_push(record::Batch& batch) override {
    {
      base::MutexLock lock(mutex_);
      if (full_) return record::PushOutcome::full;
      if (!batch.records.empty()) gaps_.push_back(*record::read_gap(batch, batch.records[0]));
      keep(*batch.position);
    }
    changed_.notify_all();
    listener->on_position(*batch.position);
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { wait_space(std::move(callback)); }

  void set_full(bool full) TT_EXCLUDES(mutex_) {
    std::vector<std::function<void()>> waiting;
    {
      base::MutexLock lock(mutex_);
      full_ = full;
      if (!full) waiting.swap(waiting_);
    }
    for (const auto& callback : waiting) callback();
  }
  // False: they are not (only) these when the time has passed.
  bool wait_lines(std::size_t count) TT_EXCLUDES(mutex_) {
    return wait([&]() TT_REQUIRES(mutex_) { return lines_.size() >= count; });
  }
  bool wait_gaps(std::size_t count) TT_EXCLUDES(mutex_) {
    return wait([&]() TT_REQUIRES(mutex_) { return gaps_.size() >= count; });
  }
  bool wait_no_positions() TT_EXCLUDES(mutex_) {
    return wait([&]() TT_REQUIRES(mutex_) { return positions_.empty(); });
  }
  std::vector<std::string> lines() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return lines_;
  }
  std::vector<record::Gap> gaps() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return gaps_;
  }
  std::vector<record::Position> positions() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    std::vector<record::Position> all;
    for (const auto& [key, value] : positions_) all.push_back({key, value});
    return all;
  }

 private:
  template <class Reached>
  bool wait(Reached reached) TT_EXCLUDES(mutex_) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns);
    base::MutexLock lock(mutex_);
    while (!reached() && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::seconds(1));
    return reached();
  }
  void keep(const record::Position& position) TT_REQUIRES(mutex_) {
    if (position.value.empty())
      positions_.erase(position.key);
    else
      positions_[position.key] = position.value;
  }
  void wait_space(std::function<void()> callback) TT_EXCLUDES(mutex_) {
    {
      base::MutexLock lock(mutex_);
      if (full_) return waiting_.push_back(std::move(callback));
    }
    callback();
  }

  mutable base::Mutex mutex_;
  base::Condition changed_;
  std::vector<std::string> lines_ TT_GUARDED_BY(mutex_);
  std::vector<record::Gap> gaps_ TT_GUARDED_BY(mutex_);
  std::map<std::string, std::string> positions_ TT_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> waiting_ TT_GUARDED_BY(mutex_);
  bool full_ TT_GUARDED_BY(mutex_) = false;
};

class FollowSourceTest : public ::testing::Test {
 protected:
  FollowSourceTest() {
    options.kind = "scripted";
    options.retry_least_ns = base::nanos_per_millisecond;
    options.retry_most_ns = 20 * base::nanos_per_millisecond;
  }
  void start() {
    source = std::make_unique<FollowSource>(options, FollowSourcePorts{clock, collector, collector, random, hasher, metrics},
                                            collector.positions());
    collector.listener = source.get();
    ASSERT_TRUE(source->start());
  }
  void follow(const std::string& name, WireFormat format = WireFormat::lines) {
    FollowTarget target;
    target.key = "scripted:" + name;
    target.stream = record::make_stream(record::Labels({{"service", name}, {"source", "scripted"}}));
    target.transport = std::make_shared<ScriptedTransport>(*client, server.port(), name, format);
    source->follow(std::move(target));
  }
  void restart() {
    source->stop();
    start();
  }
  void TearDown() override {
    if (source) source->stop();
  }
  std::vector<std::string> numbered(int from, int to) const {
    std::vector<std::string> lines;
    for (int i = from; i < to; ++i) lines.push_back(fmt::format("line {}", i));
    return lines;
  }
  void write(ScriptedLog& log, int from, int to) {
    for (int i = from; i < to; ++i) log.write(clock.wall(), fmt::format("line {}", i));
  }

  base::SystemClock clock;
  ScriptedServer server;
  std::unique_ptr<net::StreamClient> client = net::StreamClient::create();
  Collector collector;
  testing::SeededRandom random;
  base::KeyedHasher hasher{"key"};
  telemetry::Metrics metrics;
  FollowOptions options;
  std::unique_ptr<FollowSource> source;
};

TEST_F(FollowSourceTest, FollowsOverCutsAtAnyByteAndRestarts) {
  for (const WireFormat format : {WireFormat::lines, WireFormat::frames}) {
    const std::string name = format == WireFormat::lines ? "a" : "b";
    ScriptedLog& log = server.log(name, ScriptedHabits{.format = format});
    const std::size_t before = collector.lines().size();
    start();
    int n = 0;
    for (int round = 0; round < 40; ++round) {
      write(log, n, n + 5);
      n += 5;
      server.cut_next_after(static_cast<std::size_t>(1 + round * 17));
      follow(name, format);
      if (round % 8 == 7) restart();
      server.cut();
    }
    follow(name, format);
    ASSERT_TRUE(collector.wait_lines(before + static_cast<std::size_t>(n)));
    EXPECT_TRUE(source->barrier(patience_ns).complete);
    auto lines = collector.lines();
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
    EXPECT_EQ(lines, numbered(0, n));
    EXPECT_THAT(collector.gaps(), IsEmpty());
    source->stop();
  }
}

TEST_F(FollowSourceTest, SmallPiecesAndAStallAreNoTrouble) {
  ScriptedLog& log = server.log("a");
  server.send_pieces(1);
  start();
  follow("a");
  write(log, 0, 20);
  ASSERT_TRUE(collector.wait_lines(20));
  server.stall(true);
  write(log, 20, 30);
  server.stall(false);
  ASSERT_TRUE(collector.wait_lines(30));
  EXPECT_EQ(collector.lines(), numbered(0, 30));
}

TEST_F(FollowSourceTest, ABarrierCoversWhatTheServerHas) {
  ScriptedLog& log = server.log("a");
  start();
  follow("a");
  for (int n = 0; n < 2000; n += 100) {
    write(log, n, n + 100);
    const BarrierReport report = source->barrier(patience_ns);
    EXPECT_TRUE(report.complete) << ::testing::PrintToString(report.missing);
    EXPECT_EQ(collector.lines().size(), static_cast<std::size_t>(n + 100));
  }
}

TEST_F(FollowSourceTest, ABarrierNamesTheServerThatCannotBeAsked) {
  server.refuse(true);
  start();
  follow("a");
  const BarrierReport report = source->barrier(patience_ns);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.missing.size(), 1u);
  EXPECT_THAT(report.missing[0], HasSubstr("scripted:a: 127.0.0.1"));
}

TEST_F(FollowSourceTest, HealthNamesWhatIsAwayAndRecovers) {
  server.refuse(true);
  ScriptedLog& log = server.log("a");
  start();
  follow("a");
  while (source->health().detail.find("127.0.0.1") == std::string::npos) std::this_thread::yield();
  EXPECT_FALSE(source->health().healthy);
  EXPECT_THAT(source->health().detail, HasSubstr("scripted:a: "));
  server.refuse(false);
  write(log, 0, 1);
  ASSERT_TRUE(collector.wait_lines(1));
  EXPECT_TRUE(source->barrier(patience_ns).complete);
  EXPECT_TRUE(source->health().healthy) << source->health().detail;
  EXPECT_THAT(metrics.prometheus_text(), HasSubstr("telltale_source_reconnects_total"));
}

// Chaos case: a full sink. The socket is not read, memory stays bounded, and when there is room again all is there.
TEST_F(FollowSourceTest, AFullSinkLosesNothing) {
  ScriptedLog& log = server.log("a");
  options.input_bytes = 64 * 1024;
  options.pause_ns = 3600 * nanos_per_second;
  start();
  follow("a");
  collector.set_full(true);
  const std::string padding(200, '.');
  constexpr int count = 100'000;  // 25 MB, more than all buffers
  for (int i = 0; i < count; ++i) log.write(clock.wall(), fmt::format("{}{}", i, padding));
  while (source->health().lag_bytes < options.input_bytes) std::this_thread::yield();
  EXPECT_LT(source->health().lag_bytes, 1024u * 1024);
  collector.set_full(false);
  ASSERT_TRUE(collector.wait_lines(count));
  const auto lines = collector.lines();
  for (int i = 0; i < count; ++i) ASSERT_EQ(lines[static_cast<std::size_t>(i)], fmt::format("{}{}", i, padding));
}

TEST_F(FollowSourceTest, RestartRotationAndTheEndOfAnInstance) {
  ScriptedLog& log = server.log("a");
  options.held_ns = 200 * base::nanos_per_millisecond;
  start();
  follow("a");
  write(log, 0, 10);
  ASSERT_TRUE(collector.wait_lines(10));
  server.refuse(true);
  server.cut();
  write(log, 10, 12);
  log.restart();
  write(log, 12, 15);
  server.refuse(false);
  ASSERT_TRUE(collector.wait_lines(15));
  EXPECT_THAT(collector.gaps(), IsEmpty());
  EXPECT_TRUE(source->barrier(patience_ns).complete);
  server.refuse(true);
  server.cut();
  write(log, 15, 16);
  log.write(clock.wall(), "after");
  log.rotate(1);
  server.refuse(false);
  ASSERT_TRUE(collector.wait_lines(16));
  ASSERT_TRUE(collector.wait_gaps(1));
  EXPECT_EQ(collector.gaps()[0].reason, GapReason::rotated_away);
  EXPECT_EQ(collector.lines().back(), "after");
}

TEST_F(FollowSourceTest, WhatIsGoneIsForgotten) {
  ScriptedLog& log = server.log("a");
  start();
  follow("a");
  write(log, 0, 3);
  ASSERT_TRUE(collector.wait_lines(3));
  EXPECT_FALSE(collector.positions().empty());
  log.end();
  log.remove();
  EXPECT_TRUE(collector.wait_no_positions());
}

TEST_F(FollowSourceTest, CursorsThatNobodyClaimsAreForgottenAfterAWhile) {
  ScriptedLog& log = server.log("a");
  start();
  follow("a");
  write(log, 0, 3);
  ASSERT_TRUE(collector.wait_lines(3));
  source->stop();
  EXPECT_FALSE(collector.positions().empty());
  options.keep_unclaimed_ns = -nanos_per_second;
  start();
  EXPECT_TRUE(collector.wait_no_positions());
}

}  // namespace
}  // namespace telltale::sources
