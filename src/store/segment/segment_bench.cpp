// Encoding, decoding and appending of one mixed stream of lines, in bytes of text.
#include <benchmark/benchmark.h>

#include "base/testing/temp_directory.h"
#include "store/segment/batch_codec.h"
#include "store/segment/segment_writer.h"

namespace telltale::store {
namespace {

// Lines of about 138 bytes with a time, a level and a few attributes, as a service writes them.
record::Batch log_lines(std::size_t count) {
  record::Batch batch;
  batch.stream = record::make_stream(record::Labels({{"service", "api"}, {"source", "file"}}));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string id = std::to_string(i * 7919 % 1'000'003);
    const std::string line = "2026-11-21T10:20:30." + std::to_string(100 + i % 900) +
                             "Z INFO  handled request method=GET path=/api/v1/orders/" + id +
                             " status=200 duration_ms=" + std::to_string(i % 97) + " user=" + id + " trace=4bf92f3577b34da6";
    const auto begin = static_cast<std::uint32_t>(batch.text.size());
    const auto size = static_cast<std::uint32_t>(line.size());
    batch.text += line + "\n";
    record::Record record;
    record.observed_time = 1'700'000'000'000'000'000;
    record.event_time = record.observed_time + static_cast<std::int64_t>(i) * 1'000'000;
    record.resolution = record::TimeResolution::millisecond;
    record.line = {begin, size};
    record.body = {begin + 31, size - 31};
    record.severity = record::Severity::info;
    record.severity_text = {begin + 25, 4};
    record.first_attribute = static_cast<std::uint32_t>(batch.attributes.size());
    record.attribute_count = 4;
    for (std::uint32_t a = 0; a < 4; ++a) batch.attributes.push_back({.key = {begin + 47 + a * 8, 6}, .text = {begin + 54 + a * 8, 3}});
    batch.records.push_back(record);
  }
  return batch;
}

constexpr std::size_t batch_records = 1900;  // about 256 KiB of text

void count(benchmark::State& state, const record::Batch& batch) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.text.size()));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch.records.size()));
}

void encode(benchmark::State& state) {
  const record::Batch batch = log_lines(batch_records);
  BatchEncoder encoder(state.range(0) != 0);
  std::size_t size = 0;
  for (auto _ : state) {
    EncodedItem item = encoder.encode(batch);
    benchmark::DoNotOptimize(item.block.data());
    size = item.bytes();
  }
  count(state, batch);
  state.counters["ratio"] = static_cast<double>(batch.text.size()) / static_cast<double>(size);
}
BENCHMARK(encode)->ArgName("lz4")->Arg(0)->Arg(1);

void decode(benchmark::State& state) {
  const record::Batch batch = log_lines(batch_records);
  BatchEncoder encoder(state.range(0) != 0);
  const EncodedItem item = encoder.encode(batch);
  std::string payload;
  append_item_prefix(payload, item, 1, nullptr);
  payload += item.head + item.block;
  for (auto _ : state) {
    ByteReader reader(payload);
    ItemHead head;
    record::Batch back;
    const bool good = read_item_head(reader, head) && decode_item(head, batch.stream, back);
    if (!good) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(back.records.data());
  }
  count(state, batch);
}
BENCHMARK(decode)->ArgName("lz4")->Arg(0)->Arg(1);

void append(benchmark::State& state) {
  const record::Batch batch = log_lines(batch_records);
  base::testing::TempDirectory folder;
  base::PosixFiles files;
  auto file = files.open_write(folder.path("segment"), base::OpenMode::create_new);
  SegmentTail tail;
  tail.window = 1;
  SegmentWriter writer(std::move(*file), tail);
  BatchEncoder encoder(state.range(0) != 0);
  const EncodedItem item = encoder.encode(batch);
  const EncodedItem* const items[] = {&item, &item, &item, &item};
  record::Sequence next = 1;
  for (auto _ : state) {
    if (!writer.append_rows(items, next)) state.SkipWithError("not written");
    next += 4 * batch.records.size();
  }
  state.SetBytesProcessed(state.iterations() * 4 * static_cast<std::int64_t>(batch.text.size()));
}
BENCHMARK(append)->ArgName("lz4")->Arg(0)->Arg(1)->Iterations(300);

}  // namespace
}  // namespace telltale::store
