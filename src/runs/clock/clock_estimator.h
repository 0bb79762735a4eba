// Looks at the timestamps of streams while runs are open and tells the registry what clocks seem to differ.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/byte_queue.h"
#include "base/task_group.h"
#include "record/ports.h"
#include "runs/clock/stream_clock.h"
#include "runs/registry/registry.h"

namespace telltale::runs {

struct ClockEstimatorOptions {
  std::string host;                                        // label `host` of streams that are written here
  std::size_t max_streams = 1024;                          // beyond it the ones that were silent for longest are forgotten
  std::size_t queue_bytes = 4 * 1024 * 1024;               // of batches that wait; what is too much is passed over: a sample is enough
  std::int64_t tell_interval_ns = base::nanos_per_second;  // of one stream
};

// on_commit on the store's writer thread: costs one look when no run is open, else the move of a pointer. One thread of its own works.
class ClockEstimator final : public record::CommitListener {
 public:
  // Both outlive it.
  ClockEstimator(Registry& registry, const base::Clock& clock, ClockEstimatorOptions options);
  ~ClockEstimator() override;

  void start();
  // Before the registry's stop. Idempotent.
  void stop();
  void on_commit(const record::CommittedBatchRef& batch) override;
  // Takes in one batch: what the thread does, for tests too.
  void take(const record::Batch& batch);

 private:
  struct Known {
    explicit Known(bool own_host) : clock(own_host) {}
    StreamClock clock;
    base::MonoNanos told = INT64_MIN;
    std::list<record::StreamId>::iterator place;  // in by_use_
  };
  Known& known_of(const record::Stream& stream);
  void run(std::stop_token stop);

  Registry& registry_;
  const base::Clock& clock_;
  const ClockEstimatorOptions options_;
  base::ByteQueue<record::CommittedBatchRef> queue_;
  // Of the thread alone.
  std::unordered_map<record::StreamId, Known, base::Hash128Hasher> streams_;
  std::list<record::StreamId> by_use_;  // the last used one last
  base::TaskGroup tasks_;
};

}  // namespace telltale::runs
