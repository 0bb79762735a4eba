#include "query/lang/words.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace telltale::query {
namespace {

constexpr std::string_view reserved_labels[] = {"template"};

// Grafana Loki, "Log queries": parser, label and line format expressions.
constexpr std::string_view unsupported_stages[] = {"json",        "logfmt",       "regexp",     "pattern", "unpack", "unwrap",
                                                   "line_format", "label_format", "decolorize", "drop",    "keep",   "distinct"};

// Grafana Loki, "Metric queries".
constexpr std::string_view metric_functions[] = {"rate",
                                                 "rate_counter",
                                                 "count_over_time",
                                                 "bytes_rate",
                                                 "bytes_over_time",
                                                 "absent_over_time",
                                                 "sum_over_time",
                                                 "avg_over_time",
                                                 "max_over_time",
                                                 "min_over_time",
                                                 "first_over_time",
                                                 "last_over_time",
                                                 "sum",
                                                 "stdvar_over_time",
                                                 "stddev_over_time",
                                                 "quantile_over_time",
                                                 "avg",
                                                 "min",
                                                 "max",
                                                 "count",
                                                 "stddev",
                                                 "stdvar",
                                                 "topk",
                                                 "bottomk",
                                                 "sort",
                                                 "sort_desc",
                                                 "approx_topk",
                                                 "label_replace",
                                                 "vector"};

struct Range {
  std::string_view name;
  std::uint8_t low;
  std::uint8_t high;
};

// OpenTelemetry Logs Data Model, "Severity Fields".
constexpr Range ranges[] = {{"unset", 0, 0},  {"trace", 1, 4},     {"debug", 5, 8},   {"info", 9, 12},
                            {"warn", 13, 16}, {"warning", 13, 16}, {"error", 17, 20}, {"fatal", 21, 24}};

template <std::size_t N>
bool holds(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

}  // namespace

std::optional<ComputedLabel> computed_label(std::string_view name) {
  if (name == "level") return ComputedLabel::level;
  if (name == "error") return ComputedLabel::error;
  if (name == "finding") return ComputedLabel::finding;
  if (name == "run") return ComputedLabel::run;
  if (name == "test") return ComputedLabel::test;
  if (name == "worker") return ComputedLabel::worker;
  if (name == "test_candidate") return ComputedLabel::test_candidate;
  return std::nullopt;
}

bool is_reserved_label(std::string_view name) {
  return holds(reserved_labels, name);
}

bool is_unsupported_stage(std::string_view name) {
  return holds(unsupported_stages, name);
}

bool is_metric_function(std::string_view name) {
  return holds(metric_functions, name);
}

bool is_level_name(std::string_view text) {
  if (text == "warning") return false;
  return std::any_of(std::begin(ranges), std::end(ranges), [text](const Range& range) { return range.name == text; });
}

std::optional<std::pair<std::uint8_t, std::uint8_t>> severity_range(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) {
    if (number > 24) return std::nullopt;
    return std::pair{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number)};
  }
  for (const Range& range : ranges) {
    if (base::equals_ignoring_case(range.name, text)) return std::pair{range.low, range.high};
  }
  return std::nullopt;
}

}  // namespace telltale::query
