#include "store/segment/batch_codec.h"

#include <gtest/gtest.h>

#include "store/segment/testing/batches.h"

namespace telltale::store {
namespace {

using record::Batch;
using testing::BatchMaker;
using testing::difference;

record::StreamRef some_stream() {
  return record::make_stream(record::Labels({{"service", "api"}, {"stream", "stdout"}}));
}

// The item as it stands in a payload.
std::string payload_of(const Batch& batch, bool compress) {
  BatchEncoder encoder(compress);
  const EncodedItem item = encoder.encode(batch);
  std::string payload;
  append_item_prefix(payload, item, 7, batch.stream ? &batch.stream->labels : nullptr);
  return payload + item.head + item.block;
}

bool decode(std::string_view payload, const record::StreamRef& stream, Batch& out) {
  ByteReader reader(payload);
  ItemHead head;
  return read_item_head(reader, head) && reader.left() == 0 && decode_item(head, stream, out);
}

TEST(BatchCodec, GivesBackAnyBatch) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Batch batch = BatchMaker(seed).make(some_stream(), seed % 40);
    for (const bool compress : {false, true}) {
      Batch back;
      ASSERT_TRUE(decode(payload_of(batch, compress), batch.stream, back)) << "seed " << seed;
      ASSERT_EQ(difference(batch, back), "") << "seed " << seed;
    }
  }
}

// An item as format version 1 wrote it: one line "hello" of 1970-01-01T00:00:00.000000005Z, no flags.
TEST(BatchCodec, ReadsItemsOfVersionOne) {
  const std::string payload("\x1a\x07\x00\x01\x03\x0a\x00\x05\x00\x05\x00\x00\x00hello\x05\x00\x00\x05\x0a", 23);
  const std::string sized = std::string(1, static_cast<char>(payload.size() - 1)) + payload.substr(1);
  Batch back;
  ASSERT_TRUE(decode(sized, some_stream(), back));
  EXPECT_EQ(back.line(back.records.at(0)), "hello");
  EXPECT_EQ(back.records[0].observed_time, 5);
  EXPECT_EQ(back.first_source_line, 3u);
  EXPECT_EQ(back.written_after, 0);
}

// Which batches may hold records that were written at quite another time than their index time says.
TEST(BatchCodec, MarksWhatIndexTimesDoNotTell) {
  using record::TimeResolution;
  constexpr base::UnixNanos observed = 1'700'000'000'000'000'000;
  const auto loose = [&](base::UnixNanos written_after, TimeResolution resolution, std::uint16_t flags, std::int64_t way = 0) {
    Batch batch;
    batch.written_after = written_after;
    record::Record record;
    record.observed_time = observed;
    record.event_time = observed - way;
    record.resolution = resolution;
    record.flags = flags;
    return is_loose(batch, record);
  };
  EXPECT_FALSE(loose(0, TimeResolution::second, 0, loose_nanos)) << "its timestamp tells";
  EXPECT_TRUE(loose(observed, TimeResolution::second, 0, loose_nanos + 1)) << "it came late, or a clock is wrong";
  EXPECT_TRUE(loose(observed, TimeResolution::second, 0, -loose_nanos - 1)) << "a clock is wrong";
  EXPECT_FALSE(loose(observed - loose_nanos, TimeResolution::none, 0)) << "its source had looked a moment before";
  EXPECT_TRUE(loose(observed - loose_nanos - 1, TimeResolution::none, 0));
  EXPECT_TRUE(loose(0, TimeResolution::none, 0)) << "nothing is known";
  EXPECT_TRUE(loose(0, TimeResolution::second, record::flag_time_out_of_range)) << "its timestamp is not believed";
  EXPECT_TRUE(loose(observed, TimeResolution::day, 0)) << "too coarse";
  EXPECT_TRUE(loose(observed, TimeResolution::second, record::flag_gap)) << "a gap tells of other times";
  EXPECT_FALSE(loose(0, TimeResolution::none, record::flag_lifecycle));
}

TEST(BatchCodec, KeepsOnlyTextThatRecordsReferTo) {
  Batch batch;
  batch.stream = some_stream();
  batch.text = "secret that was cut out\nhello world\n";
  record::Record record;
  record.line = record.body = {24, 11};
  batch.records.push_back(record);
  const std::string payload = payload_of(batch, false);
  EXPECT_EQ(payload.find("secret"), std::string::npos);
  Batch back;
  ASSERT_TRUE(decode(payload, batch.stream, back));
  EXPECT_EQ(back.text, "hello world");
}

TEST(BatchCodec, StoresATextOnceThatSeveralReferencesShare) {
  Batch batch;
  batch.stream = some_stream();
  batch.text = "{\"m\":\"a\\nb\"}a-long-unescaped-message";
  record::Record record;
  record.line = {0, 12};
  record.body = {12, 24};
  record.attribute_count = 1;
  batch.attributes.push_back({.key = {2, 1}, .text = {12, 24}});
  batch.records.push_back(record);
  Batch back;
  ASSERT_TRUE(decode(payload_of(batch, false), batch.stream, back));
  EXPECT_EQ(difference(batch, back), "");
  EXPECT_EQ(back.text.size(), 36u);
}

TEST(BatchCodec, TellsLabelsCountsAndPositionBeforeDecoding) {
  const Batch batch = [] {
    Batch b = BatchMaker(3).make(some_stream(), 5);
    b.position = record::Position{"key", "value"};
    return b;
  }();
  const std::string payload = payload_of(batch, true);
  ByteReader reader(payload);
  ItemHead head;
  ASSERT_TRUE(read_item_head(reader, head));
  EXPECT_EQ(head.stream_number, 7u);
  EXPECT_EQ(head.record_count, 5u);
  EXPECT_EQ(head.position_key, "key");
  EXPECT_EQ(head.position_value, "value");
  ByteReader labels(head.labels);
  EXPECT_EQ(read_labels(labels), batch.stream->labels);
}

TEST(BatchCodec, CompressesOnlyWhereItSaves) {
  Batch batch;
  batch.stream = some_stream();
  batch.text = std::string(4000, 'x');
  record::Record record;
  record.line = record.body = {0, 4000};
  batch.records.push_back(record);
  EXPECT_LT(payload_of(batch, true).size(), 200u);
  EXPECT_GT(payload_of(batch, false).size(), 4000u);
  const Batch noise = BatchMaker(1).make(some_stream(), 1);
  EXPECT_LE(payload_of(noise, true).size(), payload_of(noise, false).size());
}

TEST(BatchCodec, NoDamageOfOneByteDoesHarm) {
  for (const bool compress : {false, true}) {
    const Batch batch = BatchMaker(11).make(some_stream(), 6);
    const std::string payload = payload_of(batch, compress);
    for (std::size_t at = 0; at < payload.size(); ++at) {
      for (const char mask : {char(1), char(0x80), char(0xff)}) {
        std::string damaged = payload;
        damaged[at] = static_cast<char>(damaged[at] ^ mask);
        Batch back;
        if (!decode(damaged, batch.stream, back)) continue;
        for (const record::Record& record : back.records) EXPECT_LE(record.line.end(), back.text.size());
      }
    }
    for (std::size_t size = 0; size < payload.size(); ++size) {
      Batch back;
      EXPECT_FALSE(decode(std::string_view(payload).substr(0, size), batch.stream, back));
    }
  }
}

}  // namespace
}  // namespace telltale::store
