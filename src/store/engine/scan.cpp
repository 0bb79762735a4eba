#include "store/engine/scan.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

namespace {

struct HeldFrame {
  FrameHeader header;
  std::string_view payload;
  bool checked = false;  // the CRC of the payload was found right
};

// A stream of a window, and what the filter said about it.
struct WindowStream {
  StreamRef stream;
  bool wanted = false;
};

struct HeldItem {
  ItemHead head;
  Sequence first_sequence = 0;
};

UnixNanos sooner(UnixNanos time, std::int64_t nanos) {
  return time < INT64_MIN + nanos ? INT64_MIN : time - nanos;
}
UnixNanos later(UnixNanos time, std::int64_t nanos) {
  return time > INT64_MAX - nanos ? INT64_MAX : time + nanos;
}

// What of the range can be asked of frames and items as they stand: with by_writing, index times are right to loose_nanos only.
ScanRange widened(const ScanRange& range) {
  ScanRange wide = range;
  if (!range.by_writing) return wide;
  wide.from_time = sooner(range.from_time, loose_nanos);
  wide.to_time = later(range.to_time, loose_nanos);
  return wide;
}

bool meets_sequences(const ScanRange& range, Sequence first, Sequence last) {
  return first <= range.to_sequence && last >= range.from_sequence;
}
bool meets(const ScanRange& range, bool loose, Sequence first, Sequence last, UnixNanos min_time, UnixNanos max_time) {
  if (!meets_sequences(range, first, last)) return false;
  return (range.by_writing && loose) || (min_time <= range.to_time && max_time >= range.from_time);
}
bool meets(const ScanRange& range, const SegmentTotals& totals) {
  if (range.lifecycle_only && !totals.has(frame_lifecycle)) return false;
  return meets(range, totals.has(frame_loose), totals.first_sequence, totals.last_sequence, totals.min_index, totals.max_index);
}
bool meets(const ScanRange& range, const FrameHeader& header) {
  if (range.lifecycle_only && (header.flags & frame_lifecycle) == 0) return false;
  return meets(range, (header.flags & frame_loose) != 0, header.first_sequence, header.last_sequence(), header.min_index, header.max_index);
}

// One window in memory.
class WindowScan {
 public:
  // The buffer is lent, so that many windows need one.
  // `damaged` is told of ranges that are no sound frame.
  using Damaged = std::function<void(const DamagedRange&)>;
  WindowScan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor, const Damaged& damaged, std::string& buffer)
      : range_(range), filter_(filter), visitor_(visitor), damaged_(damaged), buffer_(buffer) {}

  base::Result<ScanStep> run(base::ReadableFile& file, const WindowEntry& window, std::optional<std::uint64_t> salt) {
    auto held = range_.lifecycle_only ? read_lifecycle_frames(file, window) : read_all_frames(file, window, salt);
    if (!held) return base::pass(held);
    if (range_.newest_first) std::reverse(frames_.begin(), frames_.end());
    for (HeldFrame& frame : frames_) {
      if (visit_frame(frame) == ScanStep::stop) return ScanStep::stop;
    }
    return ScanStep::go_on;
  }

 private:
  base::Status read_all_frames(base::ReadableFile& file, const WindowEntry& window, std::optional<std::uint64_t> salt) {
    buffer_.resize(window.end - window.begin);
    auto got = file.read_at(window.begin, buffer_);
    if (!got) return base::pass(got);
    const std::string_view bytes = std::string_view(buffer_).substr(0, *got);
    FrameWalker walker(ByteSource(bytes, window.begin), window.begin, window.begin + bytes.size(), salt);
    while (true) {
      auto step = walker.next(PayloadCheck::none);
      if (!step) return base::pass(step);
      if (*step == WalkStep::end) return {};
      const FrameHeader& header = walker.header();
      if (*step == WalkStep::damage) damaged_(walker.damage());
      if (*step == WalkStep::damage || !header.holds_rows() || header.window != window.window) continue;
      hold({header, bytes.substr(header.offset + frame_header_size - window.begin, header.payload_size)});
    }
  }

  // A stream of events is defined by a frame with events, so these frames are enough.
  base::Status read_lifecycle_frames(base::ReadableFile& file, const WindowEntry& window) {
    std::size_t size = 0;
    for (const FramePlace& place : window.lifecycle) size += place.size;
    buffer_.resize(size);
    std::size_t at = 0;
    for (const FramePlace& place : window.lifecycle) {
      auto got = file.read_at(window.begin + place.offset, std::span(buffer_).subspan(at, place.size));
      if (!got) return base::pass(got);
      const std::string_view bytes = std::string_view(buffer_).substr(at, *got);
      at += place.size;
      FrameHeader header;
      if (bytes.size() == place.size && decode_header(bytes, header) != HeaderCheck::good)
        damaged_({window.begin + place.offset, place.size});
      const bool sound = bytes.size() == place.size && decode_header(bytes, header) == HeaderCheck::good && header.window == window.window;
      if (sound && header.holds_rows()) hold({header, bytes.substr(frame_header_size, header.payload_size)});
    }
    return {};
  }

