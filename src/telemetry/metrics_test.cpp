#include "telemetry/metrics.h"

#include <cmath>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

namespace telltale::telemetry {
namespace {

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  Counter& a = metrics.counter("telltale_a_total", "A.", {{"reason", "x"}});
  Counter& other = metrics.counter("telltale_a_total", "A.", {{"reason", "y"}});
  EXPECT_EQ(&a, &metrics.counter("telltale_a_total", "A.", {{"reason", "x"}}));
  EXPECT_NE(&a, &other);
}

TEST(Metrics, TextIsPrometheusFormatSortedByName) {
  Metrics metrics;
  metrics.gauge("telltale_b_bytes", "Second\nline\\.").set(-3);
  metrics.counter("telltale_a_total", "First.", {{"reason", "a\"b\\c\nd"}}).add(7);
  metrics.callback("telltale_c_ratio", "Third.", {}, [] { return 0.5; });
  EXPECT_EQ(metrics.prometheus_text(),
            "# HELP telltale_a_total First.\n# TYPE telltale_a_total counter\ntelltale_a_total{reason=\"a\\\"b\\\\c\\nd\"} 7\n"
            "# HELP telltale_b_bytes Second\\nline\\\\.\n# TYPE telltale_b_bytes gauge\ntelltale_b_bytes -3\n"
            "# HELP telltale_c_ratio Third.\n# TYPE telltale_c_ratio gauge\ntelltale_c_ratio 0.5\n");
}

TEST(Metrics, HistogramsAreCumulativeAndBoundsInclusive) {
  Metrics metrics;
  Histogram& histogram = metrics.histogram("telltale_h_seconds", "H.", {0.1, 1}, {{"part", "x"}});
  for (const double value : {0.05, 0.1, 0.5, 3.0}) histogram.observe(value);
  const std::vector<std::uint64_t> counts = {2, 1, 1};
  EXPECT_EQ(histogram.counts(), counts);
  EXPECT_EQ(metrics.prometheus_text(),
            "# HELP telltale_h_seconds H.\n# TYPE telltale_h_seconds histogram\n"
            "telltale_h_seconds_bucket{part=\"x\",le=\"0.1\"} 2\ntelltale_h_seconds_bucket{part=\"x\",le=\"1\"} 3\n"
            "telltale_h_seconds_bucket{part=\"x\",le=\"+Inf\"} 4\ntelltale_h_seconds_sum{part=\"x\"} 3.65\n"
            "telltale_h_seconds_count{part=\"x\"} 4\n");
}

TEST(Metrics, CountFromManyThreads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          metrics.counter("telltale_n_total", "N.").add();
          metrics.histogram("telltale_h_seconds", "H.", {1}).observe(0.5);
        }
        EXPECT_FALSE(metrics.prometheus_text().empty());
      });
    }
  }
  EXPECT_EQ(metrics.counter("telltale_n_total", "N.").value(), 4000U);
  EXPECT_EQ(metrics.histogram("telltale_h_seconds", "H.", {1}).sum(), 2000.0);
}

TEST(Metrics, ACallbackOfTheSameNameReplacesTheOneBefore) {
  Metrics metrics;
  metrics.callback("telltale_x_total", "X.", {}, [] { return 1.0; });
  metrics.callback("telltale_x_total", "X.", {}, [] { return std::nan(""); });
  EXPECT_EQ(metrics.prometheus_text(), "# HELP telltale_x_total X.\n# TYPE telltale_x_total counter\ntelltale_x_total NaN\n");
}

double sample(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

TEST(ProcessMetrics, DescribeThisProcess) {
  Metrics metrics;
  add_process_metrics(metrics);
  const std::string text = metrics.prometheus_text();
  EXPECT_GE(sample(text, "process_open_fds"), 3);
  EXPECT_GE(sample(text, "process_threads"), 1);
  EXPECT_GT(sample(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(sample(text, "process_cpu_seconds_total"), 0);
  EXPECT_GT(sample(text, "process_start_time_seconds"), 1.6e9);
}

}  // namespace
}  // namespace telltale::telemetry
