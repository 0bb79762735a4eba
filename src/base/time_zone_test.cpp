#include "base/time_zone.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::base {
namespace {

// Sets TZ for a test.
class ZoneOfProcess {
 public:
  explicit ZoneOfProcess(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~ZoneOfProcess() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

std::string shown(std::string_view time, const TimeZone& zone) {
  std::string text = "[";
  append_local_time(text, *parse_rfc3339(time), zone);
  return text;
}

TEST(TimeZone, LocalTimeHasMilliseconds) {
  EXPECT_EQ(shown("2026-11-21T01:02:03.1239Z", FixedTimeZone(0)), "[2026-11-21 01:02:03.123");
  EXPECT_EQ(shown("2026-11-21T01:02:03Z", FixedTimeZone(-2 * 3600)), "[2026-11-20 23:02:03.000");
  EXPECT_EQ(local_time_name(*parse_rfc3339("2026-11-21T01:02:03.5Z"), FixedTimeZone(3600)), "20261121_020203");
  EXPECT_EQ(shown("1969-12-31T23:59:59.9Z", FixedTimeZone(0)), "[1969-12-31 23:59:59.900");
}

// The rule is written out, so that the test does not depend on the zones that are installed.
TEST(TimeZone, FollowsSummerTime) {
  const ZoneOfProcess process("CET-1CEST,M3.5.0/2,M10.5.0/3");
  const LocalTimeZone zone;
  EXPECT_EQ(shown("2026-03-29T00:59:59.999Z", zone), "[2026-03-29 01:59:59.999");
  EXPECT_EQ(shown("2026-03-29T01:00:00Z", zone), "[2026-03-29 03:00:00.000");
  EXPECT_EQ(shown("2026-03-29T00:59:59.999Z", zone), "[2026-03-29 01:59:59.999");
  EXPECT_EQ(shown("2026-10-25T00:59:59Z", zone), "[2026-10-25 02:59:59.000");
  EXPECT_EQ(shown("2026-10-25T01:00:00Z", zone), "[2026-10-25 02:00:00.000");
}

TEST(TimeZone, WestAndBeforeTheEpoch) {
  const ZoneOfProcess process("XYZ11:45");
  const LocalTimeZone zone;
  for (const char* time : {"1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-21T11:45:00Z"}) {
    EXPECT_EQ(zone.offset_seconds(*parse_rfc3339(time)), -(11 * 3600 + 45 * 60)) << time;
  }
}

}  // namespace
}  // namespace telltale::base