  void hold(HeldFrame frame) {
    if ((frame.header.flags & frame_defines_streams) && check(frame)) define_streams(frame);
    frames_.push_back(frame);
  }

  bool check(HeldFrame& frame) {
    if (frame.checked) return true;
    frame.checked = base::crc32c(frame.payload) == frame.header.payload_crc;
    if (!frame.checked) damaged_({frame.header.offset, frame.header.end() - frame.header.offset});
    return frame.checked;
  }

  void define_streams(const HeldFrame& frame) {
    ByteReader reader(frame.payload);
    ItemHead head;
    while (reader.left() > 0 && read_item_head(reader, head)) {
      if (!head.has(item_defines_stream)) continue;
      ByteReader labels(head.labels);
      StreamRef stream = record::make_stream(read_labels(labels));
      if (labels.failed()) continue;
      const bool wanted = !filter_ || filter_(*stream);
      streams_[head.stream_number] = {std::move(stream), wanted};
    }
  }

  ScanStep visit_frame(HeldFrame& frame) {
    const FrameHeader& header = frame.header;
    if (header.record_count == 0 || !meets(range_, header)) return ScanStep::go_on;
    if (!check(frame)) return ScanStep::go_on;
    hold_items(frame);
    if (range_.newest_first) std::reverse(items_.begin(), items_.end());
    for (const HeldItem& item : items_) {
      if (visit_item(item) == ScanStep::stop) return ScanStep::stop;
    }
    return ScanStep::go_on;
  }

  void hold_items(const HeldFrame& frame) {
    items_.clear();
    ByteReader reader(frame.payload);
    HeldItem item{{}, frame.header.first_sequence};
    while (reader.left() > 0 && read_item_head(reader, item.head)) {
      if (item.head.record_count > 0) items_.push_back(item);
      item.first_sequence += item.head.record_count;
    }
  }

  ScanStep visit_item(const HeldItem& item) {
    const Sequence last = item.first_sequence + item.head.record_count - 1;
    if (!meets(range_, item.head.has(item_loose), item.first_sequence, last, item.head.min_index, item.head.max_index))
      return ScanStep::go_on;
    const auto found = streams_.find(item.head.stream_number);
    // An unknown number: the frame that defined it is damaged.
    if (found == streams_.end() || !found->second.wanted) return ScanStep::go_on;
    auto batch = std::make_shared<record::CommittedBatch>();  // owned by whoever the visitor gives it to
    batch->first_sequence = item.first_sequence;
    if (!decode_item(item.head, found->second.stream, batch->batch)) return ScanStep::go_on;
    return visitor_(batch);
  }

  const ScanRange& range_;
  const StreamFilter& filter_;
  const BatchVisitor& visitor_;
  const Damaged& damaged_;
  std::string& buffer_;
  std::vector<HeldFrame> frames_;
  std::vector<HeldItem> items_;
  std::unordered_map<std::uint64_t, WindowStream> streams_;
};

// `range` already ends below the segment's limit.
base::Result<ScanStep> scan_segment(const ScanInput& input, const SegmentRef& segment, bool growing, const ScanRange& range,
                                    const StreamFilter& filter, const BatchVisitor& visitor) {
  const auto damaged = [&](const DamagedRange& place) {
    if (input.on_damage) input.on_damage(segment, place);
  };
  auto view = segment->view(input.files, growing);
  if (!view && view.error().code == base::ErrorCode::file_not_found) {
    damaged({});  // retention was here, or somebody else
    return ScanStep::go_on;
  }
  if (!view) return base::pass(view);
  for (const DamagedRange& place : view->damages) damaged(place);
  if (range.newest_first) std::reverse(view->windows.begin(), view->windows.end());
  std::string buffer;
  for (const WindowEntry& window : view->windows) {
    const SegmentTotals& totals = window.totals;
    if (totals.records == 0 || !meets(range, totals)) continue;
    auto step = WindowScan(range, filter, visitor, damaged, buffer).run(*view->file, window, view->salt);
    if (!step || *step == ScanStep::stop) return step;
  }
  return ScanStep::go_on;
}

}  // namespace

base::Status scan_segments(const ScanInput& input, const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) {
  const std::size_t count = input.segments.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = range.newest_first ? count - 1 - i : i;
    const Segment& segment = *input.segments[place];
    const Sequence limit = segment.limit();
    if (segment.first_sequence() > range.to_sequence || limit <= range.from_sequence) continue;
    ScanRange clamped = widened(range);
    clamped.to_sequence = std::min(range.to_sequence, limit - 1);
    const SegmentTotals totals = segment.totals();
    if (totals.records > 0 && !meets(clamped, totals)) continue;
    auto step = scan_segment(input, input.segments[place], input.growing && place + 1 == count, clamped, filter, visitor);
    if (!step) return base::pass(step);
    if (*step == ScanStep::stop) return {};
  }
  return {};
}

}  // namespace telltale::store
