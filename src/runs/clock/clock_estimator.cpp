#include "runs/clock/clock_estimator.h"

#include <chrono>

#include "record/internal.h"

namespace telltale::runs {

ClockEstimator::ClockEstimator(Registry& registry, const base::Clock& clock, ClockEstimatorOptions options)
    : registry_(registry), clock_(clock), options_(std::move(options)), queue_(options_.queue_bytes), tasks_("clocks") {}

ClockEstimator::~ClockEstimator() {
  stop();
}

void ClockEstimator::start() {
  tasks_.spawn("clocks", [this](std::stop_token stop) { run(std::move(stop)); });
}

void ClockEstimator::stop() {
  queue_.close();
  tasks_.close();
}

void ClockEstimator::on_commit(const record::CommittedBatchRef& batch) {
  if (registry_.open_runs() == 0) return;
  record::CommittedBatchRef held = batch;
  static_cast<void>(queue_.try_push(held, sizeof(record::Record) + batch->batch.bytes()));
}

void ClockEstimator::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (const auto batch = queue_.pop(std::chrono::hours(1))) {
      take((*batch)->batch);
    } else if (queue_.drained()) {
      return;
    }
  }
}

ClockEstimator::Known& ClockEstimator::known_of(const record::Stream& stream) {
  const auto found = streams_.find(stream.id);
  if (found != streams_.end()) {
    by_use_.splice(by_use_.end(), by_use_, found->second.place);
    return found->second;
  }
  if (streams_.size() >= options_.max_streams) {
    streams_.erase(by_use_.front());
    by_use_.pop_front();
  }
  const bool own_host = stream.labels.get("host") == options_.host;
  Known& known = streams_.emplace(stream.id, Known(own_host)).first->second;
  known.place = by_use_.insert(by_use_.end(), stream.id);
  return known;
}

void ClockEstimator::take(const record::Batch& batch) {
  if (batch.stream == nullptr || record::is_internal(*batch.stream)) return;
  Known& known = known_of(*batch.stream);
  known.clock.add(batch);
  const auto estimate = known.clock.estimate();
  const base::MonoNanos now = clock_.mono();
  if (!estimate || (known.told != INT64_MIN && now - known.told < options_.tell_interval_ns)) return;
  known.told = now;
  registry_.add_clock_offset(*batch.stream, *estimate);
}

}  // namespace telltale::runs
