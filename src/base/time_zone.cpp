#include "base/time_zone.h"

#include <ctime>

#include "base/text.h"

namespace telltale::base {

namespace {

constexpr std::int64_t seconds_per_quarter = 900;
constexpr std::int64_t offset_range = 1 << 18;  // more than any offset's seconds, twice

std::int32_t ask_system(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  if (::localtime_r(&time, &local) == nullptr) return 0;
  return static_cast<std::int32_t>(local.tm_gmtoff);
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

std::int32_t LocalTimeZone::offset_seconds(UnixNanos time) const {
  const std::int64_t seconds = floor_divide(time, nanos_per_second);
  const std::int64_t quarter = floor_divide(seconds, seconds_per_quarter);
  const std::int64_t last = last_.load(std::memory_order_relaxed);
  if (last != -1 && floor_divide(last, offset_range) == quarter) {
    return static_cast<std::int32_t>(last - quarter * offset_range - offset_range / 2);
  }
  const std::int32_t offset = ask_system(quarter * seconds_per_quarter);
  last_.store(quarter * offset_range + offset_range / 2 + offset, std::memory_order_relaxed);
  return offset;
}

void append_local_time(std::string& out, UnixNanos time, const TimeZone& zone) {
  const std::size_t begin = out.size();
  append_rfc3339(out, time + zone.offset_seconds(time) * nanos_per_second, 3);
  out.pop_back();
  out[begin + 10] = ' ';
}

std::string local_time_name(UnixNanos time, const TimeZone& zone) {
  std::string text;
  append_local_time(text, time, zone);
  std::string name;
  for (const char c : text.substr(0, 19)) {
    if (c == ' ') name += '_';
    if (c >= '0' && c <= '9') name += c;
  }
  return name;
}

}  // namespace telltale::base
