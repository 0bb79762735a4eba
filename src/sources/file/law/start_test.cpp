#include "sources/text/start_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/text.h"
#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr base::UnixNanos second = base::nanos_per_second;
constexpr base::UnixNanos base_time = 1'800'000'000 * second;

// "@SECONDS text": seconds after base_time.
std::optional<base::UnixNanos> time_of(std::string_view line) {
  if (!line.starts_with('@')) return std::nullopt;
  return base_time + std::strtoll(std::string(line.substr(1, line.find(' '))).c_str(), nullptr, 10) * second;
}

class StartTimeTest : public testing::TailHarness, public ::testing::Test {
 protected:
  StartTimeTest() { line_time = time_of; }
  std::vector<std::string> texts() const { return store.texts(); }
  void begin_at(base::UnixNanos time) {
    std::string text;
    base::append_rfc3339(text, time, 3);
    source.start = text;
  }
};

TEST(StartTime, IsATimeOrADurationBack) {
  EXPECT_EQ(start_time("-10m", 1000 * second), 400 * second);
  EXPECT_EQ(start_time("2027-01-15T08:00:00Z", 0), base_time);
  EXPECT_EQ(start_time("2027-01-15T09:00:00+01:00", 0), base_time);
  EXPECT_EQ(start_time("end", 0), std::nullopt);
  EXPECT_EQ(start_time("10m", 0), std::nullopt);
  EXPECT_EQ(start_time("-1000d", second), 0) << "not before 1970";
}

TEST_F(StartTimeTest, TheFirstLineAtOrAfterItIsTheFirst) {
  append("app.log", "@1 a\n@2 b\n@3 c\n  more of c\n@4 d\n");
  watch("app.log");
  begin_at(base_time + 3 * second);
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("@3 c", "  more of c", "@4 d"));
}

TEST_F(StartTimeTest, AlsoInALargeFileWithLinesThatHaveNone) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("@{} line\n  at somewhere\n", i / 10);
  append("app.log", text);
  watch("app.log");
  for (const int wanted : {0, 1, 17, 5000, 9998, 9999}) {
    store = {};
    begin_at(base_time + wanted * second);
    start();
    settle();
    ASSERT_THAT(texts(), SizeIs((10'000 - wanted) * 20)) << wanted;
    EXPECT_EQ(texts().front(), fmt::format("@{} line", wanted));
  }
}

TEST_F(StartTimeTest, NothingWhenAllIsEarlierAndWhatComesLaterIsRead) {
  append("app.log", "@1 a\n@2 b\n");
  watch("app.log");
  begin_at(base_time + 3 * second);
  start();
  settle();
  append("app.log", "@1 written later\n");
  append("new.log", "@1 new file\n");
  watch("new.log");
  settle();
  EXPECT_THAT(texts(), ElementsAre("@1 written later"));
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("@1 written later", "@1 new file")) << "from its beginning: it came up later";
}

TEST_F(StartTimeTest, WithoutTimesTheFilesOwnDecides) {
  append("new.log", "one\n");
  append("old.log", "two\n");
  std::filesystem::last_write_time(path("old.log"), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  watch("*.log");
  source.start = "-10m";
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
}

TEST_F(StartTimeTest, InUtf16AndInCompressedFilesToo) {
  append("wide.log", from_utf8(TextEncoding::utf16_be, "@1 a\n@2 b\n@3 c\n", true));
  append("old.log", "@1 x\n@2 y\n@3 z\n");
  ASSERT_EQ(std::system(("gzip -q " + path("old.log")).c_str()), 0);
  watch("wide.log");
  watch("*.gz");
  begin_at(base_time + 2 * second);
  start();
  settle();
  EXPECT_THAT(texts(), ::testing::UnorderedElementsAre("@2 b", "@3 c", "@2 y", "@3 z"));
}

TEST_F(StartTimeTest, ALineLongerThanAPieceIsPassedOver) {
  append("app.log", "@1 a\n@2 " + std::string(300'000, 'x') + "\n@3 c\n");
  watch("app.log");
  begin_at(base_time + 3 * second);
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("@3 c"));
}

}  // namespace
}  // namespace telltale::sources
