#include "pipeline/flow/worker.h"

#include <algorithm>
#include <vector>

namespace telltale::pipeline {

using base::PushOutcome;
using record::Batch;
using record::RawBlock;
using record::StreamId;

Workers::Worker::Worker(const WorkersOptions& options, const Stages& stages, PipelineMetrics& metrics, WorkerCounters counters,
                        record::BatchSink& out, base::Clock& clock)
    : options_(options),
      stages_(stages),
      metrics_(metrics),
      counters_(counters),
      out_(out),
      clock_(clock),
      queue_(options.queue_bytes),
      last_sweep_(clock.mono()) {}

std::size_t Workers::Worker::cost(const RawBlock& block) {
  return sizeof(RawBlock) + block.bytes.capacity();
}

void Workers::Worker::run() {
  scratch_.emplace(stages_);
  while (true) {
    std::optional<RawBlock> block = queue_.pop(options_.forget_after);
    if (block) {
      const StreamId id = block->stream->id;
      Batch batch = state_of(id).pipeline.process(std::move(*block));
      block.reset();
      deliver(batch);
    } else if (queue_.drained()) {
      break;
    }
    const base::MonoNanos now = clock_.mono();
    if (now - last_sweep_ >= options_.forget_after.count()) {
      forget_idle(now - options_.forget_after.count());
      last_sweep_ = now;
    }
  }
  counters_.streams.add(-static_cast<std::int64_t>(streams_.size()));
  streams_.clear();
}

Workers::Worker::StreamState& Workers::Worker::state_of(const StreamId& id) {
  auto found = streams_.find(id);
  if (found == streams_.end()) {
    if (streams_.size() >= options_.max_streams) forget_oldest();
    found = streams_.emplace(id, StreamState{Pipeline(stages_, *scratch_, metrics_), 0}).first;
    counters_.streams.add(1);
  }
  found->second.last_used = clock_.mono();
  return found->second;
}

void Workers::Worker::deliver(Batch& batch) {
  while (true) {
    const PushOutcome outcome = out_.try_push(batch);
    if (outcome == PushOutcome::accepted) return;
    if (outcome == PushOutcome::closed) {
      counters_.refused.add();
      return;
    }
    wait_for_space();
  }
}

// The callback always comes, at the latest when the sink is closed, so it never outlives this.
void Workers::Worker::wait_for_space() {
  {
    base::MutexLock lock(mutex_);
    has_space_ = false;
  }
  out_.on_space([this] {
    base::MutexLock lock(mutex_);
    has_space_ = true;
    space_.notify_one();
  });
  base::MutexLock lock(mutex_);
  while (!has_space_) space_.wait(mutex_);
}

void Workers::Worker::forget_idle(base::MonoNanos idle_since) {
  const std::size_t forgotten = std::erase_if(streams_, [&](const auto& entry) { return entry.second.last_used < idle_since; });
  counters_.streams.add(-static_cast<std::int64_t>(forgotten));
}

// An eighth of them at once, so that a machine with more streams than the limit does not sort them for each block.
void Workers::Worker::forget_oldest() {
  std::vector<base::MonoNanos> times;
  times.reserve(streams_.size());
  for (const auto& [id, state] : streams_) times.push_back(state.last_used);
  const auto limit = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 8);
  std::nth_element(times.begin(), limit, times.end());
  forget_idle(*limit + 1);
}

}  // namespace telltale::pipeline
