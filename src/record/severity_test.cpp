#include "record/severity.h"

#include <string>

#include <gtest/gtest.h>

namespace telltale::record {
namespace {

TEST(ParseSeverity, KnowsTheWordsOfCommonLoggersInAnyCase) {
  for (const char* word : {"ERROR", "error", "Err", "E", "SEVERE", "50"}) EXPECT_EQ(parse_severity(word), Severity::error) << word;
  for (const char* word : {"warn", "WARNING", "W", "WRN", "40"}) EXPECT_EQ(parse_severity(word), Severity::warn) << word;
  for (const char* word : {"INFO", "Information", "informational", "I", "30"}) EXPECT_EQ(parse_severity(word), Severity::info) << word;
  for (const char* word : {"DEBUG", "dbg", "D", "20", "D3"}) EXPECT_EQ(parse_severity(word), Severity::debug) << word;
  for (const char* word : {"trace", "VERBOSE", "finest", "10"}) EXPECT_EQ(parse_severity(word), Severity::trace) << word;
  for (const char* word : {"FATAL", "critical", "panic", "emerg", "EMERGENCY", "F", "60"}) {
    EXPECT_EQ(parse_severity(word), Severity::fatal) << word;
  }
}

TEST(ParseSeverity, FollowsOpenTelemetryBetweenTheLevels) {
  EXPECT_EQ(parse_severity("notice"), static_cast<Severity>(10));
  EXPECT_EQ(parse_severity("crit"), static_cast<Severity>(18));
  EXPECT_EQ(parse_severity("alert"), static_cast<Severity>(19));
  EXPECT_EQ(parse_severity("INFO2"), static_cast<Severity>(10));
  EXPECT_EQ(parse_severity("ERROR4"), static_cast<Severity>(20));
  EXPECT_EQ(parse_severity("TRACE1"), Severity::trace);
}

TEST(ParseSeverity, RefusesWhatIsNoLevel) {
  for (const char* word :
       {"", "er ror", "errors", "infos", "terrorist", "informationally", "INFO0", "INFO5", "55", "emergenci", "\x15\x10", "[[["}) {
    EXPECT_EQ(parse_severity(word), std::nullopt) << word;
  }
  EXPECT_EQ(parse_severity(std::string(1000, 'e')), std::nullopt);
  EXPECT_EQ(parse_severity(std::string_view("\0info", 5)), std::nullopt);
}

TEST(SeverityName, NamesTheRange) {
  EXPECT_EQ(severity_name(Severity::unset), "unset");
  EXPECT_EQ(severity_name(Severity::trace), "trace");
  EXPECT_EQ(severity_name(static_cast<Severity>(4)), "trace");
  EXPECT_EQ(severity_name(Severity::error), "error");
  EXPECT_EQ(severity_name(Severity::highest), "fatal");
}

TEST(WireLevel, HasFourLevelsAndUnsetIsInfo) {
  EXPECT_EQ(wire_level(Severity::unset), "INFO");
  EXPECT_EQ(wire_level(Severity::trace), "DEBUG");
  EXPECT_EQ(wire_level(static_cast<Severity>(8)), "DEBUG");
  EXPECT_EQ(wire_level(Severity::info), "INFO");
  EXPECT_EQ(wire_level(static_cast<Severity>(12)), "INFO");
  EXPECT_EQ(wire_level(Severity::warn), "WARNING");
  EXPECT_EQ(wire_level(static_cast<Severity>(16)), "WARNING");
  EXPECT_EQ(wire_level(Severity::error), "ERROR");
  EXPECT_EQ(wire_level(Severity::fatal), "ERROR");
}

}  // namespace
}  // namespace telltale::record
