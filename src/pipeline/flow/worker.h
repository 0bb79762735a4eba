// One thread of Workers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "base/byte_queue.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "pipeline/flow/pipeline.h"
#include "pipeline/flow/workers.h"
#include "record/ports.h"

namespace telltale::pipeline {

// What several threads count together.
struct WorkerCounters {
  telemetry::Counter& refused;  // batches that the sink did not take because it is closed
  telemetry::Gauge& streams;    // that are remembered
};

class Workers::Worker {
 public:
  Worker(const WorkersOptions& options, const Stages& stages, PipelineMetrics& metrics, WorkerCounters counters, record::BatchSink& out,
         base::Clock& clock);

  base::PushOutcome try_push(record::RawBlock& block);
  void on_space(std::function<void()> callback) { queue_.on_space(std::move(callback)); }
  // Lines of all blocks accepted so far stop waiting.
  void flush();
  // No more blocks; run() ends when those inside are done.
  void close() { queue_.close(); }
  std::size_t queued_bytes() const { return queue_.bytes(); }
  // The thread's body.
  void run();

 private:
  struct StreamState {
    Pipeline pipeline;
    base::MonoNanos last_used = 0;
  };

  // A stream that has lines which wait, and until when they may.
  struct Waiting {
    base::MonoNanos until = 0;
    record::StreamId id;
  };

  static std::size_t cost(const record::RawBlock& block);
  void process(record::RawBlock&& block);
  std::chrono::nanoseconds time_to_wait() const;
  void flush_due(base::MonoNanos now);
  void flush_all();
  void flush_lines(Pipeline& pipeline);
  StreamState& state_of(const record::StreamId& id);
  void deliver_ready() TT_EXCLUDES(mutex_);
  void deliver(record::Batch& batch) TT_EXCLUDES(mutex_);
  void wait_for_space() TT_EXCLUDES(mutex_);
  void forget_idle(base::MonoNanos idle_since);
  void forget_oldest();

  const WorkersOptions options_;
  const Stages& stages_;
  PipelineMetrics& metrics_;
  WorkerCounters counters_;
  record::BatchSink& out_;
  base::Clock& clock_;
  base::ByteQueue<record::RawBlock> queue_;
  std::atomic<std::uint64_t> accepted_{0};     // blocks
  std::atomic<std::uint64_t> flush_until_{0};  // lines of the first so many blocks do not wait

  // Of the thread alone. The scratch comes first: the pipelines use it.
  std::optional<PipelineScratch> scratch_;
  std::unordered_map<record::StreamId, StreamState, base::Hash128Hasher> streams_;
  std::deque<Waiting> waiting_;       // in order of time; an entry may be out of date
  std::vector<record::Batch> ready_;  // to be delivered
  std::uint64_t processed_ = 0;       // blocks
  std::uint64_t flushed_ = 0;         // flush_until_ when all was flushed last
  base::MonoNanos last_sweep_ = 0;

  base::Mutex mutex_;
  base::Condition space_;
  bool has_space_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::pipeline
