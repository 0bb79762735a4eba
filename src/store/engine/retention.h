// Which segments have outlived their time. Pure functions.
//
// A clock can be wrong by years for a while, and what retention removes does not come back. So an age is believed only as far as time can
// be seen to have passed: by the observed times of the segments since, and by the engine's own monotonic clock. A step forward of more
// than a quarter of the limit without anything in between counts only when so much time has been seen to pass after it too; one that is
// taken back never counts.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.h"

namespace telltale::store {

// Observed times of a segment's records; one without records has oldest > newest.
struct SegmentSpan {
  base::UnixNanos oldest = INT64_MAX;
  base::UnixNanos newest = INT64_MIN;
  bool empty() const { return oldest > newest; }
};

// What the engine's clocks say.
struct EngineTime {
  base::UnixNanos opened = 0;  // wall time at the opening
  std::int64_t elapsed = 0;    // monotonic nanoseconds since
  base::UnixNanos now = 0;     // wall time
};

// How many of the oldest segments (never the last one) hold nothing that is younger than `limit` nanoseconds.
std::size_t outlived(std::span<const SegmentSpan> segments, const EngineTime& time, std::int64_t limit);

}  // namespace telltale::store
