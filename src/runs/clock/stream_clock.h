// What one stream's timestamps say of the clock that wrote them.
//
// A record is observed after it was written, so real time - written time <= observed - written for every record: the least of those is an
// upper bound of the clock's offset. It is near the offset when at least one record came at once, which is taken for granted of many
// records from a stream that has other lines in between. A clock that seems *ahead* is wrong for certain; one that seems *behind* may be
// right and its lines always late, so the estimate then reaches from no offset to the bound.
#pragma once

#include <cstdint>
#include <optional>

#include "record/batch.h"
#include "runs/registry/window.h"

namespace telltale::runs {

// Nanoseconds. What many records have at the least of them: the way from a program's write to the engine.
inline constexpr std::int64_t fastest_way_ns = 50 * base::nanos_per_millisecond;
inline constexpr std::uint64_t min_clock_samples = 30;
inline constexpr std::int64_t min_clock_time_ns = base::nanos_per_second;  // between the first and the last of them
// Time zones lie a multiple of this apart.
inline constexpr std::int64_t zone_step_ns = 900 * base::nanos_per_second;

// One stream's; one thread. `own_host`: the stream is written on the engine's machine, whose clock is right by definition; only a wrong
// time zone is believed then.
class StreamClock {
 public:
  explicit StreamClock(bool own_host) : own_host_(own_host) {}

  void add(const record::Batch& batch);
  // Nothing while there is too little to say, or nothing to correct. Its method is always `estimated`.
  std::optional<ClockCorrection> estimate() const;

 private:
  // The records of about half a minute. The next ones are judged anew, so that a clock that is set is seen.
  struct Stretch {
    std::uint64_t samples = 0;
    std::int64_t least = INT64_MAX;  // of observed - written
    UnixNanos first = 0;
    UnixNanos last = 0;
    bool is_enough() const { return samples >= min_clock_samples && last - first >= min_clock_time_ns; }
  };
  void add(const record::Record& record);
  std::optional<ClockCorrection> zone_shift(std::int64_t lowest, std::int64_t highest) const;

  const bool own_host_;
  bool zone_assumed_ = true;        // of all records
  std::int64_t resolution_ns_ = 0;  // the coarsest
  Stretch stretch_;
  std::int64_t lowest_ = INT64_MAX;  // of the least differences of the stretches before
  std::int64_t highest_ = INT64_MIN;
};

}  // namespace telltale::runs
