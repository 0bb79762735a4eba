#include "pipeline/frame/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::pipeline {
namespace {

using record::Batch;
using record::RawBlock;
using testing::ElementsAre;

Batch split(std::string bytes, bool truncated = false) {
  RawBlock block;
  block.bytes = std::move(bytes);
  block.truncated = truncated;
  block.observed_time = 42;
  return LineSplitter::split(std::move(block));
}

std::vector<std::string> lines(const Batch& batch) {
  std::vector<std::string> result;
  for (const auto& record : batch.records) result.emplace_back(batch.line(record));
  return result;
}

TEST(LineSplitter, TakesLineEndsAway) {
  EXPECT_THAT(lines(split("a\nbc\r\n\n\r\nd\re\n")), ElementsAre("a", "bc", "", "", "d\re"));
}

TEST(LineSplitter, FlagsALineWithoutEnd) {
  const Batch batch = split("a\nb");
  EXPECT_THAT(lines(batch), ElementsAre("a", "b"));
  EXPECT_FALSE(batch.records[0].has(record::flag_unterminated));
  EXPECT_TRUE(batch.records[1].has(record::flag_unterminated));
}

TEST(LineSplitter, FlagsATruncatedLine) {
  const Batch batch = split("abc", true);
  ASSERT_EQ(batch.records.size(), 1u);
  EXPECT_TRUE(batch.records[0].has(record::flag_truncated));
}

TEST(LineSplitter, KeepsNulAndInvalidUtf8AndFlagsOnlyTheirLines) {
  const std::string bytes("good \xc3\xa9\nbad \xff\xc3\nn\0ul\n", 20);
  const Batch batch = split(bytes);
  EXPECT_THAT(lines(batch), ElementsAre("good \xc3\xa9", "bad \xff\xc3", std::string("n\0ul", 4)));
  EXPECT_FALSE(batch.records[0].has(record::flag_invalid_utf8));
  EXPECT_TRUE(batch.records[1].has(record::flag_invalid_utf8));
  EXPECT_FALSE(batch.records[2].has(record::flag_invalid_utf8));
}

// Half a character at a line's end must not be healed by the line that follows.
TEST(LineSplitter, SeesInvalidUtf8ThatALineEndSplits) {
  const Batch batch = split("a\xc3\n\xa9\n");
  EXPECT_TRUE(batch.records[0].has(record::flag_invalid_utf8));
  EXPECT_TRUE(batch.records[1].has(record::flag_invalid_utf8));
}

TEST(LineSplitter, CarriesWhatTheBlockCarries) {
  RawBlock block;
  block.stream = record::make_stream(record::Labels({{"service", "a"}}));
  block.bytes = "x\n";
  block.raw_from = 10;
  block.raw_to = 12;
  block.first_source_line = 7;
  block.observed_time = 42;
  block.position = record::Position{"key", "value"};
  const auto stream = block.stream;
  const Batch batch = LineSplitter::split(std::move(block));
  EXPECT_EQ(batch.stream, stream);
  ASSERT_TRUE(batch.raw);
  EXPECT_EQ(batch.raw->from, 10u);
  EXPECT_EQ(batch.raw->to, 12u);
  EXPECT_EQ(batch.first_source_line, 7u);
  EXPECT_EQ(batch.position, (record::Position{"key", "value"}));
  EXPECT_EQ(batch.records[0].observed_time, 42);
  EXPECT_EQ(batch.body(batch.records[0]), "x");
}

TEST(LineSplitter, GivesABatchForABlockWithoutLines) {
  RawBlock block;
  block.position = record::Position{"key", "value"};
  const Batch batch = LineSplitter::split(std::move(block));
  EXPECT_TRUE(batch.records.empty());
  EXPECT_TRUE(batch.position);
  EXPECT_FALSE(batch.raw);
}

TEST(LineSplitter, LeavesTheBytesWhereTheyWere) {
  std::string bytes(1000, 'x');
  bytes.reserve(bytes.size() + text_slack_bytes);
  const char* const place = bytes.data();
  EXPECT_EQ(split(std::move(bytes)).text.data(), place);
}

}  // namespace
}  // namespace telltale::pipeline
