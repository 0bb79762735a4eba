#include "store/engine/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "record/gap.h"
#include "store/engine/quarantine.h"
#include "store/engine/survey.h"
#include "telemetry/log.h"

namespace telltale::store {

namespace {

using telemetry::LogLevel;

class Recovery {
 public:
  Recovery(base::Files& files, const std::string& folder) : files_(files), folder_(folder) {}

  base::Result<Recovered> run() {
    if (auto removed = remove_unfinished(); !removed) return base::pass(removed);
    auto segments = list_segments(files_, folder_);
    if (!segments) return base::pass(segments);
    out_.segments = std::move(*segments);
    auto last = find_last();
    if (!last) return base::pass(last);
    if (auto sums = sum_up_older(); !sums) return base::pass(sums);
    if (*last) {
      if (auto resumed = resume(**last); !resumed) return base::pass(resumed);
    }
    if (highest_ > 0) out_.next_sequence = highest_ + sequences_skipped_at_opening;
    return std::move(out_);
  }

 private:
  // What an engine was making when it ended.
  base::Status remove_unfinished() {
    const std::string segments = segments_folder(folder_);
    auto names = files_.list(segments);
    if (!names) return base::pass(names);
    for (const std::string& name : *names) {
      if (!name.ends_with(".tts.new")) continue;
      if (auto removed = files_.remove(base::join_path(segments, name)); !removed) return removed;
    }
    return {};
  }

  // The newest segment that can be used; those that were never complete are set aside.
  base::Result<std::optional<Survey>> find_last() {
    std::optional<Survey> none;
    while (!out_.segments.empty()) {
      const SegmentRef segment = out_.segments.back();
      auto survey = survey_segment(files_, *segment, {}, {});
      if (!survey) return base::pass(survey);
      highest_ = std::max(highest_, survey->max_sequence);
      if (survey->has_snapshot) return std::optional(std::move(*survey));
      if (survey->durable_end > 0) return survey_without_snapshot(*segment);
      telemetry::log(LogLevel::warning, "store", "{} was never complete; moved to quarantine", segment->path());
      if (auto moved = set_aside(files_, folder_, *segment); !moved) return base::pass(moved);
      out_.segments.pop_back();
      if (!out_.segments.empty()) out_.segments.back()->set_limit(~Sequence{0});
    }
    return none;
  }

  // The snapshot is damaged, what follows it is not: positions and streams come from the segment before.
  base::Result<std::optional<Survey>> survey_without_snapshot(const Segment& segment) {
    PositionMap positions;
    StreamMap streams;
    if (out_.segments.size() > 1) {
      auto before = survey_segment(files_, *out_.segments[out_.segments.size() - 2], {}, {});
      if (!before) return base::pass(before);
      positions = std::move(before->positions);
      streams = std::move(before->streams);
    }
    auto survey = survey_segment(files_, segment, std::move(positions), std::move(streams));
    if (!survey) return base::pass(survey);
    return std::optional(std::move(*survey));
  }

  base::Status sum_up_older() {
    for (std::size_t i = 0; i + 1 < out_.segments.size(); ++i) {
      Segment& segment = *out_.segments[i];
      auto info = files_.info(segment.path());
      if (!info) return base::pass(info);
      auto seal = read_seal(files_, segment, info->size);
      if (!seal) return base::pass(seal);
      if (*seal) {
        segment.publish(info->size, **seal);
      } else if (auto sealed = seal_late(segment, info->size); !sealed) {
        return sealed;
      }
    }
    return {};
  }

  // A segment that was followed by another before it had its seal: what is no part of it any more is cut off.
  base::Status seal_late(Segment& segment, std::uint64_t size) {
    auto file = files_.open_read(segment.path());
    if (!file) return base::pass(file);
    FrameWalker walker(ByteSource(**file), 0, size);
    SegmentTail tail;
    std::uint64_t sound_end = 0;
    for (auto step = walker.next(PayloadCheck::none); !step || *step != WalkStep::end; step = walker.next(PayloadCheck::none)) {
      if (!step) return base::pass(step);
      if (*step != WalkStep::frame || walker.header().kind == FrameKind::seal) continue;
      const FrameHeader& header = walker.header();
      if (header.record_count > 0 && header.first_sequence >= segment.limit()) break;
      tail.totals.add(header);
      tail.salt = header.salt;
      tail.window = header.window;
      sound_end = header.end();
    }
    tail.size = sound_end;
    segment.publish(sound_end, tail.totals);
    auto writer = open_tail(segment, size, tail);
    if (!writer) return base::pass(writer);
    if (auto sealed = (*writer)->append_seal(segment.limit()); !sealed) return sealed;
    segment.publish((*writer)->size(), tail.totals);
    return (*writer)->sync();
  }

  base::Result<std::unique_ptr<SegmentWriter>> open_tail(const Segment& segment, std::uint64_t size, const SegmentTail& tail) {
    auto file = files_.open_write(segment.path(), base::OpenMode::append);
    if (!file) return base::pass(file);
    if (size > tail.size) {
      telemetry::log(LogLevel::info, "store", "{}: {} bytes of unfinished writing cut off", segment.path(), size - tail.size);
      if (auto cut = (*file)->truncate(tail.size); !cut) return base::pass(cut);
    }
    if (auto synced = (*file)->sync(); !synced) return base::pass(synced);
    return std::make_unique<SegmentWriter>(std::move(*file), tail);
  }

  base::Status resume(Survey& survey) {
    const SegmentRef segment = out_.segments.back();
    out_.positions = std::move(survey.positions);
    out_.streams = std::move(survey.streams);
    report_damage(*segment, survey);
    segment->publish(survey.good_end, survey.totals);
    if (survey.sealed) return {};
    const SegmentTail tail{survey.good_end, survey.salt, survey.next_window, survey.created, survey.totals};
    auto writer = open_tail(*segment, survey.size, tail);
    if (!writer) return base::pass(writer);
    out_.active = OpenSegment{segment, std::move(*writer)};
    return {};
  }

  void report_damage(const Segment& segment, const Survey& survey) {
    for (const Damage& damage : survey.damages) {
      record::Gap gap;
      gap.reason = record::GapReason::store_damaged;
      gap.from_time = damage.from_time;
      gap.to_time = damage.to_time == 0 ? damage.from_time : damage.to_time;
      gap.detail = fmt::format("{}: bytes {} to {} are damaged", base::file_name(segment.path()), damage.range.offset, damage.range.end());
      keep_copy(segment, damage.range);
      if (!survey.told_gaps.contains(gap.detail)) out_.gaps.push_back(std::move(gap));
    }
    if (survey.cut_frames) keep_copy(segment, {survey.good_end, survey.size - survey.good_end});
  }

  // A copy that cannot be made is no reason not to start.
  void keep_copy(const Segment& segment, const DamagedRange& range) {
    telemetry::log(LogLevel::warning, "store", "{}: bytes {} to {} are damaged; copied to quarantine", segment.path(), range.offset,
                   range.end());
    if (auto copied = copy_damage(files_, folder_, segment, range); !copied) {
      telemetry::log(LogLevel::warning, "store", "the copy failed: {}", copied.error().message());
    }
  }

  base::Files& files_;
  const std::string folder_;
  Recovered out_;
  Sequence highest_ = 0;
};

}  // namespace

base::Result<Recovered> recover(base::Files& files, const std::string& folder) {
  return Recovery(files, folder).run();
}

}  // namespace telltale::store
