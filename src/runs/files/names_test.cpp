#include "runs/files/names.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::runs {
namespace {

using namespace std::string_view_literals;

TEST(SafeName, KeepsWhatIsHarmless) {
  EXPECT_EQ(safe_name("test_pay-card.v2", 100), "test_pay-card.v2");
  EXPECT_EQ(safe_name("gr\xC3\xBC\xC3\x9F", 100), "gr\xC3\xBC\xC3\x9F");
}

TEST(SafeName, TakesTheMeaningFromTheRest) {
  EXPECT_EQ(safe_name("../../etc/passwd", 100), "_._.._etc_passwd");
  EXPECT_EQ(safe_name("-rf", 100), "_rf");
  EXPECT_EQ(safe_name("a b\0c\n*?\"<>|:\\\x1b"sv, 100), "a_b_c__________");
  EXPECT_EQ(safe_name("\xE2\x80\xAE\xFF", 100), "____");
  EXPECT_EQ(safe_name("", 100), "_");
  EXPECT_EQ(safe_name(".", 100), "_");
  EXPECT_EQ(safe_name("..", 100), "_.");
}

TEST(SafeName, IsCutBetweenCharacters) {
  EXPECT_EQ(safe_name("abcdef", 3), "abc");
  EXPECT_EQ(safe_name("ab\xC3\xBC", 3), "ab");
}

TEST(ServiceFileName, TwoServicesNeverShareAFile) {
  EXPECT_EQ(service_file_name("focus-server", ServiceFile::realtime), "focus-server_realtime.log");
  EXPECT_EQ(service_file_name("focus-server", ServiceFile::errors), "focus-server_errors.log");
  EXPECT_NE(service_file_name("a/b", ServiceFile::errors), service_file_name("a_b", ServiceFile::errors));
  EXPECT_NE(service_file_name("a/b", ServiceFile::errors), service_file_name("a:b", ServiceFile::errors));
  EXPECT_NE(service_file_name(std::string(150, 'a'), ServiceFile::errors), service_file_name(std::string(151, 'a'), ServiceFile::errors));
  EXPECT_LT(service_file_name(std::string(5000, 'a'), ServiceFile::errors).size(), 255U);
}

TEST(TestStems, TheClientsFirstThenWithTheId) {
  EXPECT_EQ(test_stems("test_pay_20251125_080312", "00000000000000a2"),
            (std::vector<std::string>{"test_pay_20251125_080312", "test_pay_20251125_080312-00000000",
                                      "test_pay_20251125_080312-00000000000000a2"}));
  // A changed name may have become another test's; one that ends like a file of errors would be taken for one.
  for (const std::string_view stem : {"a/b"sv, ""sv, ".."sv, "test_ERRORS"sv, "test_errors"sv}) {
    EXPECT_EQ(test_stems(stem, "00000000000000a2").size(), 2U) << stem;
  }
  for (const std::string& stem : test_stems(std::string(1000, 'x'), std::string(64, 'f'))) {
    EXPECT_LT(test_file_name(stem, TestFile::errors).size() + 5, 255U);
  }
}

TEST(RotatedName, SaysWhenItWasWrittenAndReadsBack) {
  const base::UnixNanos time = *base::parse_rfc3339("2025-11-25T08:03:12Z");
  const std::string name = rotated_name("api_realtime.log", time, base::FixedTimeZone(3600));
  EXPECT_EQ(name, "api_realtime_20251125_090312.log");
  EXPECT_EQ(name_before_rotation(name), "api_realtime");
  EXPECT_FALSE(is_service_file(name));
  EXPECT_TRUE(is_service_file("api_realtime.log") && is_service_file("api_errors.log"));
  for (const std::string_view other : {"api_realtime.log"sv, "_20251125_090312.log"sv, "notes_20251125_090312.log"sv,
                                       "api_errors_2025112x_090312.log"sv, "api_errors_20251125_090312.txt"sv, "_realtime.log"sv}) {
    EXPECT_EQ(name_before_rotation(other), "") << other;
  }
  EXPECT_FALSE(is_service_file("_realtime.log"));
}

}  // namespace
}  // namespace telltale::runs
