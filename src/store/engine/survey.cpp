#include "store/engine/survey.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "store/engine/segment_file.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

namespace {

// Of a segment with more damages than this the last ones are told as one.
constexpr std::size_t most_damages = 64;

// Applies frames in order to a survey.
class Surveyor {
 public:
  Surveyor(Survey& out, const Segment& segment, const SurveyInput& input)
      : out_(out), name_(base::file_name(segment.path())), limit_(input.limit), end_(input.end) {
    out_.records_end = next_ = segment.first_sequence();
  }

  void frame(const FrameHeader& header, std::string_view payload) {
    if (header.record_count > 0 && header.first_sequence >= limit_) return;  // the next segment has it
    const bool seal = header.kind == FrameKind::seal;
    close_damage(seal ? end_.value_or(header.first_sequence) : header.first_sequence, header.record_count > 0 ? header.min_observed : 0);
    if (!seal) out_.totals.add(header);
    out_.any_frame = true;
    if (out_.store == 0) out_.store = header.store;
    out_.salt = header.salt;
    out_.next_window = std::max(out_.next_window, header.window + 1);
    out_.sealed = seal;
    out_.seal_next = seal ? header.first_sequence : 0;
    if (seal) return;
    out_.good_end = header.end();
    if (header.offset == 0 && header.kind == FrameKind::snapshot) take_snapshot(payload);
    if (header.kind == FrameKind::tombstone) take_tombstone(payload);
    if (header.holds_rows()) take_rows(header, payload);
    next_ = std::max(next_, header.first_sequence + header.record_count);
    if (header.record_count == 0) return;
    out_.records_end = next_;
    newest_ = header.max_observed;
  }

  // `frame`: the header of what is damaged, where that is sound.
  void damage(const DamagedRange& range, const FrameHeader* frame) {
    if (frame != nullptr) out_.next_window = std::max(out_.next_window, frame->window + 1);
    // Damaged frames whose headers are sound say exactly what they held.
    const bool rows = frame != nullptr && frame->holds_rows() && frame->record_count > 0;
    const bool merges = open_ || out_.damages.size() >= most_damages;
    if (!merges) begin_damage(range);
    Damage& damage = out_.damages.back();
    damage.range.size = range.end() - damage.range.offset;
    if (!merges && rows) {
      damage.from_sequence = frame->first_sequence;
      damage.from_time = frame->min_index;
      damage.to_time = frame->max_index;
    }
    exact_ = rows && (!merges || (open_ && exact_));
    if (exact_) {
      damage.from_time = std::min(damage.from_time, frame->min_index);
      damage.to_time = std::max(damage.to_time, frame->max_index);
      exact_end_ = frame->first_sequence + frame->record_count;
    }
    open_ = true;
  }

  // After the last frame.
  void finish() {
    finish_damage();
    settle_orphans();
  }

 private:
  void finish_damage() {
    if (open_) return close_damage(std::max(end_.value_or(next_), next_), out_.modified);
    if (!end_ || *end_ <= next_) return;
    if (!out_.damages.empty() && out_.damages.back().end_sequence >= *end_) return;
    begin_damage({out_.good_end, 0});
    close_damage(*end_, out_.modified);
    out_.damages.back().what = "its end is missing";
  }

  struct Orphan {
    std::uint64_t stream = 0;
    Sequence first = 0;
    Sequence end = 0;
    UnixNanos from_time = 0;
    UnixNanos to_time = 0;
    std::size_t damage = 0;  // how many there were before it
  };

  void begin_damage(const DamagedRange& range) {
    Damage damage;
    damage.segment = name_;
    damage.range = range;
    damage.from_sequence = damage.end_sequence = next_;
    damage.from_time = newest_ == 0 ? out_.created : newest_;
    out_.damages.push_back(std::move(damage));
    open_ = true;
    exact_ = false;
  }

  void close_damage(Sequence end, UnixNanos time) {
    if (!open_) return;
    open_ = false;
    Damage& damage = out_.damages.back();
    // A frame without payload had no records; at the end of the file nobody knows whether it had one.
    const bool nothing = damage.range.size == frame_header_size && damage.range.end() < out_.size;
    damage.end_sequence = std::max(damage.from_sequence, exact_ ? exact_end_ : nothing ? damage.from_sequence : end);
    damage.missing = damage.end_sequence - damage.from_sequence;
    if (!exact_) damage.to_time = std::max(damage.from_time, time);
    damage.what = fmt::format("bytes {} to {} are damaged", damage.range.offset, damage.range.end());
    std::set<std::string> services;
    for (const auto& [number, stream] : numbers_) services.emplace(stream->labels.get("service"));
    damage.services.assign(services.begin(), services.end());
  }

  void take_snapshot(std::string_view payload) {
    Snapshot snapshot;
    if (!decode_snapshot(payload, snapshot)) return;
    out_.has_snapshot = true;
    out_.created = snapshot.created;
    out_.origin = snapshot.origin;
    if (snapshot.origin) out_.kept_from = std::max(out_.kept_from, snapshot.origin->oldest);
    out_.positions = std::move(snapshot.positions);
    out_.streams.clear();
    for (StreamEntry& entry : snapshot.streams) out_.streams[entry.stream->id] = entry;
  }

