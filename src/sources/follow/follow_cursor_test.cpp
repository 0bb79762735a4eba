#include "sources/follow/follow_cursor.h"

#include <gtest/gtest.h>

#include "sources/follow/stored_streams.h"

namespace telltale::sources {
namespace {

FollowCursor sample() {
  FollowCursor cursor;
  cursor.version = 300;
  cursor.instance = "pod uid/3";
  cursor.finished = true;
  cursor.start = 1'700'000'000 * base::nanos_per_second;
  cursor.last = cursor.start + 2'500'000'001;
  cursor.highest = cursor.last + 1;
  cursor.uncovered = -1;
  cursor.stated = 5;
  cursor.seen = INT64_MAX;
  cursor.lines = 12;
  cursor.bytes = 1'000'000'000'000;
  cursor.first_chunk = 7;
  cursor.next_chunk = 9;
  cursor.spans = {{cursor.start, cursor.last}};
  cursor.marks = {{1'700'000'000'123, 0xFFEEDDCCBBAA9988}, {1'700'000'000'001, 1}, {INT64_MIN, 2}, {INT64_MAX, 3}};
  return cursor;
}

TEST(FollowCursor, IsReadAsItWasWritten) {
  EXPECT_EQ(decode_cursor(encode_cursor(sample())), sample());
  EXPECT_EQ(decode_cursor(encode_cursor({})), FollowCursor{});
  EXPECT_EQ(decode_marks(encode_marks(sample().marks)), sample().marks);
  const auto progress = read_follow_progress(encode_cursor(sample()));
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->version, 300u);
  EXPECT_EQ(progress->bytes, 1'000'000'000'000u);
  EXPECT_EQ(progress->first_chunk, 7u);
}

TEST(FollowCursor, WhatIsCutOrOfAnotherVersionIsNone) {
  const std::string text = encode_cursor(sample());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(decode_cursor(text.substr(0, size))) << size;
  EXPECT_FALSE(decode_cursor(text + '\0'));
  EXPECT_FALSE(decode_cursor("2" + text.substr(1)));
  const std::string marks = encode_marks(sample().marks);
  for (std::size_t size = 0; size < marks.size(); ++size) EXPECT_FALSE(decode_marks(marks.substr(0, size))) << size;
  EXPECT_FALSE(decode_marks("1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));  // more marks than there are bytes
}

TEST(FollowCursor, ChunksAreFoundByTheirKeys) {
  const std::vector<record::Position> positions = {
      {follow_key("docker:a"), encode_cursor(sample())},
      {follow_chunk_key("docker:a", 8), encode_marks({{2, 2}})},
      {follow_chunk_key("docker:a", 7), encode_marks({{1, 1}})},
      {follow_chunk_key("docker:a:7", 1), "damaged"},
      {follow_key("kubernetes:a"), encode_cursor(sample())},
      {"file:0123", "1"},
      {"follow-marks:docker:a:x", "1"},
  };
  const StoredStreams streams = read_stored_streams("docker", positions);
  ASSERT_EQ(streams.size(), 2u);
  const auto& stored = streams.at("docker:a");
  EXPECT_EQ(stored.cursor, sample());
  ASSERT_EQ(stored.chunks.size(), 2u);
  EXPECT_EQ(stored.chunks[0].number, 7u);
  EXPECT_EQ(stored.chunks[1].marks, (std::vector<LineMark>{{2, 2}}));
  EXPECT_EQ(streams.at("docker:a:7").chunks.size(), 1u);
}

}  // namespace
}  // namespace telltale::sources
