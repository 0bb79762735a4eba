// The words of the language that have a meaning of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace telltale::query {

// Labels that no stream has: they are found on reading, record by record.
enum class ComputedLabel : std::uint8_t {
  level,           // the severity's name: trace debug info warn error fatal unset
  error,           // "true" for an error record (severity >= error, or a finding), else "false"
  finding,         // the rules that marked the record; "" when none did
  run,             // the runs that were running then and look at the stream
  test,            // node id and id of the one test the record belongs to; "" when that is not certain
  worker,          // that test's worker
  test_candidate,  // node ids and ids of the tests that it may belong to, when there are several
};
std::optional<ComputedLabel> computed_label(std::string_view name);

// Those whose values record::ComputedLabels knows.
constexpr bool comes_from_runs(ComputedLabel label) {
  return label >= ComputedLabel::run;
}

// template: a computed label whose data does not exist in this version.
bool is_reserved_label(std::string_view name);

// json logfmt line_format…: LogQL's stages that this version does not have.
bool is_unsupported_stage(std::string_view name);
// rate count_over_time sum…: functions that make a metric query.
bool is_metric_function(std::string_view name);

inline constexpr std::string_view level_names = "trace debug info warn error fatal unset";
bool is_level_name(std::string_view text);

// The range of numbers of a severity: a level's name in any case ("warning" too), or a number from 0 to 24.
std::optional<std::pair<std::uint8_t, std::uint8_t>> severity_range(std::string_view text);

}  // namespace telltale::query
