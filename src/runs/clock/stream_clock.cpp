#include "runs/clock/stream_clock.h"

#include <algorithm>
#include <cstdlib>

namespace telltale::runs {
namespace {

using base::nanos_per_millisecond;
using base::nanos_per_second;

constexpr std::int64_t smallest_ahead_ns = 2 * nanos_per_millisecond;
constexpr std::int64_t smallest_behind_ns = 100 * nanos_per_millisecond;  // less is the way of lines from another machine
// A zone is wrong when the rest of the difference is a way that lines may take, or what clocks of two machines differ by.
constexpr std::int64_t zone_rest_ns = 5 * nanos_per_second;
constexpr std::int64_t stretch_ns = 30 * nanos_per_second;

ClockCorrection between(std::int64_t low, std::int64_t high) {
  const std::int64_t half = (high - low + 1) / 2;
  return {low + half, half, OffsetMethod::estimated};
}

bool has_exact_time(const record::Record& record) {
  return record.has_event_time() && !record.has(record::flag_time_out_of_range) && record.resolution != record::TimeResolution::minute &&
         record.resolution != record::TimeResolution::day;
}

}  // namespace

void StreamClock::add(const record::Batch& batch) {
  for (const record::Record& record : batch.records) {
    if (has_exact_time(record)) add(record);
  }
}

void StreamClock::add(const record::Record& record) {
  zone_assumed_ = zone_assumed_ && record.has(record::flag_zone_assumed);
  resolution_ns_ = std::max(resolution_ns_, nanos_of(record.resolution));
  if (stretch_.is_enough() && record.observed_time - stretch_.first > stretch_ns) {
    lowest_ = std::min(lowest_, stretch_.least);
    highest_ = std::max(highest_, stretch_.least);
    stretch_ = {};
  }
  if (stretch_.samples++ == 0) stretch_.first = record.observed_time;
  stretch_.last = record.observed_time;
  stretch_.least = std::min(stretch_.least, record.observed_time - record.event_time);
}

std::optional<ClockCorrection> StreamClock::estimate() const {
  const bool enough = stretch_.is_enough();
  if (!enough && lowest_ > highest_) return std::nullopt;
  const std::int64_t lowest = enough ? std::min(lowest_, stretch_.least) : lowest_;
  const std::int64_t highest = enough ? std::max(highest_, stretch_.least) : highest_;
  if (zone_assumed_) {
    if (const auto shift = zone_shift(lowest, highest)) return shift;
  }
  if (own_host_) return std::nullopt;
  const std::int64_t low = lowest - resolution_ns_ - fastest_way_ns;
  if (lowest < -smallest_ahead_ns) return between(low, highest);
  if (highest > smallest_behind_ns) return between(std::min<std::int64_t>(0, low), highest);
  return std::nullopt;
}

// Timestamps without a zone that are off by a multiple of zone_step_ns are of another zone than was assumed.
std::optional<ClockCorrection> StreamClock::zone_shift(std::int64_t lowest, std::int64_t highest) const {
  const std::int64_t early = own_host_ ? 0 : zone_rest_ns;
  const std::int64_t steps = (lowest + early) / zone_step_ns - ((lowest + early) % zone_step_ns < 0 ? 1 : 0);
  const std::int64_t shift = steps * zone_step_ns;
  if (steps == 0 || highest - shift > zone_rest_ns + resolution_ns_) return std::nullopt;
  if (own_host_) return ClockCorrection{shift, 0, OffsetMethod::estimated};
  const std::int64_t low = lowest - shift - resolution_ns_ - fastest_way_ns;
  return between(shift + std::min<std::int64_t>(0, low), shift + std::max<std::int64_t>(0, highest - shift));
}

}  // namespace telltale::runs
