// The pipeline's threads: from raw blocks of sources to batches for the store.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/task_group.h"
#include "pipeline/flow/pipeline.h"
#include "record/ports.h"
#include "telemetry/metrics.h"

namespace telltale::pipeline {

struct WorkersOptions {
  unsigned threads = 0;                                              // 0: as many as the machine has cores
  std::size_t queue_bytes = 8ull * 1024 * 1024;                      // of raw blocks that wait, per thread
  std::chrono::nanoseconds forget_after = std::chrono::minutes(10);  // a stream without blocks for so long is forgotten
  std::size_t max_streams = 4096;  // remembered per thread; beyond it those that were idle for longest are forgotten
};

// A stream's id picks its thread, which owns the stream's state, so order within a stream is kept. A batch goes to `out`; while that is
// full the thread waits, its queue fills, and sources are told `full`. What a block ends with may wait for the next one, up to
// Stages::join_wait or until flush(); a block without lines leads to a batch too, so that positions are committed. A stream that is
// forgotten loses what its parser had learned, and redaction begins anew: a private key that goes on after ten idle minutes is met in its
// middle.
//
// try_push and on_space from any thread. `out`, `clock`, `metrics` and what `stages` points to outlive it.
class Workers final : public record::BlockSink {
 public:
  Workers(const WorkersOptions& options, const Stages& stages, record::BatchSink& out, base::Clock& clock, telemetry::Metrics& metrics);
  // Calls stop().
  ~Workers() override;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  base::PushOutcome try_push(record::RawBlock& block) override;
  void on_space(const record::StreamId& id, std::function<void()> callback) override;
  void flush() override;

  // Takes no more blocks (`closed`), brings what was accepted to `out` and ends the threads. `out` must go on taking batches or be
  // closed; batches that a closed `out` refuses are lost here and counted, and their positions are not committed, so their source
  // gives them again. May be called again; not from a worker.
  void stop();

 private:
  class Worker;
  Worker& worker_of(const record::StreamId& id);

  const Stages stages_;
  PipelineMetrics metrics_;
  std::vector<std::unique_ptr<Worker>> workers_;
  base::TaskGroup threads_;
};

}  // namespace telltale::pipeline
