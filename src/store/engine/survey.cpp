#include "store/engine/survey.h"

#include <algorithm>
#include <unordered_map>

#include "record/gap.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

namespace {

// Applies frames in order to a survey.
class Surveyor {
 public:
  explicit Surveyor(Survey& out) : out_(out) {}

  void frame(const FrameHeader& header, std::string_view payload) {
    out_.totals.add(header);
    out_.salt = header.salt;
    out_.next_window = std::max(out_.next_window, header.window + 1);
    out_.sealed = header.kind == FrameKind::seal;
    out_.good_end = header.end();
    if (header.offset == 0 && header.kind == FrameKind::snapshot) take_snapshot(payload);
    if (header.holds_rows()) take_rows(header, payload);
    for (Damage& damage : out_.damages) {
      if (damage.to_time == 0 && header.record_count > 0) damage.to_time = header.min_observed;
    }
  }

  void damage(const DamagedRange& range) {
    const UnixNanos from = out_.totals.records > 0 ? out_.totals.max_observed : out_.created;
    out_.damages.push_back({range, from, 0});
  }

 private:
  void take_snapshot(std::string_view payload) {
    Snapshot snapshot;
    if (!decode_snapshot(payload, snapshot)) return;
    out_.has_snapshot = true;
    out_.created = snapshot.created;
    out_.positions = std::move(snapshot.positions);
    out_.streams.clear();
    for (StreamEntry& entry : snapshot.streams) out_.streams[entry.stream->id] = entry;
  }

  void take_rows(const FrameHeader& header, std::string_view payload) {
    if (header.window != window_) numbers_.clear();
    window_ = header.window;
    ByteReader reader(payload);
    ItemHead head;
    Sequence next = header.first_sequence;
    while (reader.left() > 0 && read_item_head(reader, head)) {
      if (head.has(item_position)) apply_position(out_.positions, {std::string(head.position_key), std::string(head.position_value)});
      if (head.has(item_defines_stream)) define(head);
      next += head.record_count;
      if (const auto found = numbers_.find(head.stream_number); found != numbers_.end()) {
        out_.streams.try_emplace(found->second->id, StreamEntry{found->second, 0}).first->second.last_sequence = next - 1;
        if (header.kind == FrameKind::gap) note_gap(head, found->second);
      }
    }
  }

  void define(const ItemHead& head) {
    ByteReader labels(head.labels);
    StreamRef stream = record::make_stream(read_labels(labels));
    if (!labels.failed()) numbers_[head.stream_number] = std::move(stream);
  }

  void note_gap(const ItemHead& head, const StreamRef& stream) {
    record::Batch batch;
    if (!decode_item(head, stream, batch)) return;
    for (const record::Record& record : batch.records) {
      const auto gap = record::read_gap(batch, record);
      if (gap && gap->reason == record::GapReason::store_damaged) out_.told_gaps.insert(gap->detail);
    }
  }

  Survey& out_;
  std::uint32_t window_ = 0;
  std::unordered_map<std::uint64_t, StreamRef> numbers_;
};

struct Judgement {
  std::uint64_t durable_end = 0;
  Sequence max_sequence = 0;
  std::vector<DamagedRange> damages;
  // Where the segment ends: the first damage that no frame shows to have been durable.
  std::uint64_t cut(std::uint64_t size) const {
    for (const DamagedRange& damage : damages) {
      if (damage.offset >= durable_end) return damage.offset;
    }
    return size;
  }
};

base::Result<Judgement> judge(base::ReadableFile& file, std::uint64_t size) {
  Judgement out;
  FrameWalker walker(ByteSource(file), 0, size);
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return base::pass(step);
    if (*step == WalkStep::end) return out;
    if (*step == WalkStep::damage) {
      out.damages.push_back(walker.damage());
      continue;
    }
    const FrameHeader& header = walker.header();
    out.durable_end = std::max(out.durable_end, header.durable_offset);
    if (header.record_count > 0) out.max_sequence = std::max(out.max_sequence, header.last_sequence());
    out.max_sequence = std::max(out.max_sequence, header.first_sequence);
  }
}

base::Status apply_frames(base::ReadableFile& file, std::uint64_t end, Surveyor& surveyor) {
  FrameWalker walker(ByteSource(file), 0, end);
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return base::pass(step);
    if (*step == WalkStep::end) return {};
    if (*step == WalkStep::damage) {
      surveyor.damage(walker.damage());
    } else {
      surveyor.frame(walker.header(), walker.payload());
    }
  }
}

}  // namespace

base::Result<Survey> survey_segment(base::Files& files, const Segment& segment, PositionMap positions, StreamMap streams) {
  auto file = files.open_read(segment.path());
  if (!file) return base::pass(file);
  auto info = (*file)->info();
  if (!info) return base::pass(info);
  auto judgement = judge(**file, info->size);
  if (!judgement) return base::pass(judgement);

  Survey out;
  out.positions = std::move(positions);
  out.streams = std::move(streams);
  out.size = info->size;
  out.durable_end = judgement->durable_end;
  out.max_sequence = std::max(judgement->max_sequence, segment.first_sequence());
  const std::uint64_t cut = judgement->cut(info->size);
  Surveyor surveyor(out);
  if (auto applied = apply_frames(**file, cut, surveyor); !applied) return base::pass(applied);
  out.good_end = cut;
  const DamagedRange* last = judgement->damages.empty() ? nullptr : &judgement->damages.back();
  out.cut_frames = last != nullptr && cut < info->size && (last->offset != cut || last->end() < info->size);
  return out;
}

}  // namespace telltale::store
