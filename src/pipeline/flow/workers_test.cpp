#include "pipeline/flow/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>

#include "base/testing/manual_clock.h"

namespace telltale::pipeline {
namespace {

using base::PushOutcome;
using record::Batch;
using record::RawBlock;
using testing::ElementsAre;

// Holds what it is given; says `full` while it is shut and `closed` when it is closed.
class TestSink final : public record::BatchSink {
 public:
  PushOutcome try_push(Batch& batch) override {
    base::MutexLock lock(mutex_);
    ++tries_;
    changed_.notify_all();
    if (closed_) return PushOutcome::closed;
    if (shut_) return PushOutcome::full;
    batches_.push_back(std::move(batch));
    return PushOutcome::accepted;
  }

  void on_space(std::function<void()> callback) override {
    {
      base::MutexLock lock(mutex_);
      if (shut_ && !closed_) {
        waiting_.push_back(std::move(callback));
        return;
      }
    }
    callback();
  }

  void shut() {
    base::MutexLock lock(mutex_);
    shut_ = true;
  }
  void open() {
    change([this]() TT_NO_THREAD_SAFETY_ANALYSIS { shut_ = false; });
  }
  void close() {
    change([this]() TT_NO_THREAD_SAFETY_ANALYSIS { closed_ = true; });
  }

  void wait_for_tries(int count) {
    base::MutexLock lock(mutex_);
    while (tries_ < count) changed_.wait(mutex_);
  }
  void wait_for_batches(std::size_t count) {
    base::MutexLock lock(mutex_);
    while (batches_.size() < count) changed_.wait(mutex_);
  }
  std::vector<Batch> take() {
    base::MutexLock lock(mutex_);
    return std::move(batches_);
  }

 private:
  template <class Change>
  void change(Change&& what) {
    std::vector<std::function<void()>> callbacks;
    {
      base::MutexLock lock(mutex_);
      what();
      callbacks.swap(waiting_);
    }
    for (auto& callback : callbacks) callback();
  }

  base::Mutex mutex_;
  base::Condition changed_;
  bool shut_ TT_GUARDED_BY(mutex_) = false;
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  int tries_ TT_GUARDED_BY(mutex_) = 0;
  std::vector<Batch> batches_ TT_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> waiting_ TT_GUARDED_BY(mutex_);
};

record::StreamRef stream(const std::string& service) {
  return record::make_stream(record::Labels({{"service", service}}));
}

RawBlock block(const record::StreamRef& of, std::string bytes, const std::string& position = "") {
  RawBlock result;
  result.stream = of;
  result.raw_to = bytes.size();
  result.bytes = std::move(bytes);
  result.observed_time = 1'700'000'000 * base::nanos_per_second;
  if (!position.empty()) result.position = record::Position{of->labels.get("service").data(), position};
  return result;
}

class WorkersTest : public testing::Test {
 protected:
  std::unique_ptr<Workers> start(WorkersOptions options = {.threads = 2}) {
    return std::make_unique<Workers>(options, stages_, sink_, clock_, metrics_);
  }
  std::uint64_t counted(const char* name) { return metrics_.counter(name, "").value(); }

