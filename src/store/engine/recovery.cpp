#include "store/engine/recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/engine/chain.h"
#include "store/engine/quarantine.h"
#include "store/engine/survey.h"
#include "telemetry/log.h"

namespace telltale::store {

namespace {

using telemetry::LogLevel;

// Of a segment that is gone nobody knows how many it gave out: more than the largest that can be configured has bytes for.
constexpr Sequence most_sequences_of_a_segment = Sequence{1} << 42;

class Recovery {
 public:
  Recovery(base::Files& files, const std::string& folder, const StoreId* id) : files_(files), folder_(folder) {
    if (id != nullptr) mark_ = store_mark(id->id);
  }

  base::Result<Recovered> run() {
    if (auto removed = remove_unfinished(); !removed) return base::pass(removed);
    auto segments = list_segments(files_, folder_);
    if (!segments) return base::pass(segments);
    out_.segments = std::move(*segments);
    if (auto heads = read_heads(); !heads) return base::pass(heads);
    if (auto aside = set_strangers_aside(); !aside) return base::pass(aside);
    auto last = find_last();
    if (!last) return base::pass(last);
    if (auto sums = sum_up_older(*last); !sums) return base::pass(sums);
    if (*last) {
      out_.kept_from = (*last)->kept_from;
      if (auto resumed = resume(**last); !resumed) return base::pass(resumed);
    }
    if (highest_ > 0) out_.next_sequence = highest_ + sequences_skipped_at_opening;
    for (const SegmentHead& head : heads_) {
      if (head.origin) out_.origin = head.origin;
    }
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

  base::Status read_heads() {
    for (const SegmentRef& segment : out_.segments) {
      auto head = read_head(files_, *segment, mark_);
      if (!head) return base::pass(head);
      heads_.push_back(std::move(*head));
    }
    // Without DATA/store.id the newest segment says whose the store is.
    for (std::size_t i = heads_.size(); mark_ == 0 && i > 0; --i) {
      if (heads_[i - 1].kind == HeadKind::own && heads_[i - 1].origin) mark_ = store_mark(heads_[i - 1].origin->store_id);
    }
    const auto is = [](HeadKind kind) { return [kind](const SegmentHead& head) { return head.kind == kind; }; };
    if (std::ranges::any_of(heads_, is(HeadKind::foreign)) && std::ranges::none_of(heads_, is(HeadKind::own)) && all_of_another_store()) {
      return base::fail(base::ErrorCode::store_corrupt, folder_ + ": store.id is that of another store than the segments",
                        "Put back the store.id that belongs to them, or remove it: then the one that the segments name is used.");
    }
    return {};
  }

  bool all_of_another_store() const {
    return std::ranges::all_of(heads_, [this](const SegmentHead& head) {
      return head.kind == HeadKind::damaged || head.kind == HeadKind::nothing ||
             (head.origin && store_mark(head.origin->store_id) != mark_);
    });
  }

  // Files that have a segment's name and are none of this store. Whether they stand in the place of one, the chain tells.
  base::Status set_strangers_aside() {
    std::vector<SegmentRef> kept;
    std::vector<SegmentHead> heads;
    for (std::size_t i = 0; i < out_.segments.size(); ++i) {
      if (is_stranger(i)) {
        telemetry::log(LogLevel::warning, "store", "{} is no segment of this store; moved to quarantine", out_.segments[i]->path());
        if (auto moved = set_aside(files_, folder_, *out_.segments[i]); !moved) return moved;
        continue;
      }
      kept.push_back(out_.segments[i]);
      heads.push_back(heads_[i]);
    }
    out_.segments = std::move(kept);
    heads_ = std::move(heads);
    set_limits(out_.segments);
    return {};
  }

  bool is_stranger(std::size_t i) const {
    const SegmentHead& head = heads_[i];
    // Of the newest one find_last() knows whether something was there.
    if (head.kind == HeadKind::nothing) return i + 1 < heads_.size();
    if (head.kind == HeadKind::own) return mark_ != 0 && head.origin && store_mark(head.origin->store_id) != mark_;
    return head.kind == HeadKind::foreign;
  }

  // The newest segment that can be used; one of which nothing is left is set aside.
  base::Result<std::optional<Survey>> find_last() {
    std::optional<Survey> none;
    while (!out_.segments.empty()) {
      const SegmentRef segment = out_.segments.back();
      auto survey = survey_segment(files_, *segment, {});
      if (!survey) return base::pass(survey);
      highest_ = std::max(highest_, survey->max_sequence);
      if (survey->unreadable) return survey_as_it_is(*segment);
      if (survey->has_snapshot) return std::optional(std::move(*survey));
      if (survey->durable_end > 0) return survey_without_snapshot(*segment);
      telemetry::log(LogLevel::warning, "store", "nothing of {} can be read; moved to quarantine", segment->path());
      if (auto announced = was_begun(*segment); !announced || *announced) out_.damages.push_back(destroyed(*segment, *survey));
      if (auto moved = set_aside(files_, folder_, *segment); !moved) return base::pass(moved);
      out_.segments.pop_back();
      heads_.pop_back();
      set_limits(out_.segments);
    }
    return none;
  }

  // The segment before gets its seal when the next one is begun; one that names no such next is still the newest, and the file a stranger.
  base::Result<bool> was_begun(const Segment& segment) {
    if (out_.segments.size() < 2) return true;
    const Segment& before = *out_.segments[out_.segments.size() - 2];
    auto info = files_.info(before.path());
    if (!info) return base::pass(info);
    auto seal = read_seal(files_, before, info->size);
    if (!seal) return base::pass(seal);
    return *seal && (*seal)->next_sequence == segment.first_sequence();
  }

  // Of a segment that was begun there was something: it gets its name when its beginning is on the disk.
  static Damage destroyed(const Segment& segment, const Survey& survey) {
    Damage damage;
    damage.segment = base::file_name(segment.path());
    damage.range = {0, survey.size};
    damage.from_sequence = segment.first_sequence();
    damage.end_sequence = std::max(damage.from_sequence + 1, survey.max_sequence);
    damage.to_time = survey.modified;
    damage.what = "nothing of it can be read";
    return damage;
  }

  // Positions and streams of a segment whose snapshot is damaged come from the one before.
  base::Result<SurveyInput> from_the_one_before() {
    SurveyInput input;
    if (out_.segments.size() < 2) return input;
    auto before = survey_segment(files_, *out_.segments[out_.segments.size() - 2], {.kind = SurveyOf::older});
    if (!before) return base::pass(before);
    input.positions = std::move(before->positions);
    input.streams = std::move(before->streams);
    return input;
  }

  base::Result<std::optional<Survey>> survey_without_snapshot(const Segment& segment) {
    auto input = from_the_one_before();
    if (!input) return base::pass(input);
    auto survey = survey_segment(files_, segment, std::move(*input));
    if (!survey) return base::pass(survey);
    return std::optional(std::move(*survey));
  }

  // The disk refuses some of it: nothing is cut, and nothing more is written there.
  base::Result<std::optional<Survey>> survey_as_it_is(const Segment& segment) {
    auto input = from_the_one_before();
    if (!input) return base::pass(input);
    input->kind = SurveyOf::older;
    auto survey = survey_segment(files_, segment, std::move(*input));
    if (!survey) return base::pass(survey);
    survey->sealed = true;
    survey->good_end = survey->size;
    return std::optional(std::move(*survey));
  }

  base::Status sum_up_older(const std::optional<Survey>& last) {
    std::vector<ChainLink> links;
    const std::size_t count = out_.segments.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (i + 1 == count && last) {
        links.push_back(make_link(*out_.segments[i], heads_[i], last->totals, last->seal_next));
        if (auto newest = look_for_newest(links.back(), *last); !newest) return newest;
        break;
      }
      auto link = sum_up(i);
      if (!link) return base::pass(link);
      links.push_back(*link);
    }
    for (Damage& damage : missing_segments(links, last ? last->kept_from : 0)) {
      telemetry::log(LogLevel::warning, "store", "{}: {}", damage.segment, damage.what);
      out_.damages.push_back(std::move(damage));
    }
    return {};
  }

