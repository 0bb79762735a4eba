// Local time for people: what is stored and sent is UTC.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace telltale::base {

// Thread-safe.
class TimeZone {
 public:
  virtual ~TimeZone() = default;
  // Seconds to add to UTC at that moment.
  virtual std::int32_t offset_seconds(UnixNanos time) const = 0;
};

// The machine's own zone (TZ, else /etc/localtime).
class LocalTimeZone final : public TimeZone {
 public:
  std::int32_t offset_seconds(UnixNanos time) const override;

 private:
  // The quarter of an hour that was asked for last, and its offset: zones change only between quarters.
  mutable std::atomic<std::int64_t> last_{-1};
};

class FixedTimeZone final : public TimeZone {
 public:
  explicit FixedTimeZone(std::int32_t offset_seconds) : offset_seconds_(offset_seconds) {}
  std::int32_t offset_seconds(UnixNanos) const override { return offset_seconds_; }

 private:
  const std::int32_t offset_seconds_;
};

// "2026-11-21 01:02:03.123".
void append_local_time(std::string& out, UnixNanos time, const TimeZone& zone);
// "20261121_010203": for names of files.
std::string local_time_name(UnixNanos time, const TimeZone& zone);

}  // namespace telltale::base
