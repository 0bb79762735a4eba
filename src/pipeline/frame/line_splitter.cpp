#include "pipeline/frame/line_splitter.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <simdjson.h>

#include "base/assert.h"

namespace telltale::pipeline {

using record::Batch;
using record::RawBlock;
using record::Record;
using record::TextRef;

namespace {

constexpr std::size_t largest_block = std::numeric_limits<std::uint32_t>::max() / 4;

// Written so that the compiler makes byte-wide vector additions of it; std::count adds in 64 bits and is ten times slower.
std::size_t count_line_ends(const char* text, std::size_t size) {
  constexpr std::size_t lanes = 32;
  constexpr std::size_t most_rounds = 255;  // until a lane could overflow
  std::size_t count = 0;
  std::size_t at = 0;
  while (size - at >= lanes) {
    std::uint8_t sums[lanes] = {};
    const std::size_t rounds = std::min((size - at) / lanes, most_rounds);
    for (std::size_t round = 0; round < rounds; ++round, at += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += text[at + lane] == '\n' ? 1 : 0;
    }
    for (const std::uint8_t sum : sums) count += sum;
  }
  for (; at < size; ++at) count += text[at] == '\n' ? 1 : 0;
  return count;
}

void append_line(Batch& batch, std::size_t from, std::size_t to, base::UnixNanos observed_time) {
  if (to > from && batch.text[to - 1] == '\r') --to;
  Record& record = batch.records.emplace_back();
  record.observed_time = observed_time;
  record.line = TextRef{static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
  record.body = record.line;
}

void split_lines(Batch& batch, std::size_t size, base::UnixNanos observed_time) {
  const char* const begin = batch.text.data();
  batch.records.reserve(count_line_ends(begin, size) + 1);
  std::size_t from = 0;
  while (from < size) {
    const void* const found = std::memchr(begin + from, '\n', size - from);
    const std::size_t to = found == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(found) - begin);
    append_line(batch, from, to, observed_time);
    from = to + 1;
  }
}

// Times that the source knew without looking at the text.
void set_times(Batch& batch, const std::vector<base::UnixNanos>& times) {
  const std::size_t count = std::min(batch.records.size(), times.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (times[i] == 0) continue;
    batch.records[i].event_time = times[i];
    batch.records[i].resolution = record::TimeResolution::nanosecond;
  }
}

// One pass over the block; only a block that fails is looked at line by line.
void flag_invalid_utf8(Batch& batch) {
  if (simdjson::validate_utf8(batch.text.data(), batch.text.size())) return;
  for (Record& record : batch.records) {
    if (!simdjson::validate_utf8(batch.text.data() + record.line.offset, record.line.size)) record.flags |= record::flag_invalid_utf8;
  }
}

}  // namespace

Batch LineSplitter::split(RawBlock&& block) {
  TT_ASSERT(block.bytes.size() <= largest_block, "a source handed out a block that text offsets cannot reach");
  Batch batch;
  batch.stream = std::move(block.stream);
  batch.first_source_line = block.first_source_line;
  batch.written_after = block.written_after;
  batch.position = std::move(block.position);
  if (block.raw_to > block.raw_from) batch.raw = record::RawRange{block.raw_from, block.raw_to, {}};
  batch.text = std::move(block.bytes);
  const std::size_t size = batch.text.size();
  if (size == 0) return batch;
  batch.text.reserve(size + text_slack_bytes);
  split_lines(batch, size, block.observed_time);
  set_times(batch, block.line_times);
  flag_invalid_utf8(batch);
  Record& last = batch.records.back();
  if (batch.text[size - 1] != '\n') last.flags |= record::flag_unterminated;
  if (block.truncated) last.flags |= record::flag_truncated;
  return batch;
}

}  // namespace telltale::pipeline
