// Metrics registry with Prometheus text output. Names: telltale_<part>_<thing>_<unit>[_total]; labels have few values
// (a reason, a source kind; never a stream or a path).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace telltale::telemetry {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Only grows. Thread-safe, wait-free.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down. Thread-safe, wait-free.
class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Counts observations in fixed buckets (upper bounds in the metric's unit, ascending). Thread-safe, wait-free.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<std::uint64_t> counts() const;  // bounds().size() + 1, not cumulative
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

// Owns the metrics; the references it hands out live as long as it does. The same name and labels give the same metric. Thread-safe.
class Metrics {
 public:
  Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {}) TT_EXCLUDES(mutex_);
  Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {}) TT_EXCLUDES(mutex_);
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds, MetricLabels labels = {})
      TT_EXCLUDES(mutex_);
  // A gauge that is asked when the metrics are read; `read` must be thread-safe and outlive the registry's use.
  void callback(std::string_view name, std::string_view help, MetricLabels labels, std::function<double()> read) TT_EXCLUDES(mutex_);

  // Prometheus text format 0.0.4, families sorted by name.
  std::string prometheus_text() const TT_EXCLUDES(mutex_);

 private:
  struct Family;
  Family& family(std::string_view name, std::string_view help, int type) TT_REQUIRES(mutex_);
  mutable base::Mutex mutex_;
  std::vector<std::unique_ptr<Family>> families_ TT_GUARDED_BY(mutex_);

 public:
  Metrics();
  ~Metrics();
};

// Adds process_open_fds, process_threads, process_resident_memory_bytes, process_cpu_seconds_total, process_start_time_seconds.
void add_process_metrics(Metrics& metrics);

}  // namespace telltale::telemetry
