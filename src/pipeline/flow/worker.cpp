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

PushOutcome Workers::Worker::try_push(RawBlock& block) {
  const PushOutcome outcome = queue_.try_push(block, cost(block));
  if (outcome == PushOutcome::accepted) ++accepted_;
  return outcome;
}

// A block whose push has returned is counted, so whoever pushed it and calls this afterwards is sure that it is meant.
void Workers::Worker::flush() {
  const std::uint64_t until = accepted_;
  std::uint64_t known = flush_until_;
  while (known < until && !flush_until_.compare_exchange_weak(known, until)) {
  }
  queue_.wake();
}

void Workers::Worker::run() {
  scratch_.emplace(stages_);
  while (true) {
    std::optional<RawBlock> block = queue_.pop(time_to_wait());
    if (block) {
      process(std::move(*block));
      block.reset();
    } else if (queue_.drained()) {
      break;
    }
    const std::uint64_t until = flush_until_;
    if (until > flushed_ && processed_ >= until) {
      flush_all();
      flushed_ = until;
    }
    const base::MonoNanos now = clock_.mono();
    flush_due(now);
    if (now - last_sweep_ >= options_.forget_after.count()) {
      forget_idle(now - options_.forget_after.count());
      last_sweep_ = now;
    }
  }
  flush_all();
  counters_.streams.add(-static_cast<std::int64_t>(streams_.size()));
  streams_.clear();
}

void Workers::Worker::process(RawBlock&& block) {
  const StreamId id = block.stream->id;
  StreamState& state = state_of(id);
  const auto waited_until = state.pipeline.wait_ends();
  state.pipeline.process(std::move(block), state.last_used, ready_);
  ++processed_;
  const auto until = state.pipeline.wait_ends();
  if (until && until != waited_until) waiting_.push_back({*until, id});
  deliver_ready();
}

std::chrono::nanoseconds Workers::Worker::time_to_wait() const {
  if (waiting_.empty()) return options_.forget_after;
  const std::int64_t left = std::max<std::int64_t>(waiting_.front().until - clock_.mono(), 0);
  return std::min(options_.forget_after, std::chrono::nanoseconds(left));
}

void Workers::Worker::flush_due(base::MonoNanos now) {
  while (!waiting_.empty() && waiting_.front().until <= now) {
    const Waiting waiting = waiting_.front();
    waiting_.pop_front();
    const auto found = streams_.find(waiting.id);
    if (found != streams_.end() && found->second.pipeline.wait_ends() == waiting.until) flush_lines(found->second.pipeline);
  }
}

void Workers::Worker::flush_all() {
  while (!waiting_.empty()) {
    const auto found = streams_.find(waiting_.front().id);
    waiting_.pop_front();
    if (found != streams_.end()) flush_lines(found->second.pipeline);
  }
}

void Workers::Worker::flush_lines(Pipeline& pipeline) {
  pipeline.flush(ready_);
  deliver_ready();
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

void Workers::Worker::deliver_ready() {
  for (Batch& batch : ready_) deliver(batch);
  ready_.clear();
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
  std::int64_t forgotten = 0;
  for (auto entry = streams_.begin(); entry != streams_.end();) {
    if (entry->second.last_used >= idle_since) {
      ++entry;
      continue;
    }
    flush_lines(entry->second.pipeline);
    entry = streams_.erase(entry);
    ++forgotten;
  }
  counters_.streams.add(-forgotten);
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
