// One thread of Workers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <unordered_map>

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

  base::PushOutcome try_push(record::RawBlock& block) { return queue_.try_push(block, cost(block)); }
  void on_space(std::function<void()> callback) { queue_.on_space(std::move(callback)); }
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

  static std::size_t cost(const record::RawBlock& block);
  StreamState& state_of(const record::StreamId& id);
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

  // Of the thread alone. The scratch comes first: the pipelines use it.
  std::optional<PipelineScratch> scratch_;
  std::unordered_map<record::StreamId, StreamState, base::Hash128Hasher> streams_;
  base::MonoNanos last_sweep_ = 0;

  base::Mutex mutex_;
  base::Condition space_;
  bool has_space_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::pipeline
