// The on-disk format of segments in numbers; docs/reference/store-format.md says it in words. Writer and readers use this header alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "record/batch.h"

namespace telltale::store {

// "TTF1" as it stands in the file.
inline constexpr std::uint32_t frame_magic = 0x31465454;
// Readers refuse frames of a higher version. Size of the header, place of magic, version and CRC stay the same in all versions.
inline constexpr std::uint8_t format_version = 2;

enum class FrameKind : std::uint8_t {
  rows = 1,       // records as they were committed
  columns = 2,    // records, sealed by columns
  snapshot = 3,   // all positions and streams; the first frame of a segment
  lifecycle = 4,  // payload as rows; every record of it is an event of a run
  gap = 5,        // payload as rows; every record of it is a gap
  tombstone = 6,  // what was removed: retention leaves one
  seal = 7,       // totals; the last frame of a segment that is not written any more
};

enum FrameFlag : std::uint16_t {
  frame_lz4 = 1 << 0,              // at least one item's block is compressed
  frame_defines_streams = 1 << 1,  // at least one item brings labels with it
  frame_loose = 1 << 2,            // at least one item has item_loose
  frame_lifecycle = 1 << 3,        // at least one record is an event of a run
};
// What a segment's totals keep of its frames' flags.
inline constexpr std::uint16_t kept_frame_flags = frame_loose | frame_lifecycle;

// Little-endian in the file, in this order. `first_sequence` of a frame without records is the next to be assigned.
struct FrameHeader {
  std::uint8_t version = format_version;
  FrameKind kind = FrameKind::rows;
  std::uint16_t flags = 0;
  std::uint32_t payload_size = 0;  // bytes after the header
  std::uint32_t raw_size = 0;      // bytes of the payload with all blocks unpacked
  std::uint32_t payload_crc = 0;   // CRC-32C
  std::uint32_t record_count = 0;
  std::uint32_t gap_count = 0;
  std::uint32_t item_count = 0;
  std::uint32_t window = 0;          // small numbers of streams mean something within frames of the same window only
  std::uint32_t store = 0;           // hash of the store's id, see store_mark(); 0: not known
  std::uint64_t salt = 0;            // random, the same in all frames of a segment: text that looks like a frame is none
  std::uint64_t offset = 0;          // where in the file this header stands
  std::uint64_t durable_offset = 0;  // bytes of the file that were known to be on the disk when this frame was written
  record::Sequence first_sequence = 0;
  base::UnixNanos min_observed = 0;
  base::UnixNanos max_observed = 0;
  base::UnixNanos min_index = 0;
  base::UnixNanos max_index = 0;

  std::uint64_t end() const;  // offset of the byte after the payload
  record::Sequence last_sequence() const { return first_sequence + record_count - 1; }
  bool holds_rows() const { return kind == FrameKind::rows || kind == FrameKind::gap || kind == FrameKind::lifecycle; }
};

inline constexpr std::size_t frame_header_size = 112;
inline constexpr std::uint32_t max_payload_size = 0x7fffffff;
inline constexpr std::size_t seal_payload_size = 80;

inline std::uint64_t FrameHeader::end() const {
  return offset + frame_header_size + payload_size;
}

// After so many bytes of frames a new window begins: a lost definition of a stream costs one window, and a reader that looks at a
// window needs nothing from before it.
inline constexpr std::uint64_t window_bytes = 4ull * 1024 * 1024;

// Flags of an item in a rows payload.
enum ItemFlag : std::uint8_t {
  item_defines_stream = 1 << 0,
  item_lz4 = 1 << 1,
  item_raw_range = 1 << 2,
  item_position = 1 << 3,
  item_written_after = 1 << 4,
  item_loose = 1 << 5,  // a record of it may have been written more than loose_nanos away from its index time; a gap is always loose
};

// Index times tell this well when a record was written, except in loose items (see is_loose() in batch_codec.h).
inline constexpr std::int64_t loose_nanos = 60 * base::nanos_per_second;

// Which fields of a record follow in its row.
enum RowField : std::uint16_t {
  row_observed = 1 << 0,      // observed time differs from the record's before it
  row_event = 1 << 1,         // resolution and event time
  row_body_is_line = 1 << 2,  // the body is the whole line; without it a reference follows
  row_severity_text = 1 << 3,
  row_trace_id = 1 << 4,
  row_span_id = 1 << 5,
  row_test_id = 1 << 6,
  row_attributes = 1 << 7,
  row_findings = 1 << 8,
  row_flags = 1 << 9,
  row_source_lines = 1 << 10,  // differs from 1
};

// Every opening of a store leaves out so many sequences: what an engine gave out and lost with its unsynced bytes is not given again.
inline constexpr record::Sequence sequences_skipped_at_opening = record::Sequence{1} << 20;

// A byte of a frame stands for fewer records than this: a row has 4 bytes or more, and LZ4 packs 255 bytes into one at the most. So a
// damaged range bounds the sequences that may have been given out in it.
inline constexpr record::Sequence most_records_in_a_byte = 64;

}  // namespace telltale::store
