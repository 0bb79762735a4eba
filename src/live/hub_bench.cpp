#include <benchmark/benchmark.h>

#include "live/hub.h"

namespace telltale::live {
namespace {

CommittedBatchRef make_batch(const record::StreamRef& stream, Sequence first) {
  auto batch = std::make_shared<record::CommittedBatch>();
  batch->first_sequence = first;
  batch->batch.stream = stream;
  batch->batch.text.assign(13'800, 'x');
  batch->batch.records.resize(100);
  return batch;
}

// Batches of 100 records to subscribers that all read: items are deliveries of records.
void commit_and_read(benchmark::State& state) {
  const auto subscribers = static_cast<std::size_t>(state.range(0));
  const record::StreamRef stream = record::make_stream(record::Labels({{"service", "api"}}));
  Hub hub(8 << 20);
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  std::size_t wakes = 0;
  for (std::size_t i = 0; i < subscribers; ++i) subscriptions.push_back(hub.subscribe([&wakes] { ++wakes; }));
  Sequence next = 1;
  for (auto _ : state) {
    hub.on_commit(make_batch(stream, next));
    for (const auto& subscription : subscriptions) {
      subscription->rearm();
      benchmark::DoNotOptimize(hub.read(next - 1, 1 << 20));
    }
    next += 100;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * subscribers * 100));
}
BENCHMARK(commit_and_read)->Arg(1)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace telltale::live
