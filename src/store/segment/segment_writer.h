// Appends frames to one segment file. One thread; the caller decides when to sync, when to begin another segment, and what to do with
// a segment whose sync failed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "store/segment/batch_codec.h"
#include "store/segment/frame.h"

namespace telltale::store {

// Where in a segment writing goes on.
struct SegmentTail {
  std::uint64_t size = 0;
  std::uint64_t salt = 0;
  std::uint32_t window = 0;  // the first to be used
  base::UnixNanos created = 0;
  SegmentTotals totals;
  std::uint32_t store = 0;  // store_mark()
};

class SegmentWriter {
 public:
  // Takes the file that `tail` describes, which ends at tail.size and is synced.
  SegmentWriter(std::unique_ptr<base::WritableFile> file, const SegmentTail& tail);

  // The first frame.
  base::Status append_snapshot(const Snapshot& snapshot, record::Sequence next);
  // One frame; record i of all items has first_sequence + i. On an error nothing of it is in the file, or broken() is true.
  base::Status append_rows(std::span<const EncodedItem* const> items, record::Sequence first_sequence);
  // A frame without payload: it shows that all before it was durable.
  base::Status append_marker(record::Sequence next);
  base::Status append_seal(record::Sequence next);
  // What retention removes: all records below `kept_from`.
  base::Status append_tombstone(record::Sequence kept_from, record::Sequence next);
  // On an error: durable_size() stays as it was, and the file is never to be trusted again.
  base::Status sync();

  // What was defined so far counts for nothing: the next frames define their streams anew.
  void begin_window();

  std::uint64_t size() const { return size_; }
  std::uint64_t durable_size() const { return durable_; }
  // Something but marks was appended since the last sync.
  bool dirty() const { return dirty_; }
  // Even the remains of a failed append could not be cut off: append to another segment.
  bool broken() const { return broken_; }
  const SegmentTotals& totals() const { return totals_; }
  base::UnixNanos created() const { return created_; }

 private:
  base::Status append(FrameHeader header, std::span<const std::string_view> payload);
  std::uint64_t put_prefix(const EncodedItem& item, FrameHeader& header);

  std::unique_ptr<base::WritableFile> file_;
  const std::uint64_t salt_;
  const std::uint32_t store_;
  const base::UnixNanos created_;
  std::uint64_t size_;
  std::uint64_t durable_;
  bool broken_ = false;
  bool dirty_ = false;
  std::uint32_t window_;
  std::uint64_t window_end_ = 0;  // the first frame at or after this offset begins a new window
  // A stream's number in the window, and how many items of it the window has. The 1st, 2nd, 4th, 8th… item brings the labels: where damage
  // takes some of them, no more records lose their stream than stood before.
  struct Known {
    std::uint64_t number = 0;
    std::uint64_t items = 0;
  };
  std::unordered_map<record::StreamId, Known, base::Hash128Hasher> known_;
  SegmentTotals totals_;
  // Reused between frames.
  std::string prefixes_;
  std::vector<std::size_t> prefix_ends_;
  std::vector<std::string_view> pieces_;
};

}  // namespace telltale::store
