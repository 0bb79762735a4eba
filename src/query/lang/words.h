// The words of the language that have a meaning of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace telltale::query {

// Labels that no stream has: they are found on reading, record by record.
enum class ComputedLabel : std::uint8_t {
  level,    // the severity's name: trace debug info warn error fatal unset
  error,    // "true" for an error record (severity >= error, or a finding), else "false"
  finding,  // the rules that marked the record; "" when none did
};
std::optional<ComputedLabel> computed_label(std::string_view name);

// test run worker template test_candidate: computed labels whose data does not exist in this version.
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