  void take_tombstone(std::string_view payload) {
    ByteReader reader(payload);
    const auto kept_from = reader.fixed<Sequence>();
    if (!reader.failed()) out_.kept_from = std::max(out_.kept_from, kept_from);
  }

  void take_rows(const FrameHeader& header, std::string_view payload) {
    if (header.window != window_) {
      settle_orphans();
      numbers_.clear();
    }
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
      } else if (head.stream_number != 0 && head.record_count > 0) {
        orphans_.push_back({head.stream_number, next - head.record_count, next, head.min_index, head.max_index, out_.damages.size()});
      }
    }
  }

  // Records whose stream a damaged frame defined. A later frame of the window that defines it again saves them; else they are missing too.
  void settle_orphans() {
    for (const Orphan& orphan : orphans_) {
      if (const auto found = numbers_.find(orphan.stream); found != numbers_.end()) {
        StreamEntry& entry = out_.streams.try_emplace(found->second->id, StreamEntry{found->second, 0}).first->second;
        entry.last_sequence = std::max(entry.last_sequence, orphan.end - 1);
      } else if (orphan.damage > 0) {
        lose(orphan, out_.damages[orphan.damage - 1]);
      }
    }
    orphans_.clear();
  }

  static void lose(const Orphan& orphan, Damage& damage) {
    if (!damage.loses()) damage.from_sequence = orphan.first;
    damage.end_sequence = std::max(damage.end_sequence, orphan.end);
    damage.missing += orphan.end - orphan.first;
    damage.from_time = std::min(damage.from_time, orphan.from_time);
    damage.to_time = std::max(damage.to_time, orphan.to_time);
  }

  void define(const ItemHead& head) {
    ByteReader labels(head.labels);
    StreamRef stream = record::make_stream(read_labels(labels));
    if (!labels.failed()) numbers_[head.stream_number] = std::move(stream);
  }

  Survey& out_;
  const std::string_view name_;
  const Sequence limit_;
  const std::optional<Sequence> end_;
  Sequence next_ = 0;     // the next sequence, as far as frames tell
  UnixNanos newest_ = 0;  // observed, of the last frame with records
  bool open_ = false;     // the last damage has no end yet
  bool exact_ = false;    // the headers of all that is damaged there are sound
  Sequence exact_end_ = 0;
  std::uint32_t window_ = 0;
  std::unordered_map<std::uint64_t, StreamRef> numbers_;
  std::vector<Orphan> orphans_;  // of the window
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
  std::uint64_t damaged_bytes = 0;
  FrameWalker walker(ByteSource(file), 0, size);
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return base::pass(step);
    if (*step == WalkStep::end) break;
    if (*step == WalkStep::damage) {
      out.damages.push_back(walker.damage());
      damaged_bytes += walker.damage().size;
      continue;
    }
    const FrameHeader& header = walker.header();
    out.durable_end = std::max(out.durable_end, header.durable_offset);
    if (header.record_count > 0) out.max_sequence = std::max(out.max_sequence, header.last_sequence());
    out.max_sequence = std::max(out.max_sequence, header.first_sequence);
  }
  out.max_sequence += damaged_bytes * most_records_in_a_byte;
  return out;
}

base::Status apply_frames(base::ReadableFile& file, std::uint64_t end, Surveyor& surveyor) {
  FrameWalker walker(ByteSource(file), 0, end);
  while (true) {
    auto step = walker.next(PayloadCheck::crc);
    if (!step) return base::pass(step);
    if (*step == WalkStep::end) return {};
    if (*step == WalkStep::damage) {
      surveyor.damage(walker.damage(), walker.damaged_frame());
    } else {
      surveyor.frame(walker.header(), walker.payload());
    }
  }
}

}  // namespace

base::Result<Survey> survey_segment(base::Files& files, const Segment& segment, SurveyInput input) {
  auto file = open_segment(files, segment.path());
  if (!file) return base::pass(file);
  auto info = (*file)->info();
  if (!info) return base::pass(info);
  const std::uint64_t size = input.size ? std::min(*input.size, info->size) : info->size;
  auto judgement = judge(**file, size);
  if (!judgement) return base::pass(judgement);

  Survey out;
  out.positions = std::move(input.positions);
  out.streams = std::move(input.streams);
  out.size = size;
  out.modified = info->modify_time;
  out.durable_end = judgement->durable_end;
  out.max_sequence = std::max(judgement->max_sequence, segment.first_sequence());
  const std::uint64_t cut = input.kind == SurveyOf::last ? judgement->cut(size) : size;
  Surveyor surveyor(out, segment, input);
  if (auto applied = apply_frames(**file, cut, surveyor); !applied) return base::pass(applied);
  surveyor.finish();
  if (input.kind == SurveyOf::last) out.good_end = cut;
  out.unreadable = (*file)->unreadable();
  const DamagedRange* last = judgement->damages.empty() ? nullptr : &judgement->damages.back();
  out.cut_frames = last != nullptr && cut < size && (last->offset != cut || last->end() < size);
  return out;
}

}  // namespace telltale::store
