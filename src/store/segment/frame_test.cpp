#include "store/segment/frame.h"

#include <gtest/gtest.h>

#include "store/segment/frame_walker.h"

namespace telltale::store {
namespace {

std::string frame_at(std::uint64_t offset, std::string_view payload, std::uint64_t salt = 5) {
  FrameHeader header;
  header.offset = offset;
  header.salt = salt;
  header.payload_size = header.raw_size = static_cast<std::uint32_t>(payload.size());
  header.payload_crc = payload_crc({&payload, 1});
  const HeaderBytes bytes = encode_header(header);
  return std::string(bytes.data(), bytes.size()) + std::string(payload);
}

// "frame 0", "damage 10+5"… up to the end.
std::vector<std::string> walk(std::string_view file) {
  std::vector<std::string> out;
  FrameWalker walker(ByteSource(file, 0), 0, file.size());
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return out.emplace_back(step.error().message()), out;
    if (*step == WalkStep::end) return out;
    out.push_back(*step == WalkStep::frame
                      ? "frame " + std::to_string(walker.header().offset)
                      : "damage " + std::to_string(walker.damage().offset) + "+" + std::to_string(walker.damage().size));
  }
}

using Steps = std::vector<std::string>;

TEST(Frame, HeaderComesBack) {
  FrameHeader header;
  header.kind = FrameKind::gap;
  header.flags = frame_lz4 | frame_defines_streams;
  header.payload_size = 1;
  header.raw_size = 2;
  header.payload_crc = 3;
  header.record_count = 4;
  header.gap_count = 5;
  header.item_count = 6;
  header.window = 7;
  header.salt = 8;
  header.offset = 9;
  header.durable_offset = 10;
  header.first_sequence = 11;
  header.min_observed = -12;
  header.max_observed = 13;
  header.min_index = -14;
  header.max_index = 15;
  const HeaderBytes bytes = encode_header(header);
  FrameHeader back;
  ASSERT_EQ(decode_header({bytes.data(), bytes.size()}, back), HeaderCheck::good);
  EXPECT_EQ(encode_header(back), bytes);
  EXPECT_EQ(back.kind, FrameKind::gap);
  EXPECT_EQ(back.min_index, -14);
}

TEST(Frame, EveryFlippedBitOfAHeaderIsSeen) {
  const HeaderBytes bytes = encode_header({});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    HeaderBytes damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    FrameHeader back;
    EXPECT_EQ(decode_header({damaged.data(), damaged.size()}, back), HeaderCheck::damaged) << "bit " << bit;
  }
}

TEST(Frame, ANewerVersionIsRefusedByName) {
  FrameHeader header;
  header.version = format_version + 1;
  const HeaderBytes bytes = encode_header(header);
  FrameWalker walker(ByteSource({bytes.data(), bytes.size()}, 0), 0, bytes.size());
  auto step = walker.next(PayloadCheck::crc);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, base::ErrorCode::store_version);
}

TEST(FrameWalker, GoesOnBehindDamage) {
  std::string file = frame_at(0, "first");
  const std::size_t second = file.size();
  file += frame_at(second, "second payload");
  const std::size_t third = file.size();
  file += frame_at(third, "third");
  EXPECT_EQ(walk(file), (Steps{"frame 0", "frame " + std::to_string(second), "frame " + std::to_string(third)}));

  const Steps without_second{"frame 0", "damage " + std::to_string(second) + "+" + std::to_string(third - second),
                             "frame " + std::to_string(third)};
  for (std::size_t at = second; at < third; ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_EQ(walk(damaged), without_second) << "byte " << at;
  }
}

TEST(FrameWalker, ATornTailIsOneDamage) {
  std::string file = frame_at(0, "first");
  const std::size_t second = file.size();
  file += frame_at(second, "second");
  for (std::size_t size = second + 1; size < file.size(); ++size) {
    EXPECT_EQ(walk(std::string_view(file).substr(0, size)),
              (Steps{"frame 0", "damage " + std::to_string(second) + "+" + std::to_string(size - second)}));
  }
}

TEST(FrameWalker, TextThatLooksLikeAFrameIsNone) {
  // A log line holds the bytes of a frame: of another place, or of this place but with a salt it cannot know.
  std::string file = frame_at(0, "first");
  const std::size_t second = file.size();
  const std::string forged = frame_at(second + frame_header_size, "forged", 6) + frame_at(0, "copied");
  file += frame_at(second, forged);
  const std::size_t third = file.size();
  file += frame_at(third, "third");
  file[second] = 'X';
  EXPECT_EQ(walk(file), (Steps{"frame 0", "damage " + std::to_string(second) + "+" + std::to_string(third - second),
                               "frame " + std::to_string(third)}));
}

TEST(Seal, ComesBack) {
  FrameHeader rows;
  rows.kind = FrameKind::lifecycle;
  rows.flags = frame_lz4 | frame_lifecycle;
  rows.record_count = 3;
  rows.gap_count = 1;
  rows.first_sequence = 7;
  rows.min_observed = rows.min_index = -4;
  rows.max_observed = rows.max_index = 5;
  SegmentTotals totals;
  totals.add(rows);
  SegmentTotals back;
  ASSERT_TRUE(decode_seal(encode_seal(totals), back));
  EXPECT_EQ(encode_seal(back), encode_seal(totals));
  EXPECT_TRUE(back.has(frame_lifecycle));
  EXPECT_FALSE(back.has(frame_loose));
  EXPECT_EQ(back.last_sequence, 9u);
}

TEST(Snapshot, ComesBack) {
  Snapshot snapshot;
  snapshot.created = 42;
  snapshot.positions = {{"a", "1"}, {"b", std::string("\0x", 2)}};
  snapshot.streams.push_back({record::make_stream(record::Labels({{"service", "api"}})), 99});
  Snapshot back;
  ASSERT_TRUE(decode_snapshot(encode_snapshot(snapshot), back));
  EXPECT_EQ(back.created, 42);
  EXPECT_EQ(back.positions, snapshot.positions);
  ASSERT_EQ(back.streams.size(), 1u);
  EXPECT_EQ(back.streams[0].stream->id, snapshot.streams[0].stream->id);
  EXPECT_EQ(back.streams[0].last_sequence, 99u);
}

}  // namespace
}  // namespace telltale::store