  // A segment gets its seal after the next one was begun.
  base::Status look_for_newest(const ChainLink& last, const Survey& survey) {
    const bool told = !out_.damages.empty();  // find_last() met it
    if (survey.seal_next == 0 || told) return {};
    auto folder = files_.info(segments_folder(folder_));
    if (!folder) return base::pass(folder);
    out_.damages.push_back(missing_newest(last, folder->modify_time));
    highest_ += most_sequences_of_a_segment;
    return {};
  }

  base::Result<ChainLink> sum_up(std::size_t i) {
    Segment& segment = *out_.segments[i];
    auto info = files_.info(segment.path());
    if (!info) return base::pass(info);
    auto seal = read_seal(files_, segment, info->size);
    if (!seal) return base::pass(seal);
    std::optional<Sequence> end;
    if (i + 1 < heads_.size() && heads_[i + 1].origin && heads_[i + 1].origin->before == segment.first_sequence()) {
      end = heads_[i + 1].origin->before_end;
    }
    if (*seal) {
      const SegmentTotals& totals = (*seal)->totals;
      segment.publish(info->size, totals);
      const ChainLink link = make_link(segment, heads_[i], totals, (*seal)->next_sequence);
      if (!end || *end <= link.records_end) return link;
    }
    return look_closely(i, *seal, end);
  }

