#include "pipeline/join/joiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "base/testing/slowness.h"
#include "pipeline/join/join_invariants.h"
#include "pipeline/join/line_ends.h"

namespace telltale::pipeline {
namespace {

using testing::ElementsAre;

// The number of lines in each record.
std::vector<std::uint32_t> sizes(std::string_view text, JoinOptions options = {}) {
  const auto records = join_in_blocks(text, {}, options);
  check_joined(text, records, options);
  std::vector<std::uint32_t> result;
  for (const auto& record : records) result.push_back(record.source_lines);
  return result;
}

TEST(Joiner, LeavesLinesThatAreRecordsAlone) {
  EXPECT_THAT(sizes("one\ntwo\n\nthree\n"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(sizes("{\"a\":1}\n  {\"b\":1}\nlevel=info msg=x\n  more\n"), ElementsAre(1, 1, 1, 1));
}

TEST(Joiner, PutsIndentedLinesBelowALineWithATime) {
  EXPECT_THAT(sizes("2024-03-21 10:30:00 INFO settings:\n  port: 80\n\thost: a\n2024-03-21 10:30:01 INFO up\n"), ElementsAre(3, 1));
  EXPECT_THAT(sizes("[ERROR] settings:\n  port: 80\nWARNING: x\n  y\n"), ElementsAre(2, 2));
  EXPECT_THAT(sizes("10:30:00.123 [main] INFO a.B - x\n    y\n"), ElementsAre(2));
  EXPECT_THAT(sizes("fail: Shop.Orders[0]\n      no stock\ninfo: Shop.Orders[0]\n      going on\n"), ElementsAre(2, 2));
}

TEST(Joiner, DoesNotPutIndentedLinesBelowLinesOfAStreamWithoutTimes) {
  EXPECT_THAT(sizes("usage: app\n  -a  all\n  -b  both\ndone\n"), ElementsAre(1, 1, 1, 1));
}

TEST(Joiner, PutsIndentedLinesBelowAPlainLineWhereMostLinesHaveTimes) {
  EXPECT_THAT(sizes("2024-03-21 10:30:00 up\n2024-03-21 10:30:01 up\nsettings:\n  port: 80\n2024-03-21 10:30:02 up\n"),
              ElementsAre(1, 1, 2, 1));
}

TEST(Joiner, KeepsPlainLinesOfMixedStreamsApart) {
  EXPECT_THAT(sizes("2024-03-21 10:30:00 INFO a\nlistening\nready\n2024-03-21 10:30:01 INFO b\n"), ElementsAre(1, 1, 1, 1));
  // Below a trace too, as plain lines were seen before.
  EXPECT_THAT(sizes("a print\n2024-03-21 10:30:00 ERROR a\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: "
                    "x\nanother print\n"),
              ElementsAre(1, 4, 1));
}

TEST(Joiner, TakesMoreOfAMessageWhereEveryRecordHasAHead) {
  EXPECT_THAT(sizes("2024-03-21 10:30:00 ERROR a\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\nsecond "
                    "line\n[SQL: select 1]\n2024-03-21 10:30:01 INFO b\n"),
              ElementsAre(6, 1));
}

TEST(Joiner, DoesNotPutAProgramsEndBelowALineThatTellsOfSomethingElse) {
  const std::string trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n";
  EXPECT_THAT(sizes("2024-03-21 10:30:00 INFO fine\n" + trace), ElementsAre(1, 3));
  EXPECT_THAT(sizes("2024-03-21 10:30:00 ERROR bad\n" + trace), ElementsAre(4));
  EXPECT_THAT(sizes("2024-03-21 10:30:00 without a level\n" + trace), ElementsAre(4));
  EXPECT_THAT(sizes("2024/03/21 10:30:00 start\npanic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\n"), ElementsAre(1, 5));
  EXPECT_THAT(sizes("{\"level\":\"error\"}\n" + trace), ElementsAre(1, 3));
}

TEST(Joiner, OneRecordATrace) {
  const std::string trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n";
  EXPECT_THAT(sizes(trace + trace), ElementsAre(3, 3));
  EXPECT_THAT(sizes("2024-03-21 10:30:00 ERROR bad\n" + trace + trace), ElementsAre(4, 3));
  EXPECT_THAT(sizes("java.lang.A: x\n\tat a.B.c(B.java:1)\njava.lang.A: y\n\tat a.B.c(B.java:1)\n"), ElementsAre(2, 2));
}

TEST(Joiner, OneEmptyLineMayStandBetweenAnErrorAndItsException) {
  const std::string trace = "\njava.lang.A: x\n\tat a.B.c(B.java:1)\n";
  EXPECT_THAT(sizes("2024-03-21 10:30:00 ERROR bad\n" + trace), ElementsAre(4));
  EXPECT_THAT(sizes("2024-03-21 10:30:00 WARN bad\n" + trace), ElementsAre(1, 1, 2));
  EXPECT_THAT(sizes("2024-03-21 10:30:00 ERROR bad\n\nplain\n\tat a.B.c(B.java:1)\n"), ElementsAre(1, 1, 2));
}

TEST(Joiner, EmptyLinesBelongToATraceOnlyWhenItGoesOn) {
  EXPECT_THAT(sizes("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n\nother\n"), ElementsAre(3, 1, 1));
  EXPECT_THAT(sizes("panic: x\n\nother\n"), ElementsAre(1, 1, 1));
}

TEST(Joiner, ReadsJsonOverSeveralLines) {
  EXPECT_THAT(sizes("{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}\n{\n  \"a\": 2\n}\nx\n"), ElementsAre(6, 3, 1));
}

TEST(Joiner, DoesNotTakeBannersForReports) {
  EXPECT_THAT(sizes("====================\n  Welcome\n====================\n"), ElementsAre(1, 1, 1));
  EXPECT_THAT(sizes("/var/log/a:12\nplain\n"), ElementsAre(1, 1));
}

TEST(Joiner, GoesOnInANewRecordAtTheLimits) {
  std::string text = "2024-03-21 10:30:00 ERROR x\n";
  for (int i = 0; i < 2500; ++i) text += "\tat a.B.c(B.java:1)\n";
  EXPECT_THAT(sizes(text), ElementsAre(1000, 1000, 501));
  const auto records = join_in_blocks(text, {});
  EXPECT_FALSE(records[0].continuation);
  EXPECT_TRUE(records[1].continuation);
  EXPECT_TRUE(records[2].continuation);
  EXPECT_THAT(sizes("2024-03-21 10:30:00 x\n  y\n  z\n", {.max_bytes = 26}), ElementsAre(2, 1));
}

TEST(Joiner, OffChangesNothing) {
  EXPECT_THAT(sizes("2024-03-21 10:30:00 x\n  y\n", {.enabled = false}), ElementsAre(1, 1));
}

TEST(LineEnds, OfJoinedRecordsAreNormalised) {
  record::RawBlock block;
  block.bytes = "2024-03-21 10:30:00 x\r\n  y\r\n  z\r\n2024-03-21 10:30:00 \ra\r\n";
  record::Batch batch = LineSplitter::split(std::move(block));
  Joiner joiner;
  ASSERT_EQ(joiner.join(batch, Hold::nothing), 2u);
  normalise_line_ends(batch);
  EXPECT_EQ(batch.line(batch.records[0]), "2024-03-21 10:30:00 x\n  y\n  z");
  EXPECT_EQ(batch.line(batch.records[1]), "2024-03-21 10:30:00 \ra");
}

// Lines of all kinds in any order.
std::string any_lines(std::mt19937& random, std::size_t count) {
  static constexpr std::string_view lines[] = {
      "2024-03-21 10:30:00,123 ERROR shop no stock",
      "2024-03-21 10:30:00,123 INFO shop sold",
      "2024/03/21 10:30:00 http: panic serving",
      "[WARN] slow",
      "plain text",
      "more text",
      "ValueError: x",
      "java.lang.IllegalStateException: bad",
      "",
      "  indented",
      "\tat a.B.c(B.java:1)",
      "    at f (/a.js:1:2)",
      "  File \"a.py\", line 1, in f",
      "Traceback (most recent call last):",
      "During handling of the above exception, another exception occurred:",
      "Caused by: java.lang.Error: why",
      "panic: x",
      "goroutine 1 [running]:",
      "main.main()",
      "\t/a.go:1 +0x1",
      "thread 'main' panicked at a.rs:1:2:",
      "note: run with `RUST_BACKTRACE=1`",
      "{\"level\":\"error\"}",
      "level=info msg=x",
      "{",
      "}",
      "/app/a.js:1",
      "  ^",
      "==================",
      "WARNING: DATA RACE",
      "PHP Fatal error:  Uncaught X in /a.php:3",
      "Stack trace:",
      "#0 {main}",
      "E, [2024-03-21T10:30:00.123456 #1] ERROR -- : x (Y)",
      "a.rb:1:in `f'",
      "\tfrom a.rb:1:in `f'",
  };
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    // Runs of the same few lines make traces likely.
    text += lines[random() % std::size(lines)];
    text += '\n';
  }
  return text;
}

TEST(Joiner, GivesTheSameRecordsHoweverTheStreamIsCut) {
  std::mt19937 random(20261125);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = any_lines(random, 5 + random() % 60);
    const JoinOptions options = round % 3 == 0 ? JoinOptions{.max_lines = 4} : JoinOptions{};
    const auto whole = join_in_blocks(text, {}, options);
    check_joined(text, whole, options);
    std::vector<std::size_t> cuts;
    for (std::size_t at = text.find('\n'); at + 1 < text.size(); at = text.find('\n', at + 1)) {
      if (random() % 3 == 0) cuts.push_back(at + 1);
    }
    const auto cut = join_in_blocks(text, cuts, options);
    const auto differ = std::ranges::mismatch(cut, whole);
    ASSERT_TRUE(cut == whole) << "round " << round << "\n"
                              << text << "\n--- cut:\n"
                              << differ.in1->line << "\n--- whole:\n"
                              << differ.in2->line;
  }
}

double cpu_seconds(const std::string& text) {
  const std::clock_t begin = std::clock();
  record::RawBlock block;
  block.bytes = text;
  record::Batch batch = LineSplitter::split(std::move(block));
  Joiner joiner;
  joiner.join(batch, Hold::nothing);
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string repeat(std::string_view text, std::size_t bytes) {
  std::string result;
  while (result.size() < bytes) result += text;
  return result;
}

// What is made to be slow costs at most a few hundred nanoseconds a line.
TEST(Joiner, TakesLinearTimeForHostileInput) {
  const auto bytes = static_cast<std::size_t>(4'000'000 / base::testing::slowness());
  const std::string spaces(200, ' ');
  for (const std::string& part :
       {std::string("\n"), std::string("a\n"), std::string(" \n"), std::string(" a\n"), std::string("a\n b\n"),
        std::string("Traceback (most recent call last):\n"), std::string("panic: \n\n"), std::string("E, [\n"), std::string("{\n"),
        std::string("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\nCaused by: x\n"), std::string("==================\n\n"),
        std::string("2024-03-21 10:30:00 x\n \n\n"), std::string("java.lang.E: x\n\tat a(b)\n\n\n"), spaces + "\n",
        std::string("thread 'a' panicked at b:\na\nb\nc\n"), std::string(300, 'A') + "\n\tat a(b)\n"}) {
    const std::string text = repeat(part, bytes);
    const auto lines = static_cast<double>(std::ranges::count(text, '\n'));
    EXPECT_LT(cpu_seconds(text) / lines, 20e-6) << part;
  }
  EXPECT_LT(cpu_seconds("2024-03-21 10:30:00 x\n" + std::string(bytes * 25, ' ') + "y\n"), 2.0);
}

}  // namespace
}  // namespace telltale::pipeline
