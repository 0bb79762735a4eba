// The rules' whole cost on mixed lines: one scan, card numbers, redaction and detection; without parsing.
#include <benchmark/benchmark.h>

#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "pipeline/rules/rules.h"

namespace {

using namespace telltale;
using namespace telltale::pipeline;

// Lines as services write them; about one in a hundred holds a secret, one in eight an error word.
std::string mixed_lines(std::size_t bytes) {
  std::mt19937_64 random(1);
  std::string text;
  const auto number = [&](std::uint64_t below) { return std::to_string(random() % below); };
  while (text.size() < bytes) {
    const std::string time = "2026-11-21T01:02:" + number(60) + "." + number(1000);
    switch (random() % 100) {
      case 0:
        text += time + " INFO login user=u" + number(1000) + " password=pw" + number(1000000) + "\n";
        break;
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        text += time + " ERROR c.e.shop.PaymentClient - request to 10.0.0." + number(255) + " failed: timeout after 3 tries\n";
        break;
      case 7:
      case 8:
      case 9:
        text += time + " WARN build finished with 0 errors and " + number(9) + " warnings\n";
        break;
      default:
        switch (random() % 4) {
          case 0:
            text += time + " INFO  [worker-" + number(16) + "] org.example.shop.OrderService - order " + number(~0ull) +
                    " accepted for customer " + number(100000) + " in " + number(90) + " ms\n";
            break;
          case 1:
            text += "{\"time\":\"" + time + "Z\",\"level\":\"info\",\"logger\":\"http\",\"msg\":\"GET /api/orders/" + number(100000) +
                    "\",\"status\":200,\"duration\":0.0" + number(100) + "}\n";
            break;
          case 2:
            text += "time=" + time + "Z level=info component=cache msg=\"evicted entries\" entries=" + number(1000) +
                    " shard=" + number(64) + "\n";
            break;
          default:
            text += "081109 203615 " + number(200) + " INFO dfs.DataNode$PacketResponder: Received block blk_" + number(~0ull) +
                    " of size 67108864 from /10.250.19." + number(255) + "\n";
        }
    }
  }
  return text;
}

void run(benchmark::State& state, const std::string& text) {
  telemetry::Metrics metrics;
  const auto rules = make_rules({}, {}, metrics);
  RulesScratch scratch(**rules);
  RulesState stream;
  record::Batch original;
  original.text = text;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    record::Record record;
    record.line = record.body = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at)};
    original.records.push_back(record);
    at = end + 1;
  }
  const Reparse reparse = [](record::Batch&, record::Record& record) { record.body = record.line; };
  std::size_t findings = 0;
  std::size_t redacted = 0;
  for (auto _ : state) {
    state.PauseTiming();
    record::Batch batch = original;
    batch.text.reserve(text.size() * 2);
    state.ResumeTiming();
    (*rules)->apply(batch, stream, scratch, reparse);
    findings += batch.findings.size();
    for (const record::Record& record : batch.records) redacted += record.has(record::flag_redacted);
  }
  const auto lines = static_cast<double>(state.iterations() * original.records.size());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["lines/s"] = benchmark::Counter(lines, benchmark::Counter::kIsRate);
  state.counters["findings_per_line"] = static_cast<double>(findings) / lines;
  state.counters["redacted_per_line"] = static_cast<double>(redacted) / lines;
}

void BM_rules_mixed(benchmark::State& state) {
  run(state, mixed_lines(512 * 1024));
}
BENCHMARK(BM_rules_mixed);

// Any file of log lines named by TELLTALE_BENCH_LOG; its first 512 KiB.
void BM_rules_file(benchmark::State& state) {
  const char* path = std::getenv("TELLTALE_BENCH_LOG");
  if (path == nullptr) return state.SkipWithError("TELLTALE_BENCH_LOG names no file");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  run(state, text.str().substr(0, 512 * 1024));
}
BENCHMARK(BM_rules_file);

}  // namespace
