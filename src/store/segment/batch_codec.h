// A batch as an item of a rows payload. Encoding runs on the thread that pushes the batch; the writer only puts the stream's small
// number before it. Decoding takes any bytes without harm.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "record/batch.h"
#include "store/segment/byte_io.h"
#include "store/segment/frame.h"

namespace telltale::store {

// All of an item but the stream's number and labels. Immutable once made.
struct EncodedItem {
  record::StreamRef stream;    // null: a position alone
  std::uint8_t flags = 0;      // ItemFlag, without item_defines_stream
  std::string head;            // counts, times, raw range, position
  std::string block;           // text and rows, maybe compressed
  std::uint32_t raw_size = 0;  // of head and block, block unpacked
  std::uint32_t record_count = 0;
  std::uint32_t gap_count = 0;
  std::uint32_t lifecycle_count = 0;
  base::UnixNanos min_observed = INT64_MAX;
  base::UnixNanos max_observed = INT64_MIN;
  base::UnixNanos min_index = INT64_MAX;
  base::UnixNanos max_index = INT64_MIN;

  std::size_t bytes() const { return head.size() + block.size(); }
};

// Keeps a few buffers between calls, so that encoding allocates once per batch and not per record. Thread-safe.
class BatchEncoder {
 public:
  explicit BatchEncoder(bool compress) : compress_(compress) {}
  // The batch's references must lie within its text (asserted).
  EncodedItem encode(const record::Batch& batch) TT_EXCLUDES(mutex_);

  // Memory of one encoding at a time.
  struct Scratch {
    ByteBuffer block;  // text, then rows
    ByteBuffer rows;
    ByteBuffer packed;
    std::vector<std::uint32_t> rule_numbers;  // of the batch's rule: its number in the item + 1
    std::vector<std::uint32_t> used_rules;
    std::size_t bytes() const { return block.capacity() + rows.capacity() + packed.capacity(); }
  };

 private:
  std::unique_ptr<Scratch> take_scratch() TT_EXCLUDES(mutex_);
  void give_back(std::unique_ptr<Scratch> scratch) TT_EXCLUDES(mutex_);

  const bool compress_;
  base::Mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_ TT_GUARDED_BY(mutex_);
};

// An item's head as found in a payload. Views into the payload.
struct ItemHead {
  std::uint64_t stream_number = 0;  // 0: no stream
  std::uint8_t flags = 0;
  std::string_view labels;  // when item_defines_stream: what read_labels() reads
  std::uint32_t record_count = 0;
  std::uint64_t first_source_line = 0;
  base::UnixNanos min_index = 0;
  base::UnixNanos max_index = 0;
  record::RawRange raw;
  std::string_view position_key;
  std::string_view position_value;
  base::UnixNanos written_after = 0;
  std::string_view body;  // what decode_item() reads on

  bool has(ItemFlag flag) const { return (flags & flag) != 0; }
};

// Whether the record may have been written more than loose_nanos before or after its index time, as far as the engine's clock tells: it
// was observed long after or before its event time; it has none and its source looked long before, or it is not known when; its timestamp
// is too coarse; or it tells of other times (a gap).
bool is_loose(const record::Batch& batch, const record::Record& record);

// Appends what stands before EncodedItem::head in the payload: size, number, flags and, if `labels` is set, the definition.
void append_item_prefix(std::string& out, const EncodedItem& item, std::uint64_t stream_number, const record::Labels* labels);

// Reads the next item and moves the reader behind it; false when the bytes are no item.
bool read_item_head(ByteReader& payload, ItemHead& out);
// The whole batch. False when the bytes are no item: `out` is then to be thrown away.
bool decode_item(const ItemHead& head, record::StreamRef stream, record::Batch& out);

}  // namespace telltale::store
