// Stages and the whole pipeline on the mixed corpus, in blocks as the file source reads them. Lines and bytes per CPU-second of one
// thread.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/testing/manual_clock.h"
#include "corpus/corpus.h"
#include "pipeline/flow/pipeline.h"
#include "pipeline/frame/line_splitter.h"

namespace {

using namespace telltale;
using namespace telltale::pipeline;

constexpr std::size_t block_bytes = 256 * 1024;
constexpr std::size_t blocks = 16;
constexpr std::uint64_t seed = 1;

struct Input {
  record::StreamRef stream = record::make_stream(record::Labels({{"service", "bench"}}));
  std::vector<std::string> texts;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;

  Input() {
    bench::Corpus corpus(seed);
    for (std::size_t i = 0; i < blocks; ++i) {
      std::string text;
      while (text.size() < block_bytes) corpus.append_line(text);
      bytes += text.size();
      texts.push_back(std::move(text));
    }
    lines = corpus.lines();
  }

  record::RawBlock block(std::size_t i) const {
    record::RawBlock block;
    block.stream = stream;
    block.bytes.reserve(texts[i].size() + text_slack_bytes);
    block.bytes = texts[i];
    block.raw_to = texts[i].size();
    block.observed_time = bench::corpus_start;
    return block;
  }
};

const Input& input() {
  static const Input instance;
  return instance;
}

void report(benchmark::State& state) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["lines/s"] = benchmark::Counter(rounds * static_cast<double>(input().lines), benchmark::Counter::kIsRate);
  state.SetBytesProcessed(static_cast<std::int64_t>(rounds * static_cast<double>(input().bytes)));
}

// What the others pay for copying their input, to be taken off.
void copy_input(benchmark::State& state) {
  for (auto _ : state) {
    for (std::size_t i = 0; i < blocks; ++i) benchmark::DoNotOptimize(input().block(i));
  }
  report(state);
}

void frame(benchmark::State& state) {
  for (auto _ : state) {
    for (std::size_t i = 0; i < blocks; ++i) benchmark::DoNotOptimize(LineSplitter::split(input().block(i)));
  }
  report(state);
}

void raw_hash(benchmark::State& state) {
  const base::KeyedHasher hasher("key");
  for (auto _ : state) {
    for (const std::string& text : input().texts) benchmark::DoNotOptimize(hasher(text));
  }
  report(state);
}

void run_pipeline(benchmark::State& state, const Stages& stages, telemetry::Metrics& metrics) {
  PipelineMetrics counters(metrics);
  PipelineScratch scratch(stages);
  Pipeline pipeline(stages, scratch, counters);
  std::vector<record::Batch> ready;
  for (auto _ : state) {
    for (std::size_t i = 0; i < blocks; ++i) {
      ready.clear();
      pipeline.process(input().block(i), 0, ready);
      benchmark::DoNotOptimize(ready.data());
    }
  }
  report(state);
}

void frame_and_parse(benchmark::State& state) {
  telemetry::Metrics metrics;
  run_pipeline(state, {}, metrics);
}

void whole_pipeline(benchmark::State& state) {
  telemetry::Metrics metrics;
  const auto rules = make_rules({}, {}, metrics);
  if (!rules) return state.SkipWithError(rules.error().cause.c_str());
  const base::KeyedHasher hasher("key");
  run_pipeline(state, {rules->get(), &hasher, {}}, metrics);
}

BENCHMARK(copy_input)->Unit(benchmark::kMillisecond);
BENCHMARK(frame)->Unit(benchmark::kMillisecond);
BENCHMARK(raw_hash)->Unit(benchmark::kMillisecond);
BENCHMARK(frame_and_parse)->Unit(benchmark::kMillisecond);
BENCHMARK(whole_pipeline)->Unit(benchmark::kMillisecond);

}  // namespace
