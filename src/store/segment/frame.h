// One frame's header in bytes, and the payloads of snapshot and seal frames. Pure functions.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "record/batch.h"
#include "store/segment/byte_io.h"
#include "store/segment/format.h"

namespace telltale::store {

using HeaderBytes = std::array<char, frame_header_size>;

// Computes the header's own CRC; all other fields are taken as they are.
HeaderBytes encode_header(const FrameHeader& header);

enum class HeaderCheck : std::uint8_t { good, damaged, newer };
// `bytes` begins with the header. `newer`: a sound header of a version that this program does not know.
HeaderCheck decode_header(std::string_view bytes, FrameHeader& out);

// CRC-32C of a payload in pieces.
std::uint32_t payload_crc(std::span<const std::string_view> pieces);

// A stream and the last sequence it has in the store.
struct StreamEntry {
  record::StreamRef stream;
  record::Sequence last_sequence = 0;
};

// Where a segment stands in its store: what shows that one is missing, cut short or of another store.
struct SegmentOrigin {
  base::Hash128 store_id;
  std::uint32_t epoch = 1;
  record::Sequence oldest = 0;      // the first segment that was kept when this one was begun, by its first sequence
  record::Sequence before = 0;      // the segment before this one; 0: there was none
  record::Sequence before_end = 0;  // records of that one end below
  bool operator==(const SegmentOrigin&) const = default;
};
// FrameHeader::store of a store; never 0.
std::uint32_t store_mark(const base::Hash128& store_id);

struct Snapshot {
  base::UnixNanos created = 0;  // wall time at which the segment was begun
  std::map<std::string, std::string> positions;
  std::vector<StreamEntry> streams;
  std::optional<SegmentOrigin> origin{};  // segments of before the store's law have none
};
std::string encode_snapshot(const Snapshot& snapshot);
// False when the bytes are none.
bool decode_snapshot(std::string_view payload, Snapshot& out);

// What a segment holds, over all its frames; times only mean something when there are records.
struct SegmentTotals {
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::uint64_t gaps = 0;
  std::uint64_t flags = 0;              // kept_frame_flags of all frames
  record::Sequence first_sequence = 0;  // of the first record
  record::Sequence last_sequence = 0;
  base::UnixNanos min_observed = INT64_MAX;
  base::UnixNanos max_observed = INT64_MIN;
  base::UnixNanos min_index = INT64_MAX;
  base::UnixNanos max_index = INT64_MIN;

  bool has(FrameFlag flag) const { return (flags & flag) != 0; }
  void add(const FrameHeader& header);
};
std::string encode_seal(const SegmentTotals& totals);
bool decode_seal(std::string_view payload, SegmentTotals& out);

void append_labels(std::string& out, const record::Labels& labels);
// Fails through the reader.
record::Labels read_labels(ByteReader& reader);

}  // namespace telltale::store
