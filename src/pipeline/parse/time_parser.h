// Timestamps as programs write them. Hand-written: no allocation, no locale, linear in the few bytes of a timestamp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "record/batch.h"

namespace telltale::pipeline {

// What a timestamp is read against.
struct TimeContext {
  base::UnixNanos observed = 0;          // a missing year is the one that brings the time nearest to it
  std::int32_t zone_offset_seconds = 0;  // east of UTC; taken where the text has no zone
};

// The written forms. Which one a text may have is told by the shape of its first bytes, so no form is tried in vain.
enum class TimeLayout : std::uint8_t {
  none,
  iso,     // 2024-03-21T10:30:00.123Z, 2024-03-21 10:30:00,123 +0100, 2024-03-21 10:30; a field also 2024-03-21
  slash,   // 2024/03/21 10:30:00 (Go, nginx's error log), with a fraction or without
  syslog,  // Mar 21 10:30:00, Mar  1 10:30:00.123, Mar 21 2024 10:30:00
  clf,     // 21/Mar/2024:10:30:00 +0100
  klog,    // 0321 10:30:00.123456, 20240321 10:30:00.123456 (behind klog's and glog's level letter)
  ctime,   // Thu Mar 21 10:30:00.123456 2024, Thu Mar 21 10:30:00 UTC 2024
  dated,   // 21 Mar 2024 10:30:00.123 (Redis), Thu, 21 Mar 2024 10:30:00 GMT, 21-Mar-2024 10:30:00 UTC (PHP)
  epoch,   // 1711017000, 1711017000.123, 1711017000123 (ms), 1711017000123456 (us), 1711017000123456789 (ns)
};

struct ParsedTime {
  base::UnixNanos time = 0;
  std::size_t size = 0;  // bytes it takes
  record::TimeResolution resolution = record::TimeResolution::none;
  TimeLayout layout = TimeLayout::none;
  bool zone_assumed = false;
};

// The timestamp that `text` begins with, in any layout but klog's. What follows it must not be a letter or digit.
std::optional<ParsedTime> parse_time_prefix(std::string_view text, const TimeContext& context);
// klog's, which is too short to be recognised without the letter before it.
std::optional<ParsedTime> parse_klog_time_prefix(std::string_view text, const TimeContext& context);
// A field's whole value: nothing may stand behind the timestamp.
std::optional<ParsedTime> parse_time(std::string_view text, const TimeContext& context);

// A number as written, since 1970: seconds (with a fraction), milliseconds, microseconds or nanoseconds, told apart by their size;
// 2001 to 2261.
std::optional<ParsedTime> parse_epoch(std::string_view text);

// Sets event time, resolution and both time flags of a record whose observed_time is set.
void set_event_time(record::Record& record, const ParsedTime& time);

// "UTC", "Z", "+01:00", "-0530" -> seconds east of UTC.
std::optional<std::int32_t> parse_zone(std::string_view text);

}  // namespace telltale::pipeline
