// Calendar arithmetic of the time parser.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace telltale::pipeline {

struct CivilTime {
  int year = 1970;
  unsigned month = 1;  // 1 to 12
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;  // 60 in a leap second, which is the next minute's first
  std::uint32_t nanos = 0;
};

constexpr bool is_leap_year(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr unsigned days_in_month(int year, unsigned month) {
  constexpr unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

// Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr std::int64_t days_from_civil(int year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return static_cast<std::int64_t>(era) * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

// The year that a time of day zero UTC lies in. Source: the same, civil_from_days.
constexpr int year_of(base::UnixNanos time) {
  constexpr std::int64_t nanos_per_day = 86400 * base::nanos_per_second;
  std::int64_t days = time / nanos_per_day - (time % nanos_per_day < 0 ? 1 : 0);
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  return static_cast<int>(year_of_era) + static_cast<int>(era) * 400 + (month_from_march >= 10 ? 1 : 0);
}

// Years that nanoseconds in 64 bits reach with every day of theirs.
inline constexpr int first_year = 1678;
inline constexpr int last_year = 2261;

constexpr bool is_valid(const CivilTime& t) {
  return t.year >= first_year && t.year <= last_year && t.month >= 1 && t.month <= 12 && t.day >= 1 &&
         t.day <= days_in_month(t.year, t.month) && t.hour <= 23 && t.minute <= 59 && t.second <= 60;
}

// Of a valid time, `offset_seconds` east of UTC.
constexpr base::UnixNanos to_unix(const CivilTime& t, std::int32_t offset_seconds) {
  const std::int64_t seconds = days_from_civil(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second - offset_seconds;
  return seconds * base::nanos_per_second + t.nanos;
}

}  // namespace telltale::pipeline
