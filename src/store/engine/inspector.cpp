#include "store/engine/inspector.h"

#include <algorithm>

#include "store/engine/quarantine.h"
#include "telemetry/log.h"

namespace telltale::store {

namespace {

using telemetry::LogLevel;

bool covers(const std::vector<DamagedRange>& known, const DamagedRange& range) {
  return std::ranges::any_of(known, [&](const DamagedRange& have) { return have.offset <= range.offset && range.end() <= have.end(); });
}

}  // namespace

void Inspector::found(std::vector<Damage> damages) {
  base::MutexLock lock(mutex_);
  for (Damage& damage : damages) untold_.push_back(std::move(damage));
}

void Inspector::suspect(const SegmentRef& segment, const DamagedRange& range) {
  base::MutexLock lock(mutex_);
  const auto known = known_.find(segment->first_sequence());
  if (known != known_.end() && covers(known->second, range)) return;
  suspects_.emplace(segment->first_sequence(), segment);
  changed_.notify_all();
}

bool Inspector::pending() const {
  base::MutexLock lock(mutex_);
  return !suspects_.empty() || !untold_.empty() || !missing_.empty();
}

void Inspector::wait(std::chrono::nanoseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  base::MutexLock lock(mutex_);
  while (!stopped_ && suspects_.empty()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero() || !changed_.wait_for(mutex_, left)) return;
  }
}

void Inspector::stop() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void Inspector::look() {
  const std::vector<SegmentRef> segments = state_.segments();
  for (const Sequence first : suspected_segments(files_, folder_)) {
    const auto found = std::ranges::find(segments, first, [](const SegmentRef& segment) { return segment->first_sequence(); });
    if (found != segments.end()) {
      base::MutexLock lock(mutex_);
      known_.erase(first);
      suspects_.emplace(first, *found);
    } else if (auto forgotten = forget_suspect(files_, folder_, first); !forgotten) {
      telemetry::log(LogLevel::warning, "store", "{}", forgotten.error().message());
    }
  }
  look_for_missing(segments);
  forget_removed(segments);
}

// Files that somebody removed. Those that touch are one damage.
void Inspector::look_for_missing(const std::vector<SegmentRef>& segments) {
  std::optional<Damage> open;
  std::vector<Sequence> gone;
  std::vector<Damage> damages;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const Segment& segment = *segments[i];
    const auto info = files_.info(segment.path());
    if (segment.retired() || info || info.error().code != base::ErrorCode::file_not_found) {
      if (open) damages.push_back(std::move(*std::exchange(open, std::nullopt)));
      continue;
    }
    const SegmentTotals totals = segment.totals();
    if (!open) {
      open.emplace();
      open->segment = base::file_name(segment.path());
      open->from_sequence = open->end_sequence = segment.first_sequence();
      open->from_time = totals.records > 0 ? totals.min_observed : clock_.wall();
      open->what = "the segment is missing";
    }
    if (totals.records > 0) open->end_sequence = totals.last_sequence + 1;
    open->missing += totals.records;
    if (totals.records > 0) open->to_time = std::max(open->to_time, totals.max_observed);
    gone.push_back(segment.first_sequence());
  }
  if (open) damages.push_back(std::move(*open));
  base::MutexLock lock(mutex_);
  for (Damage& damage : damages) {
    telemetry::log(LogLevel::error, "store", "{} is gone; what it held is a gap now", damage.segment);
    untold_.push_back(std::move(damage));
  }
  missing_.insert(missing_.end(), gone.begin(), gone.end());
}

// The positions of damages go with their segments.
void Inspector::forget_removed(const std::vector<SegmentRef>& segments) {
  if (segments.empty()) return;
  const Sequence kept = state_.kept_from();
  for (const auto& [key, value] : state_.positions()) {
    if (!is_damage_key(key) || segment_of_damage_key(key) >= kept) continue;
    record::Batch batch;
    batch.position = record::Position{key, ""};
    if (!tell_(batch)) return;
  }
  base::MutexLock lock(mutex_);
  known_.erase(known_.begin(), known_.lower_bound(kept));
}

std::vector<Sequence> Inspector::inspect() {
  std::map<Sequence, SegmentRef> suspects;
  {
    base::MutexLock lock(mutex_);
    suspects.swap(suspects_);
  }
  for (const auto& [first, segment] : suspects) {
    examine(segment);
    if (auto forgotten = forget_suspect(files_, folder_, first); !forgotten) {
      telemetry::log(LogLevel::warning, "store", "{}", forgotten.error().message());
    }
  }
  tell_all();
  base::MutexLock lock(mutex_);
  return std::exchange(missing_, {});
}

void Inspector::examine(const SegmentRef& segment) {
  SurveyInput input{.kind = SurveyOf::older, .limit = segment->limit()};
  if (segment->limit() == ~Sequence{0}) {
    // Asked in this order: what is visible reaches at least so far.
    input.end = state_.next_sequence();
    input.size = segment->visible_end();
    input.kind = SurveyOf::active;
  }
  auto survey = survey_segment(files_, *segment, std::move(input));
  if (!survey && survey.error().code == base::ErrorCode::file_not_found) return look_for_missing(state_.segments());
  if (!survey) return telemetry::log(LogLevel::warning, "store", "{}", survey.error().message());
  base::MutexLock lock(mutex_);
  if (segment->limit() == ~Sequence{0} && !survey->damages.empty()) active_damaged_.store(true);
  std::vector<DamagedRange>& known = known_[segment->first_sequence()];
  known.clear();
  for (Damage& damage : survey->damages) {
    known.push_back(damage.range);
    const auto copied = damage.range.size == 0 ? base::Status() : copy_damage(files_, folder_, *segment, damage.range);
    if (!copied) telemetry::log(LogLevel::warning, "store", "the copy of damaged bytes failed: {}", copied.error().message());
    untold_.push_back(std::move(damage));
  }
}

bool Inspector::is_told(const Damage& damage) const {
  const record::Position position = damage_position(damage);
  const auto positions = state_.positions();
  const auto found = positions.find(position.key);
  return found != positions.end() && found->second == position.value;
}

void Inspector::tell_all() {
  std::deque<Damage> untold;
  {
    base::MutexLock lock(mutex_);
    untold.swap(untold_);
  }
  while (!untold.empty()) {
    const Damage& damage = untold.front();
    const record::Position position = damage_position(damage);
    bool telling = false;
    {
      base::MutexLock lock(mutex_);
      const auto found = telling_.find(position.key);
      telling = found != telling_.end() && found->second == position.value;
    }
    if (damage.loses() && !telling && !is_told(damage)) {
      record::Batch batch = record::make_gap_batch(store_stream(), gap_of(damage), clock_.wall());
      telemetry::log(LogLevel::error, "store", "{}", batch.text.substr(0, batch.records.front().line.size));
      batch.position = position;
      if (!tell_(batch)) break;
      base::MutexLock lock(mutex_);
      telling_[position.key] = position.value;
    }
    untold.pop_front();
  }
  base::MutexLock lock(mutex_);
  for (auto damage = untold.rbegin(); damage != untold.rend(); ++damage) untold_.push_front(std::move(*damage));
}

}  // namespace telltale::store
