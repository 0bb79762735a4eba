#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"

namespace telltale::base {
namespace {

constexpr UnixNanos some_time = 1'795'222'923'123'456'789;  // 2026-11-21T01:02:03.123456789Z

TEST(Rfc3339, WritesAsManyDigitsAsAsked) {
  EXPECT_EQ(format_rfc3339(some_time), "2026-11-21T01:02:03.123456789Z");
  EXPECT_EQ(format_rfc3339(some_time, 6), "2026-11-21T01:02:03.123456Z");
  EXPECT_EQ(format_rfc3339(some_time, 3), "2026-11-21T01:02:03.123Z");
  EXPECT_EQ(format_rfc3339(some_time, 0), "2026-11-21T01:02:03Z");
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_rfc3339(951'782'400 * nanos_per_second, 0), "2000-02-29T00:00:00Z");
}

TEST(Rfc3339, CoversAllOfTheRange) {
  EXPECT_EQ(format_rfc3339(std::numeric_limits<std::int64_t>::min()), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(format_rfc3339(std::numeric_limits<std::int64_t>::max()), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(parse_rfc3339("2262-04-11T23:47:16.854775807Z"), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(parse_rfc3339("2262-04-11T23:47:16.854775808Z").has_value());
  EXPECT_FALSE(parse_rfc3339("9999-12-31T23:59:59Z").has_value());
  EXPECT_FALSE(parse_rfc3339("0000-01-01T00:00:00Z").has_value());
}

TEST(Rfc3339, ReadsEveryFractionAndZone) {
  EXPECT_EQ(parse_rfc3339("2026-11-21T01:02:03.123456789Z"), some_time);
  EXPECT_EQ(parse_rfc3339("2026-11-21T02:32:03.123456789+01:30"), some_time);
  EXPECT_EQ(parse_rfc3339("2026-11-20T18:02:03.123456789-07:00"), some_time);
  EXPECT_EQ(parse_rfc3339("2026-11-21t01:02:03.123456789999z"), some_time);
  EXPECT_EQ(parse_rfc3339("2026-11-21 01:02:03.1Z"), some_time - 23'456'789);
  EXPECT_EQ(parse_rfc3339("1998-12-31T23:59:60Z"), parse_rfc3339("1999-01-01T00:00:00Z"));
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T01:02:03", "2026-13-21T01:02:03Z", "2026-02-29T01:02:03Z", "2026-00-01T01:02:03Z",
        "2026-11-31T01:02:03Z", "2026-11-21T24:00:00Z", "2026-11-21T01:60:03Z", "2026-11-21T01:02:61Z", "2026-11-21T01:02:03.Z",
        "2026-11-21T01:02:03+0100", "2026-11-21T01:02:03+24:00", "2026-11-21T01:02:03Zx", "26-11-21T01:02:03Z", "2026-11-21T01:02:03,5Z"}) {
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
  }
}

TEST(Duration, ReadsUnitsFractionsAndSums) {
  const std::pair<std::string_view, std::int64_t> answers[] = {
      {"10ms", 10'000'000},
      {"1.5s", 1'500'000'000},
      {"2m", 120'000'000'000},
      {"3h", 10'800'000'000'000},
      {"7d", 604'800'000'000'000},
      {"1h30m", 5'400 * nanos_per_second},
      {"250us", 250'000},
      {"250\xC2\xB5s", 250'000},
      {"7ns", 7},
      {"0", 0},
      {"0s", 0},
      {" 5s ", 5 * nanos_per_second},
  };
  for (const auto& [text, nanos] : answers) EXPECT_EQ(parse_duration(text).value_or(-1), nanos) << text;
}

TEST(Duration, RefusesTheRestAndNamesIt) {
  for (const char* text :
       {"", "5", "s", "-5s", "1.s", ".5s", "1..5s", "5 s", "5S", "5parsecs", "1h 30m", "999999999999d", "12345678901234567890s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
  const auto wrong = parse_duration("5\x1Bparsecs");
  EXPECT_EQ(wrong.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(wrong.error().cause, "'5\\x1bparsecs' is not a duration");
}

TEST(Duration, WritesWhatCanBeReadBack) {
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(5'400 * nanos_per_second), "1h30m");
  EXPECT_EQ(format_duration(86'400 * nanos_per_second + 1), "1d1ns");
  EXPECT_EQ(format_duration(-1'500'000), "-1ms500us");
  constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(parse_duration(format_duration(longest)).value_or(-1), longest);
}

TEST(Bytes, ReadsUnitsOfBothKinds) {
  const std::pair<std::string_view, std::uint64_t> answers[] = {{"512", 512},
                                                                {"64KiB", 65'536},
                                                                {"10MB", 10'000'000},
                                                                {"1GiB", 1ull << 30},
                                                                {"2TiB", 2ull << 40},
                                                                {"1.5 kb", 1500},
                                                                {"7B", 7},
                                                                {"0", 0},
                                                                {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()}};
  for (const auto& [text, bytes] : answers) EXPECT_EQ(parse_bytes(text).value_or(1), bytes) << text;
}

TEST(Bytes, RefusesTheRest) {
  for (const char* text : {"", "KiB", "-1", "1.5", "64K", "64KiBs", "1GiB1", "18446744073709551616", "16777216TiB", "1e3"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
}

TEST(Bytes, WritesTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_bytes(256 * 1024), "256KiB");
  EXPECT_EQ(format_bytes(1ull << 30), "1GiB");
  EXPECT_EQ(format_bytes(10'000'000), "10MB");
  EXPECT_EQ(format_bytes(1234), "1234B");
  EXPECT_EQ(format_bytes(0), "0B");
}

}  // namespace

}  // namespace telltale::base
