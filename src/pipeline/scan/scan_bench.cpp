// One pass for all literals, and one for card numbers and IBANs, over blocks of mixed lines.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "pipeline/scan/digit_runs.h"
#include "pipeline/scan/scanner.h"

namespace {

using namespace telltale::pipeline;

std::string mixed_lines(std::size_t bytes) {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < bytes) {
    text += "2026-11-21T01:02:03.";
    text += std::to_string(random() % 1000);
    switch (random() % 4) {
      case 0:
        text += " INFO  org.example.shop.OrderService - order " + std::to_string(random()) + " accepted for customer in 12 ms\n";
        break;
      case 1:
        text += " {\"level\":\"info\",\"msg\":\"GET /api/orders\",\"status\":200,\"duration\":0.0" + std::to_string(random() % 100) + "}\n";
        break;
      case 2:
        text += " level=info component=cache msg=\"evicted\" entries=" + std::to_string(random() % 1000) + "\n";
        break;
      default:
        text += " ERROR connection to 10.0.0." + std::to_string(random() % 255) + " failed: timeout\n";
    }
  }
  return text;
}

void BM_scan_literals(benchmark::State& state) {
  const std::string text = mixed_lines(512 * 1024);
  ScannerBuilder builder;
  for (const char* word :
       {"error", "exception", "failed", "timeout", "panic", "fatal", "crash", "traceback", "passw", "secret", "token", "api_key"})
    builder.add(word, true);
  const auto scanner = builder.build();
  ScanScratch scratch(*scanner);
  std::vector<Hit> hits;
  for (auto _ : state) {
    hits.clear();
    scanner->scan(text, scratch, hits);
    benchmark::DoNotOptimize(hits.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_scan_literals);

void BM_find_numbers(benchmark::State& state) {
  const std::string text = mixed_lines(512 * 1024);
  std::vector<NumberHit> hits;
  for (auto _ : state) {
    hits.clear();
    find_numbers(text, hits);
    benchmark::DoNotOptimize(hits.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_find_numbers);

}  // namespace