  // A segment that was followed by another before it had its seal, or that ends early.
  base::Result<ChainLink> look_closely(std::size_t i, const std::optional<Seal>& seal, std::optional<Sequence> end) {
    Segment& segment = *out_.segments[i];
    auto survey = survey_segment(files_, segment, {.kind = SurveyOf::older, .limit = segment.limit(), .end = end});
    if (!survey) return base::pass(survey);
    segment.publish(survey->size, survey->totals);
    const bool copied = report_damage(segment, *survey);
    if (!seal && !survey->unreadable && copied) {
      if (auto sealed = seal_late(segment, *survey, end.value_or(segment.limit())); !sealed) return base::pass(sealed);
    }
    return make_link(segment, heads_[i], survey->totals, seal ? seal->next_sequence : 0);
  }

  // What is no part of it any more is cut off; the quarantine has what was damage there.
  base::Status seal_late(Segment& segment, const Survey& survey, Sequence next) {
    const SegmentTail tail{survey.good_end, survey.salt, survey.next_window, survey.created, survey.totals, mark_};
    auto writer = open_tail(segment, survey.size, tail);
    if (!writer) return base::pass(writer);
    if (auto sealed = (*writer)->append_seal(next); !sealed) return sealed;
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
    if (survey.cut_frames) keep_copy(*segment, {survey.good_end, survey.size - survey.good_end});
    segment->publish(survey.good_end, survey.totals);
    if (survey.sealed && survey.size == survey.good_end) return {};
    const SegmentTail tail{survey.good_end, survey.salt, survey.next_window, survey.created, survey.totals, mark_};
    auto writer = open_tail(*segment, survey.size, tail);
    if (!writer) return base::pass(writer);
    if (!survey.sealed) out_.active = OpenSegment{segment, std::move(*writer)};
    return {};
  }

  // False when a copy could not be made.
  bool report_damage(const Segment& segment, const Survey& survey) {
    bool copied = true;
    for (const Damage& damage : survey.damages) {
      copied = (damage.range.size == 0 || keep_copy(segment, damage.range)) && copied;
      out_.damages.push_back(damage);
    }
    return copied;
  }

  // A copy that cannot be made is no reason not to start.
  bool keep_copy(const Segment& segment, const DamagedRange& range) {
    telemetry::log(LogLevel::warning, "store", "{}: bytes {} to {} are damaged; copied to quarantine", segment.path(), range.offset,
                   range.end());
    const auto copied = copy_damage(files_, folder_, segment, range);
    if (!copied) telemetry::log(LogLevel::warning, "store", "the copy failed: {}", copied.error().message());
    return copied.has_value();
  }

  base::Files& files_;
  const std::string folder_;
  std::uint32_t mark_ = 0;          // of this store; 0: not known
  std::vector<SegmentHead> heads_;  // of out_.segments
  Recovered out_;
  Sequence highest_ = 0;
};

}  // namespace

base::Result<Recovered> recover(base::Files& files, const std::string& folder, const StoreId* id) {
  return Recovery(files, folder, id).run();
}

}  // namespace telltale::store
