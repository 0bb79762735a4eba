#include "pipeline/parse/time_parser.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "pipeline/parse/civil_time.h"

namespace telltale::pipeline {
namespace {

using record::TimeResolution;

constexpr base::UnixNanos observed = 1'711'022'400 * base::nanos_per_second;  // 2024-03-21T12:00:00Z
constexpr TimeContext context{observed, 0};

struct Sample {
  const char* text;
  const char* time;
  TimeResolution resolution;
  TimeLayout layout;
  bool zone_assumed;
};

class Times : public testing::TestWithParam<Sample> {};

TEST_P(Times, AreReadWhole) {
  const Sample& sample = GetParam();
  const auto time = parse_time(sample.text, context);
  ASSERT_TRUE(time) << sample.text;
  EXPECT_EQ(base::format_rfc3339(time->time), sample.time) << sample.text;
  EXPECT_EQ(time->resolution, sample.resolution) << sample.text;
  EXPECT_EQ(time->layout, sample.layout) << sample.text;
  EXPECT_EQ(time->zone_assumed, sample.zone_assumed) << sample.text;
}

using enum TimeResolution;
INSTANTIATE_TEST_SUITE_P(Layouts, Times,
                         testing::ValuesIn(std::initializer_list<Sample>{
                             {"2024-03-21T10:30:00Z", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::iso, false},
                             {"2024-03-21t10:30:00z", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::iso, false},
                             {"2024-03-21 10:30:00", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::iso, true},
                             {"2024-03-21 10:30", "2024-03-21T10:30:00.000000000Z", minute, TimeLayout::iso, true},
                             {"2024-03-21", "2024-03-21T00:00:00.000000000Z", day, TimeLayout::iso, true},
                             {"2024-03-21T10:30:00.1Z", "2024-03-21T10:30:00.100000000Z", second, TimeLayout::iso, false},
                             {"2024-03-21T10:30:00,123+01:00", "2024-03-21T09:30:00.123000000Z", millisecond, TimeLayout::iso, false},
                             {"2024-03-21T10:30:00.123456-0530", "2024-03-21T16:00:00.123456000Z", microsecond, TimeLayout::iso, false},
                             {"2024-03-21T10:30:00.1234567+02", "2024-03-21T08:30:00.123456700Z", nanosecond, TimeLayout::iso, false},
                             {"2024-03-21T10:30:00.123456789123Z", "2024-03-21T10:30:00.123456789Z", nanosecond, TimeLayout::iso, false},
                             {"2024-03-21 10:30:00.123 UTC", "2024-03-21T10:30:00.123000000Z", millisecond, TimeLayout::iso, false},
                             {"2024-03-21 10:30:00 +0100", "2024-03-21T09:30:00.000000000Z", second, TimeLayout::iso, false},
                             {"2024-12-31T23:59:60Z", "2025-01-01T00:00:00.000000000Z", second, TimeLayout::iso, false},
                             {"2024-02-29 00:00:00", "2024-02-29T00:00:00.000000000Z", second, TimeLayout::iso, true},
                             {"2024/03/21 10:30:00", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::slash, true},
                             {"2024/03/21 10:30:00.123456", "2024-03-21T10:30:00.123456000Z", microsecond, TimeLayout::slash, true},
                             {"Mar 21 10:30:00", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::syslog, true},
                             {"Mar  2 10:30:00.123", "2024-03-02T10:30:00.123000000Z", millisecond, TimeLayout::syslog, true},
                             {"Mar 21 2023 10:30:00", "2023-03-21T10:30:00.000000000Z", second, TimeLayout::syslog, true},
                             {"Dec 31 23:59:59", "2023-12-31T23:59:59.000000000Z", second, TimeLayout::syslog, true},
                             {"10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36.000000000Z", second, TimeLayout::clf, false},
                             {"Thu Mar 21 10:30:00 2024", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::ctime, true},
                             {"Thu Mar  7 10:30:00.123456 2024", "2024-03-07T10:30:00.123456000Z", microsecond, TimeLayout::ctime, true},
                             {"Thu Mar 21 10:30:00 UTC 2024", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::ctime, false},
                             {"Thu, 21 Mar 2024 10:30:00 GMT", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::dated, false},
                             {"21 Mar 2024 10:30:00.123", "2024-03-21T10:30:00.123000000Z", millisecond, TimeLayout::dated, true},
                             {"21-Mar-2024 10:30:00 UTC", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::dated, false},
                             {"1711017000", "2024-03-21T10:30:00.000000000Z", second, TimeLayout::epoch, false},
                             {"1711017000.123", "2024-03-21T10:30:00.123000000Z", millisecond, TimeLayout::epoch, false},
                             {"1711017000.123456", "2024-03-21T10:30:00.123456000Z", microsecond, TimeLayout::epoch, false},
                             {"1711017000123", "2024-03-21T10:30:00.123000000Z", millisecond, TimeLayout::epoch, false},
                             {"1711017000123456", "2024-03-21T10:30:00.123456000Z", microsecond, TimeLayout::epoch, false},
                             {"1711017000123456789", "2024-03-21T10:30:00.123456789Z", nanosecond, TimeLayout::epoch, false},
                         }));

TEST(Time, IsNoneInWhatOnlyLooksLikeOne) {
  for (const char* text : {"",
                           "soon",
                           "2024-13-21T10:30:00Z",
                           "2024-02-30T10:30:00Z",
                           "2023-02-29T10:30:00Z",
                           "2024-03-21T24:00:00Z",
                           "2024-03-21T10:60:00Z",
                           "2024-03-21T10:30:61Z",
                           "2024-03-21T10:30:0",
                           "2024-03-21T1",
                           "2024-03-21X10:30:00",
                           "0000-03-21T10:30:00Z",
                           "9999-03-21T10:30:00Z",
                           "2024/03/21 10:30",
                           "Mar 32 10:30:00",
                           "Mxr 21 10:30:00",
                           "10/Okt/2000:13:55:36 -0700",
                           "Thx Mar 21 10:30:00 2024",
                           "123456789",
                           "12345678901",
                           "9999999999",
                           "1711017000.",
                           "1711017000.12x",
                           "99999999999999999999",
                           "2024-03-21T10:30:00Z tail",
                           "2024-03-21T10:30:00Zulu"}) {
    EXPECT_FALSE(parse_time(text, context)) << text;
  }
}

TEST(Time, PrefixEndsWhereTheTimestampEnds) {
  const std::pair<const char*, std::size_t> samples[] = {
      {"2024-03-21T10:30:00Z text", 20},   {"2024-03-21 10:30:00,123 ERROR", 23},
      {"2024-03-21 10:30:00 -1 left", 19}, {"2024-03-21 10:30:00 +01:00 text", 26},
      {"2024-03-21 10:30:00] text", 19},   {"Mar 21 10:30:00 host", 15},
      {"1711017000.5: text", 12},          {"2024-03-21T10:30:00.123Z[UTC]", 24},
  };
  for (const auto& [text, size] : samples) {
    const auto time = parse_time_prefix(text, context);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time->size, size) << text;
  }
}

TEST(Time, WithoutYearIsTheNearestOne) {
  const TimeContext new_year{days_from_civil(2024, 1, 1) * 86400 * base::nanos_per_second, 0};
  EXPECT_EQ(base::format_rfc3339(parse_time("Dec 31 23:59:59", new_year)->time, 0), "2023-12-31T23:59:59Z");
  EXPECT_EQ(base::format_rfc3339(parse_time("Jan  1 00:00:01", new_year)->time, 0), "2024-01-01T00:00:01Z");
  const TimeContext old_year{new_year.observed - 1, 0};
  EXPECT_EQ(base::format_rfc3339(parse_time("Jan  1 00:00:01", old_year)->time, 0), "2024-01-01T00:00:01Z");
  EXPECT_EQ(base::format_rfc3339(parse_time("Feb 29 00:00:01", old_year)->time, 0), "2024-02-29T00:00:01Z");
  EXPECT_EQ(base::format_rfc3339(parse_klog_time_prefix("1231 23:59:59.000001 ", new_year)->time, 6), "2023-12-31T23:59:59.000001Z");
}

TEST(Time, WithoutZoneIsInTheConfiguredOne) {
  const TimeContext india{observed, 19800};
  EXPECT_EQ(base::format_rfc3339(parse_time("2024-03-21 10:30:00", india)->time, 0), "2024-03-21T05:00:00Z");
  EXPECT_EQ(base::format_rfc3339(parse_time("2024-03-21 10:30:00Z", india)->time, 0), "2024-03-21T10:30:00Z");
}

TEST(Zone, IsReadFromItsForms) {
  EXPECT_EQ(parse_zone("UTC"), 0);
  EXPECT_EQ(parse_zone("Z"), 0);
  EXPECT_EQ(parse_zone("+01:00"), 3600);
  EXPECT_EQ(parse_zone("-0530"), -19800);
  EXPECT_EQ(parse_zone("+02"), 7200);
  for (const char* text : {"", "CET", "+", "+1", "+1:00", "+01:0", "+01:60", "+16:00", "01:00", "+01:00x"})
    EXPECT_FALSE(parse_zone(text)) << text;
}

TEST(CivilTime, AgreesWithTheCalendarOverEveryDayOf400Years) {
  std::int64_t expected = days_from_civil(1800, 1, 1);
  for (int year = 1800; year < 2200; ++year) {
    for (unsigned month = 1; month <= 12; ++month) {
      for (unsigned day_number = 1; day_number <= days_in_month(year, month); ++day_number) {
        ASSERT_EQ(days_from_civil(year, month, day_number), expected);
        ASSERT_EQ(year_of(expected * 86400 * base::nanos_per_second), year);
        ++expected;
      }
    }
  }
  EXPECT_EQ(days_from_civil(1970, 1, 1), 0);
}

}  // namespace
}  // namespace telltale::pipeline
