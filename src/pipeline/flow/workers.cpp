#include "pipeline/flow/workers.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/flow/worker.h"

namespace telltale::pipeline {

namespace {

unsigned thread_count(unsigned wanted) {
  return wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Workers::Workers(const WorkersOptions& options, const Stages& stages, record::BatchSink& out, base::Clock& clock,
                 telemetry::Metrics& metrics)
    : stages_(stages), metrics_(metrics), threads_("pipeline") {
  const WorkerCounters counters{
      metrics.counter("telltale_pipeline_batches_refused_total", "Batches that the store did not take because it is closed."),
      metrics.gauge("telltale_pipeline_streams", "Streams whose parsing state is remembered.")};
  for (unsigned i = 0; i < thread_count(options.threads); ++i) {
    workers_.push_back(std::make_unique<Worker>(options, stages_, metrics_, counters, out, clock));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    threads_.spawn("worker-" + std::to_string(i), [worker = workers_[i].get()](std::stop_token) { worker->run(); });
  }
}

Workers::~Workers() {
  stop();
}

base::PushOutcome Workers::try_push(record::RawBlock& block) {
  return worker_of(block.stream->id).try_push(block);
}

void Workers::on_space(const record::StreamId& id, std::function<void()> callback) {
  worker_of(id).on_space(std::move(callback));
}

void Workers::flush() {
  for (auto& worker : workers_) worker->flush();
}

void Workers::stop() {
  for (auto& worker : workers_) worker->close();
  threads_.close();
}

Workers::Worker& Workers::worker_of(const record::StreamId& id) {
  // The high half: tables that hash by the low half stay well spread within one worker.
  return *workers_[id.high % workers_.size()];
}

}  // namespace telltale::pipeline
