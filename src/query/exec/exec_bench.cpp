// How fast a scan goes over decoded batches: bytes of text per second for queries with and without something to prune by.
#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/clock.h"
#include "query/exec/query.h"
#include "query/testing/memory_reader.h"

namespace telltale::query {
namespace {

constexpr std::size_t corpus_bytes = 64 * 1024 * 1024;
constexpr std::size_t batch_bytes = 256 * 1024;
constexpr unsigned seed = 20261121;

// Lines of about 138 bytes; one in 10,000 is an error, one batch in 64 holds the rare word.
testing::MemoryReader make_corpus() {
  testing::MemoryReader reader;
  std::mt19937 random(seed);
  const auto stream = record::make_stream(record::Labels({{"service", "api"}}));
  std::size_t bytes = 0;
  for (int batch = 0; bytes < corpus_bytes; ++batch) {
    testing::BatchBuilder builder(stream);
    for (std::size_t in_batch = 0; in_batch < batch_bytes;) {
      const bool failed = random() % 10'000 == 0;
      const std::string line = fmt::format(
          R"({{"time":"2026-11-21T10:00:00.{:06}Z","level":"{}","msg":"request {} of customer {} done in {} ms","trace":"{:08x}{:08x}"}})",
          random() % 1'000'000, failed ? "error" : "info", random(), random() % 100'000, random() % 900, random(), random());
      builder.line(0, failed ? record::Severity::error : record::Severity::info, line);
      in_batch += line.size();
    }
    if (batch % 64 == 7) builder.line(0, record::Severity::warn, "Zookeeper session expired");
    record::Batch made = builder.take();
    bytes += made.text.size();
    reader.add(std::move(made));
  }
  return reader;
}

void scan(benchmark::State& state, const std::string& text) {
  static const testing::MemoryReader reader = make_corpus();
  const base::SystemClock clock;
  QueryRequest request;
  request.predicate = *compile(text, nullptr);
  std::uint64_t records = 0;
  for (auto _ : state) {
    const auto counted = count(reader, clock, request);
    records = counted->records;
    benchmark::DoNotOptimize(records);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * reader.stats().bytes));
  state.counters["records"] = static_cast<double>(records);
}

BENCHMARK_CAPTURE(scan, everything, "{}")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, severity, "{severity>=error}")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, absent_word, "{} |= \"no such word\"")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, rare_word, "{} |= \"Zookeeper\"")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, common_word, "{} |= \"customer\"")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, not_common_word, "{} != \"customer\"")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, regex_with_literal, "{} |~ \"session [a-z]+d\"")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan, regex_without_literal, "{} |~ \"(?i)zookeeper\"")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace telltale::query
