#include "runs/registry/window.h"

#include <algorithm>

namespace telltale::runs {
namespace {

// It was written between its source's last look and its arrival.
TimeSpan span_of_arrival(const record::Batch& batch, const record::Record& record) {
  return {batch.written_after == 0 ? INT64_MIN : std::min(batch.written_after, record.observed_time), record.observed_time};
}

}  // namespace

std::int64_t nanos_of(record::TimeResolution resolution) {
  switch (resolution) {
    case record::TimeResolution::none:
    case record::TimeResolution::nanosecond:
      return 0;
    case record::TimeResolution::microsecond:
      return 1'000;
    case record::TimeResolution::millisecond:
      return base::nanos_per_millisecond;
    case record::TimeResolution::second:
      return base::nanos_per_second;
    case record::TimeResolution::minute:
      return 60 * base::nanos_per_second;
    case record::TimeResolution::day:
      return 24 * 3600 * base::nanos_per_second;
  }
  return 0;
}

TimeSpan time_span(const record::Batch& batch, const record::Record& record, const std::optional<ClockCorrection>& clock,
                   std::int64_t grace_ns) {
  TimeSpan span = span_of_arrival(batch, record);
  if (record.has_event_time() && !record.has(record::flag_time_out_of_range)) {
    const ClockCorrection correction = clock.value_or(ClockCorrection{});
    const UnixNanos time = add_nanos(record.event_time, correction.offset_ns);
    const TimeSpan written{add_nanos(time, -correction.uncertainty_ns),
                           add_nanos(time, nanos_of(record.resolution) + correction.uncertainty_ns)};
    // Nothing is written after it arrived: a timestamp that says so is of a wrong clock.
    if (written.from <= add_nanos(record.observed_time, grace_ns)) span = {written.from, std::min(written.to, record.observed_time)};
    span.to = std::max(span.from, span.to);
  }
  return span.widened(grace_ns, grace_ns);
}

bool differs_materially(const std::optional<ClockCorrection>& known, const ClockCorrection& estimate) {
  if (!known) return true;
  const std::int64_t allowed = std::max(20 * base::nanos_per_millisecond, estimate.uncertainty_ns / 5);
  const std::int64_t low = (known->offset_ns - known->uncertainty_ns) - (estimate.offset_ns - estimate.uncertainty_ns);
  const std::int64_t high = (known->offset_ns + known->uncertainty_ns) - (estimate.offset_ns + estimate.uncertainty_ns);
  // Bounds that were too narrow were wrong; too wide ones only say less than could be known.
  return low > 0 || high < 0 || -low > allowed || high > allowed;
}

}  // namespace telltale::runs
