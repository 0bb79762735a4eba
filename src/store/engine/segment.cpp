#include "store/engine/segment.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/hash.h"

namespace telltale::store {

namespace {

constexpr std::string_view suffix = ".tts";
constexpr std::size_t digits = 20;

}  // namespace

std::optional<Sequence> parse_segment_name(std::string_view name) {
  if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  Sequence sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + digits, sequence);
  if (error != std::errc{} || end != name.data() + digits) return std::nullopt;
  return sequence;
}

void Segment::publish(std::uint64_t end, const SegmentTotals& totals) {
  base::MutexLock lock(mutex_);
  totals_ = totals;
  visible_end_.store(end, std::memory_order_release);
}

SegmentTotals Segment::totals() const {
  base::MutexLock lock(mutex_);
  return totals_;
}

base::Result<SegmentView> Segment::view(base::Files& files, bool growing) {
  SegmentView view;
  auto file = open_segment(files, path_);
  if (!file) return base::pass(file);
  view.file = std::move(*file);
  base::MutexLock lock(mutex_);
  if (auto extended = index_.extend(*view.file, visible_end(), growing); !extended) return base::pass(extended);
  view.windows = index_.windows();
  view.damages = index_.damages();
  view.salt = index_.salt();
  return view;
}

base::Result<SegmentTotals> Segment::index_totals(base::Files& files, bool growing) {
  auto opened = view(files, growing);
  if (!opened) return base::pass(opened);
  base::MutexLock lock(mutex_);
  return index_.totals();
}

std::string segments_folder(const std::string& folder) {
  return base::join_path(folder, "segments");
}

std::string segment_path(const std::string& folder, Sequence first_sequence) {
  return base::join_path(segments_folder(folder), fmt::format("{:020}{}", first_sequence, suffix));
}

base::Result<std::vector<SegmentRef>> list_segments(base::Files& files, const std::string& folder) {
  auto names = files.list(segments_folder(folder));
  if (!names) return base::pass(names);
  std::vector<SegmentRef> segments;
  for (const std::string& name : *names) {
    if (const auto first = parse_segment_name(name)) segments.push_back(std::make_shared<Segment>(segment_path(folder, *first), *first));
  }
  set_limits(segments);
  return segments;
}

void set_limits(const std::vector<SegmentRef>& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    segments[i]->set_limit(i + 1 < segments.size() ? segments[i + 1]->first_sequence() : ~Sequence{0});
  }
}

namespace {

// For a segment whose beginning is no snapshot: what the first sound frame says.
HeadKind kind_by_frames(base::ReadableFile& file, std::uint32_t store) {
  auto info = file.info();
  if (!info) return HeadKind::damaged;
  FrameWalker walker(ByteSource(file), 0, info->size);
  while (true) {
    const auto step = walker.next(PayloadCheck::none);
    if (!step) return HeadKind::damaged;
    if (*step == WalkStep::end) return HeadKind::nothing;
    if (*step == WalkStep::damage) continue;
    const std::uint32_t mark = walker.header().store;
    return store != 0 && mark != 0 && mark != store ? HeadKind::foreign : HeadKind::damaged;
  }
}

}  // namespace

base::Result<SegmentHead> read_head(base::Files& files, const Segment& segment, std::uint32_t store) {
  auto file = open_segment(files, segment.path());
  if (!file) return base::pass(file);
  SegmentHead head;
  std::string bytes(frame_header_size, '\0');
  auto got = (*file)->read_at(0, bytes);
  FrameHeader header;
  if (!got) return head;
  const HeaderCheck check = *got == bytes.size() ? decode_header(bytes, header) : HeaderCheck::damaged;
  if (check == HeaderCheck::newer) head.kind = HeadKind::own;  // who reads on refuses it
  if (check == HeaderCheck::newer) return head;
  if (check != HeaderCheck::good || header.kind != FrameKind::snapshot || header.offset != 0) {
    head.kind = kind_by_frames(**file, store);
    return head;
  }
  const bool other_store = store != 0 && header.store != 0 && header.store != store;
  head.kind = other_store || header.first_sequence != segment.first_sequence() ? HeadKind::foreign : HeadKind::own;
  auto info = (*file)->info();
  if (!info || header.end() > info->size) return head;
  std::string payload(header.payload_size, '\0');
  got = (*file)->read_at(frame_header_size, payload);
  Snapshot snapshot;
  const bool sound = got && *got == payload.size() && base::crc32c(payload) == header.payload_crc && decode_snapshot(payload, snapshot);
  if (sound) head.origin = snapshot.origin;
  return head;
}

base::Result<std::optional<Seal>> read_seal(base::Files& files, const Segment& segment, std::uint64_t size) {
  constexpr std::size_t seal_size = frame_header_size + seal_payload_size;
  std::optional<Seal> none;
  if (size < seal_size) return none;
  auto file = open_segment(files, segment.path());
  if (!file) return base::pass(file);
  std::array<char, seal_size> bytes{};
  auto got = (*file)->read_at(size - seal_size, bytes);
  if (!got && got.error().code == base::ErrorCode::io_error) return none;
  if (!got) return base::pass(got);
  FrameHeader header;
  Seal seal;
  if (*got != seal_size || decode_header({bytes.data(), bytes.size()}, header) != HeaderCheck::good) return none;
  const std::string_view payload(bytes.data() + frame_header_size, seal_payload_size);
  const bool sound = header.kind == FrameKind::seal && header.offset == size - seal_size && header.payload_size == seal_payload_size;
  if (!sound || base::crc32c(payload) != header.payload_crc || !decode_seal(payload, seal.totals)) return none;
  seal.next_sequence = header.first_sequence;
  return std::optional(seal);
}

}  // namespace telltale::store
