#include "telemetry/metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <variant>

#include <fmt/format.h>

#include "base/assert.h"

namespace telltale::telemetry {
namespace {

enum FamilyType { family_counter, family_gauge, family_histogram };

// The registry's metrics never move, so references stay valid while more are added.
using Callback = std::function<double()>;
using Value = std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>, Callback>;

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) out.push_back('\\');
      out.push_back(c);
    }
  }
}

void append_labels(std::string& out, const MetricLabels& labels, std::string_view le = {}) {
  if (labels.empty() && le.empty()) return;
  out.push_back('{');
  for (const auto& [name, value] : labels) {
    if (out.back() != '{') out.push_back(',');
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out.push_back('"');
  }
  if (!le.empty()) {
    if (out.back() != '{') out.push_back(',');
    out += "le=\"";
    out += le;
    out.push_back('"');
  }
  out.push_back('}');
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_sample(std::string& out, std::string_view name, const MetricLabels& labels, std::string_view value, std::string_view le = {}) {
  out += name;
  append_labels(out, labels, le);
  out.push_back(' ');
  out += value;
  out.push_back('\n');
}

void append_histogram(std::string& out, const std::string& name, const MetricLabels& labels, const Histogram& histogram) {
  const std::vector<std::uint64_t> counts = histogram.counts();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const std::string bound = i < histogram.bounds().size() ? number_text(histogram.bounds()[i]) : "+Inf";
    append_sample(out, name + "_bucket", labels, std::to_string(below), bound);
  }
  append_sample(out, name + "_sum", labels, number_text(histogram.sum()));
  append_sample(out, name + "_count", labels, std::to_string(below));
}

void append_value(std::string& out, const std::string& name, const MetricLabels& labels, const Value& value) {
  if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&value)) {
    append_sample(out, name, labels, std::to_string((*counter)->value()));
  } else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&value)) {
    append_sample(out, name, labels, std::to_string((*gauge)->value()));
  } else if (const auto* histogram = std::get_if<std::unique_ptr<Histogram>>(&value)) {
    append_histogram(out, name, labels, **histogram);
  } else {
    append_sample(out, name, labels, number_text(std::get<Callback>(value)()));
  }
}

}  // namespace

struct Metrics::Family {
  std::string name;
  std::string help;
  int type;
  std::vector<std::pair<MetricLabels, Value>> members;

  // The metric of these labels; `make` is asked for a new one.
  template <class T, class Make>
  T& member(const MetricLabels& labels, const Make& make) {
    for (auto& [own, value] : members) {
      if (own != labels) continue;
      auto* const held = std::get_if<std::unique_ptr<T>>(&value);
      TT_ASSERT(held != nullptr, "a metric is registered as a value and as a callback");
      return **held;
    }
    members.emplace_back(labels, make());
    return *std::get<std::unique_ptr<T>>(members.back().second);
  }
};

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  TT_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()), "a histogram's bounds ascend");
}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::counts() const {
  std::vector<std::uint64_t> counts;
  counts.reserve(counts_.size());
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, int type) {
  const auto place = std::lower_bound(families_.begin(), families_.end(), name,
                                      [](const auto& family, std::string_view wanted) { return family->name < wanted; });
  if (place != families_.end() && (*place)->name == name) {
    TT_ASSERT((*place)->type == type, "a metric is registered with two types");
    return **place;
  }
  return **families_.insert(place, std::make_unique<Family>(Family{std::string(name), std::string(help), type, {}}));
}

Counter& Metrics::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  base::MutexLock lock(mutex_);
  return family(name, help, family_counter).member<Counter>(labels, [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  base::MutexLock lock(mutex_);
  return family(name, help, family_gauge).member<Gauge>(labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, MetricLabels labels) {
  base::MutexLock lock(mutex_);
  return family(name, help, family_histogram).member<Histogram>(labels, [&] { return std::make_unique<Histogram>(std::move(bounds)); });
}

void Metrics::callback(std::string_view name, std::string_view help, MetricLabels labels, std::function<double()> read) {
  base::MutexLock lock(mutex_);
  Family& own = family(name, help, name.ends_with("_total") ? family_counter : family_gauge);
  const auto same = std::find_if(own.members.begin(), own.members.end(), [&](const auto& member) { return member.first == labels; });
  if (same == own.members.end()) {
    own.members.emplace_back(std::move(labels), std::move(read));
  } else {
    same->second = std::move(read);
  }
}

std::string Metrics::prometheus_text() const {
  static constexpr std::string_view type_names[] = {"counter", "gauge", "histogram"};
  std::string out;
  base::MutexLock lock(mutex_);
  for (const auto& family : families_) {
    out += "# HELP " + family->name + " ";
    append_escaped(out, family->help, false);
    out += "\n# TYPE " + family->name + " ";
    out += type_names[family->type];
    out.push_back('\n');
    for (const auto& [labels, value] : family->members) append_value(out, family->name, labels, value);
  }
  return out;
}

}  // namespace telltale::telemetry
