#include "store/segment/segment_writer.h"

#include <algorithm>
#include <bit>

namespace telltale::store {

SegmentWriter::SegmentWriter(std::unique_ptr<base::WritableFile> file, const SegmentTail& tail)
    : file_(std::move(file)),
      salt_(tail.salt),
      store_(tail.store),
      created_(tail.created),
      size_(tail.size),
      durable_(tail.size),
      window_(tail.window),
      window_end_(tail.size + window_bytes),
      totals_(tail.totals) {}

base::Status SegmentWriter::append(FrameHeader header, std::span<const std::string_view> payload) {
  std::uint64_t payload_size = 0;
  for (const std::string_view piece : payload) payload_size += piece.size();
  if (payload_size > max_payload_size) {
    return base::fail(base::ErrorCode::internal, "a frame of " + std::to_string(payload_size) + " bytes is over the limit of the format");
  }
  header.payload_size = static_cast<std::uint32_t>(payload_size);
  if (header.raw_size == 0) header.raw_size = header.payload_size;
  header.payload_crc = payload_crc(payload);
  header.window = window_;
  header.salt = salt_;
  header.store = store_;
  header.offset = size_;
  header.durable_offset = durable_;
  const HeaderBytes bytes = encode_header(header);

  std::vector<std::string_view> pieces;
  pieces.reserve(payload.size() + 1);
  pieces.emplace_back(bytes.data(), bytes.size());
  pieces.insert(pieces.end(), payload.begin(), payload.end());
  base::Status status = file_->append(pieces);
  if (!status) {
    // Definitions of streams that were in the lost frame count for nothing.
    begin_window();
    if (!file_->truncate(size_)) broken_ = true;
    return status;
  }
  size_ = header.end();
  dirty_ = true;
  totals_.add(header);
  return {};
}

void SegmentWriter::begin_window() {
  ++window_;
  known_.clear();
  window_end_ = size_ + window_bytes;
}

base::Status SegmentWriter::append_snapshot(const Snapshot& snapshot, record::Sequence next) {
  const std::string payload = encode_snapshot(snapshot);
  const std::string_view piece = payload;
  FrameHeader header;
  header.kind = FrameKind::snapshot;
  header.first_sequence = next;
  return append(header, {&piece, 1});
}

std::uint64_t SegmentWriter::put_prefix(const EncodedItem& item, FrameHeader& header) {
  const std::size_t before = prefixes_.size();
  if (item.stream == nullptr) {
    append_item_prefix(prefixes_, item, 0, nullptr);
  } else {
    Known& known = known_.try_emplace(item.stream->id, Known{known_.size() + 1, 0}).first->second;
    const bool defines = std::has_single_bit(++known.items);
    append_item_prefix(prefixes_, item, known.number, defines ? &item.stream->labels : nullptr);
    if (defines) header.flags |= frame_defines_streams;
  }
  prefix_ends_.push_back(prefixes_.size());
  return prefixes_.size() - before;
}

base::Status SegmentWriter::append_rows(std::span<const EncodedItem* const> items, record::Sequence first_sequence) {
  if (size_ >= window_end_) begin_window();
  prefixes_.clear();
  prefix_ends_.clear();
  pieces_.clear();
  FrameHeader header;
  header.first_sequence = first_sequence;
  header.item_count = static_cast<std::uint32_t>(items.size());
  header.min_observed = header.min_index = INT64_MAX;
  header.max_observed = header.max_index = INT64_MIN;
  std::uint64_t raw_size = 0;
  std::uint32_t lifecycle_count = 0;
  for (const EncodedItem* pointer : items) {
    const EncodedItem& item = *pointer;
    raw_size += put_prefix(item, header) + item.raw_size;
    if (item.flags & item_lz4) header.flags |= frame_lz4;
    if (item.flags & item_loose) header.flags |= frame_loose;
    if (item.lifecycle_count > 0) header.flags |= frame_lifecycle;
    lifecycle_count += item.lifecycle_count;
    header.record_count += item.record_count;
    header.gap_count += item.gap_count;
    header.min_observed = std::min(header.min_observed, item.min_observed);
    header.max_observed = std::max(header.max_observed, item.max_observed);
    header.min_index = std::min(header.min_index, item.min_index);
    header.max_index = std::max(header.max_index, item.max_index);
  }
  header.raw_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(raw_size, UINT32_MAX));
  const bool has_records = header.record_count > 0;
  if (has_records && header.gap_count == header.record_count) header.kind = FrameKind::gap;
  if (has_records && lifecycle_count == header.record_count) header.kind = FrameKind::lifecycle;
  if (header.record_count == 0) header.min_observed = header.max_observed = header.min_index = header.max_index = 0;

  std::size_t begin = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    pieces_.push_back(std::string_view(prefixes_).substr(begin, prefix_ends_[i] - begin));
    pieces_.push_back(items[i]->head);
    pieces_.push_back(items[i]->block);
    begin = prefix_ends_[i];
  }
  return append(header, pieces_);
}

base::Status SegmentWriter::append_marker(record::Sequence next) {
  FrameHeader header;
  header.first_sequence = next;
  const bool was_dirty = dirty_;
  base::Status status = append(header, {});
  dirty_ = was_dirty;
  return status;
}

base::Status SegmentWriter::append_seal(record::Sequence next) {
  const std::string payload = encode_seal(totals_);
  const std::string_view piece = payload;
  FrameHeader header;
  header.kind = FrameKind::seal;
  header.first_sequence = next;
  return append(header, {&piece, 1});
}

base::Status SegmentWriter::append_tombstone(record::Sequence kept_from, record::Sequence next) {
  std::string payload;
  append_fixed(payload, kept_from);
  const std::string_view piece = payload;
  FrameHeader header;
  header.kind = FrameKind::tombstone;
  header.first_sequence = next;
  return append(header, {&piece, 1});
}

base::Status SegmentWriter::sync() {
  base::Status status = file_->sync();
  if (status) {
    durable_ = size_;
    dirty_ = false;
  }
  return status;
}

}  // namespace telltale::store
