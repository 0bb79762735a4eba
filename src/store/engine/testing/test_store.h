// What tests of the store share: batches with known contents, a store in memory that is driven step by step.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "base/testing/memory_files.h"
#include "record/stream.h"
#include "store/engine/engine.h"
#include "telemetry/metrics.h"

namespace telltale::store::testing {

// A generator that counts: stores made in tests are the same each time.
class CountingRandom final : public base::Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(next_++ * 167 + 13);
  }

 private:
  std::atomic<unsigned> next_{1};
};

inline StreamRef test_stream(const std::string& service) {
  return record::make_stream(record::Labels({{"service", service}, {"source", "file"}, {"file", "/var/log/" + service + ".log"}}));
}

// Lines "<service> line <n> …" for n in [first, first + count); the position is the number of the line after them.
inline record::Batch test_batch(const StreamRef& stream, std::uint64_t first, std::size_t count, UnixNanos observed,
                                std::size_t padding = 0) {
  record::Batch batch;
  batch.stream = stream;
  const std::string service(stream->labels.get("service"));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string line = service + " line " + std::to_string(first + i) + std::string(padding, '.');
    record::Record record;
    record.observed_time = observed;
    record.line = {static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(line.size())};
    record.body = record.line;
    batch.text += line + "\n";
    batch.records.push_back(record);
  }
  batch.first_source_line = first;
  batch.raw = record::RawRange{first * 100, (first + count) * 100, base::hash128(batch.text)};
  batch.position = record::Position{service, std::to_string(first + count)};
  return batch;
}

inline std::vector<std::string> lines_of(const StoreReader& store, const ScanRange& range = {}, const StreamFilter& filter = {}) {
  std::vector<std::string> lines;
  const auto status = store.scan(range, filter, [&](const record::CommittedBatchRef& batch) {
    for (const record::Record& record : batch->batch.records) lines.emplace_back(batch->batch.line(record));
    return ScanStep::go_on;
  });
  if (!status) lines.push_back("scan failed: " + status.error().message());
  return lines;
}

inline std::string position_of(const Store& store, std::string_view key) {
  for (const Position& position : store.positions()) {
    if (position.key == key) return position.value;
  }
  return {};
}

// A store that has no thread.
struct TestStore {
  explicit TestStore(base::Files& store_files, StoreOptions store_options = {}) : files(store_files), options(std::move(store_options)) {
    if (options.folder.empty()) options.folder = "data";
  }
  base::Status open() {
    auto opened = Engine::open(files, clock, random, metrics, options, listeners, Drive::caller);
    if (!opened) return base::pass(opened);
    engine = std::move(*opened);
    return {};
  }
  record::PushOutcome push(record::Batch batch) { return engine->sink().try_push(batch); }

  base::Files& files;
  StoreOptions options;
  base::testing::ManualClock clock;
  CountingRandom random;
  telemetry::Metrics metrics;
  std::vector<record::CommitListener*> listeners;
  std::unique_ptr<Engine> engine;
};

}  // namespace telltale::store::testing