  base::KeyedHasher hasher_{"key"};
  Stages stages_{nullptr, &hasher_, {}};
  base::testing::ManualClock clock_;
  telemetry::Metrics metrics_;
  TestSink sink_;
};

TEST_F(WorkersTest, ParseBlocksAndKeepTheOrderOfEachStream) {
  constexpr int streams = 20;
  constexpr int blocks = 50;
  auto workers = start({.threads = 3});
  std::vector<record::StreamRef> all;
  for (int s = 0; s < streams; ++s) all.push_back(stream("s" + std::to_string(s)));
  for (int b = 0; b < blocks; ++b) {
    for (const auto& of : all) {
      RawBlock next = block(of, "{\"msg\":\"m\",\"n\":" + std::to_string(b) + "}\nplain\n", std::to_string(b));
      ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
    }
  }
  workers->stop();
  std::map<std::string, int> next_of;
  for (const Batch& batch : sink_.take()) {
    ASSERT_EQ(batch.records.size(), 2u);
    const int expected = next_of[std::string(batch.stream->labels.get("service"))]++;
    EXPECT_EQ(batch.attributes_of(batch.records[0])[0].integer, expected);
    EXPECT_EQ(batch.position->value, std::to_string(expected));
  }
  EXPECT_EQ(next_of.size(), static_cast<std::size_t>(streams));
  for (const auto& [service, count] : next_of) EXPECT_EQ(count, blocks) << service;
  EXPECT_EQ(counted("telltale_pipeline_lines_total"), 2u * streams * blocks);
  EXPECT_EQ(counted("telltale_pipeline_batches_total"), 1u * streams * blocks);
}

TEST_F(WorkersTest, CarryTheRawRangeAndItsHash) {
  auto workers = start();
  const std::string bytes = "one\ntwo\r\n";
  RawBlock next = block(stream("a"), bytes);
  next.raw_from = 100;
  next.raw_to = 109;
  next.first_source_line = 12;
  ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  workers->stop();
  const std::vector<Batch> batches = sink_.take();
  ASSERT_EQ(batches.size(), 1u);
  ASSERT_TRUE(batches[0].raw);
  EXPECT_EQ(batches[0].raw->from, 100u);
  EXPECT_EQ(batches[0].raw->to, 109u);
  EXPECT_EQ(batches[0].raw->hash, hasher_(bytes));
  EXPECT_EQ(batches[0].first_source_line, 12u);
}

TEST_F(WorkersTest, PassOnABlockThatIsOnlyAPosition) {
  auto workers = start();
  RawBlock next = block(stream("a"), "", "here");
  ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  workers->stop();
  const std::vector<Batch> batches = sink_.take();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_TRUE(batches[0].records.empty());
  EXPECT_EQ(batches[0].position->value, "here");
}

TEST_F(WorkersTest, SayFullWhenTheSinkIsFullAndGoOnWhenItIsNot) {
  sink_.shut();
  auto workers = start({.threads = 1, .queue_bytes = 4096});
  const auto of = stream("a");
  int accepted = 0;
  RawBlock refused;
  while (true) {
    refused = block(of, std::to_string(accepted) + std::string(1000, 'x') + "\n");
    if (workers->try_push(refused) != PushOutcome::accepted) break;
    ++accepted;
    // Until the worker has taken the first block and stands before the full sink, the queue may still empty itself.
    if (accepted == 1) sink_.wait_for_tries(1);
  }
  EXPECT_GE(accepted, 2);
  EXPECT_LE(accepted, 6);
  EXPECT_EQ(refused.bytes.size(), 1000u + std::to_string(accepted).size() + 1);

  base::Mutex mutex;
  base::Condition called;
  bool space = false;
  workers->on_space(of->id, [&] {
    base::MutexLock lock(mutex);
    space = true;
    called.notify_all();
  });
  sink_.open();
  {
    base::MutexLock lock(mutex);
    while (!space) called.wait(mutex);
  }
  EXPECT_EQ(workers->try_push(refused), PushOutcome::accepted);
  workers->stop();
  EXPECT_EQ(sink_.take().size(), static_cast<std::size_t>(accepted) + 1);
}

TEST_F(WorkersTest, StopBringsWhatWasAcceptedToTheSink) {
  sink_.shut();
  auto workers = start({.threads = 1});
  for (int i = 0; i < 10; ++i) {
    RawBlock next = block(stream("a"), "x\n");
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  }
  sink_.wait_for_tries(1);
  std::jthread stopper([&] { workers->stop(); });
  sink_.open();
  stopper.join();
  EXPECT_EQ(sink_.take().size(), 10u);
  RawBlock late = block(stream("a"), "x\n");
  EXPECT_EQ(workers->try_push(late), PushOutcome::closed);
  EXPECT_EQ(late.bytes, "x\n");
}

TEST_F(WorkersTest, StopDoesNotHangOnAClosedSink) {
  sink_.shut();
  auto workers = start({.threads = 1});
  for (int i = 0; i < 3; ++i) {
    RawBlock next = block(stream("a"), "x\n");
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  }
  sink_.wait_for_tries(1);
  sink_.close();
  workers->stop();
  EXPECT_TRUE(sink_.take().empty());
  EXPECT_EQ(counted("telltale_pipeline_batches_refused_total"), 3u);
}

TEST_F(WorkersTest, ForgetStreamsBeyondTheLimitWithoutLosingLines) {
  auto workers = start({.threads = 1, .max_streams = 16});
  for (int i = 0; i < 500; ++i) {
    clock_.advance(1);
    RawBlock next = block(stream("s" + std::to_string(i % 100)), "x\n");
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  }
  telemetry::Gauge& remembered = metrics_.gauge("telltale_pipeline_streams", "");
  sink_.wait_for_batches(500);
  EXPECT_LE(remembered.value(), 16);
  EXPECT_GT(remembered.value(), 0);
  workers->stop();
  EXPECT_EQ(remembered.value(), 0);
}

TEST_F(WorkersTest, ForgetStreamsThatWereIdle) {
  auto workers = start({.threads = 1});
  const auto push = [&](const std::string& service) {
    RawBlock next = block(stream(service), "x\n");
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  };
  for (int i = 0; i < 10; ++i) push("s" + std::to_string(i));
  sink_.wait_for_batches(10);
  clock_.advance(std::chrono::nanoseconds(std::chrono::minutes(11)).count());
  push("other");
  push("other");
  sink_.wait_for_batches(12);
  EXPECT_EQ(metrics_.gauge("telltale_pipeline_streams", "").value(), 1);
  workers->stop();
}

TEST_F(WorkersTest, CountTruncatedAndInvalidLines) {
  auto workers = start();
  RawBlock cut = block(stream("a"), "x");
  cut.truncated = true;
  RawBlock invalid = block(stream("a"), "level=error msg=\xff\n");
  ASSERT_EQ(workers->try_push(cut), PushOutcome::accepted);
  ASSERT_EQ(workers->try_push(invalid), PushOutcome::accepted);
  workers->stop();
  EXPECT_EQ(counted("telltale_pipeline_lines_truncated_total"), 1u);
  EXPECT_EQ(counted("telltale_pipeline_lines_invalid_utf8_total"), 1u);
  EXPECT_EQ(counted("telltale_pipeline_errors_total"), 1u);
  EXPECT_EQ(counted("telltale_pipeline_bytes_total"), 19u);
}

const char* const trace_begin = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n";

TEST_F(WorkersTest, LinesThatWaitGoOnWhenTheirTimeIsOver) {
  auto workers = start({.threads = 1});
  RawBlock waiting = block(stream("a"), trace_begin);
  RawBlock complete = block(stream("b"), "x\n");
  ASSERT_EQ(workers->try_push(waiting), PushOutcome::accepted);
  ASSERT_EQ(workers->try_push(complete), PushOutcome::accepted);
  sink_.wait_for_batches(1);
  EXPECT_EQ(sink_.take()[0].stream->labels.get("service"), "b");
  clock_.advance(std::chrono::nanoseconds(stages_.join_wait).count() - 1);
  RawBlock more = block(stream("b"), "y\n");
  ASSERT_EQ(workers->try_push(more), PushOutcome::accepted);
  sink_.wait_for_batches(1);
  EXPECT_EQ(sink_.take()[0].stream->labels.get("service"), "b");
  clock_.advance(1);
  sink_.wait_for_batches(1);
  const std::vector<Batch> batches = sink_.take();
  EXPECT_EQ(batches[0].stream->labels.get("service"), "a");
  EXPECT_EQ(batches[0].records[0].source_lines, 2u);
}

TEST_F(WorkersTest, AFlushEndsTheWaitingOfAllThatWasAccepted) {
  auto workers = start({.threads = 2});
  for (int i = 0; i < 20; ++i) {
    RawBlock next = block(stream("s" + std::to_string(i)), trace_begin);
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  }
  workers->flush();
  sink_.wait_for_batches(20);
  for (const Batch& batch : sink_.take()) EXPECT_EQ(batch.records.size(), 1u);
}

TEST_F(WorkersTest, StopBringsLinesThatWaitToTheSink) {
  auto workers = start({.threads = 1});
  RawBlock waiting = block(stream("a"), trace_begin, "here");
  waiting.position.reset();
  ASSERT_EQ(workers->try_push(waiting), PushOutcome::accepted);
  workers->stop();
  const std::vector<Batch> batches = sink_.take();
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].records[0].source_lines, 2u);
}

TEST_F(WorkersTest, ForgettingAStreamLosesNoLinesThatWait) {
  auto workers = start({.threads = 1, .max_streams = 8});
  for (int i = 0; i < 100; ++i) {
    clock_.advance(1);
    RawBlock next = block(stream("s" + std::to_string(i)), trace_begin);
    ASSERT_EQ(workers->try_push(next), PushOutcome::accepted);
  }
  workers->stop();
  EXPECT_EQ(sink_.take().size(), 100u);
}

}  // namespace
}  // namespace telltale::pipeline
