#include "store/engine/state.h"

#include <algorithm>

namespace telltale::store {

void apply_position(PositionMap& positions, const Position& position) {
  if (position.value.empty()) {
    positions.erase(position.key);
  } else {
    positions[position.key] = position.value;
  }
}

void StoreState::begin(std::vector<SegmentRef> segments, PositionMap positions, StreamMap streams, Sequence next_sequence,
                       Sequence kept_from) {
  base::MutexLock lock(mutex_);
  segments_ = std::move(segments);
  positions_ = std::move(positions);
  streams_ = std::move(streams);
  next_sequence_ = next_sequence;
  kept_from_ = kept_from;
}

void StoreState::commit(std::span<const Pending> items, Sequence first_sequence) {
  base::MutexLock lock(mutex_);
  Sequence next = first_sequence;
  for (const Pending& pending : items) {
    next += pending.item.record_count;
    if (pending.batch.position) apply_position(positions_, *pending.batch.position);
    if (pending.item.stream == nullptr) continue;
    StreamEntry& entry = streams_.try_emplace(pending.item.stream->id, StreamEntry{pending.item.stream, 0}).first->second;
    entry.last_sequence = next - 1;
  }
  next_sequence_ = next;
}

void StoreState::add_segment(SegmentRef segment) {
  base::MutexLock lock(mutex_);
  if (!segments_.empty() && segments_.back()->first_sequence() == segment->first_sequence()) segments_.pop_back();
  if (!segments_.empty()) segments_.back()->set_limit(segment->first_sequence());
  segments_.push_back(std::move(segment));
}

void StoreState::drop_oldest_segment() {
  base::MutexLock lock(mutex_);
  segments_.erase(segments_.begin());
  const Sequence kept = segments_.front()->first_sequence();
  kept_from_ = std::max(kept_from_, kept);
  std::erase_if(streams_, [kept](const auto& entry) { return entry.second.last_sequence < kept; });
}

bool StoreState::drop_segment(Sequence first_sequence) {
  base::MutexLock lock(mutex_);
  if (segments_.empty() || segments_.back()->first_sequence() == first_sequence) return false;
  return std::erase_if(segments_, [&](const SegmentRef& segment) { return segment->first_sequence() == first_sequence; }) > 0;
}

void StoreState::set_disk_full(bool full) {
  base::MutexLock lock(mutex_);
  disk_full_ = full;
}

void StoreState::set_trouble(std::string trouble) {
  base::MutexLock lock(mutex_);
  trouble_ = std::move(trouble);
}

bool StoreState::disk_full() const {
  base::MutexLock lock(mutex_);
  return disk_full_;
}

std::vector<SegmentRef> StoreState::segments() const {
  base::MutexLock lock(mutex_);
  return segments_;
}

PositionMap StoreState::positions() const {
  base::MutexLock lock(mutex_);
  return positions_;
}

std::vector<StreamEntry> StoreState::streams() const {
  base::MutexLock lock(mutex_);
  std::vector<StreamEntry> out;
  out.reserve(streams_.size());
  for (const auto& [id, entry] : streams_) out.push_back(entry);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.stream->id < b.stream->id; });
  return out;
}

Sequence StoreState::next_sequence() const {
  base::MutexLock lock(mutex_);
  return next_sequence_;
}

Sequence StoreState::kept_from() const {
  base::MutexLock lock(mutex_);
  return kept_from_;
}

StoreStats StoreState::stats() const {
  base::MutexLock lock(mutex_);
  StoreStats stats;
  stats.streams = streams_.size();
  stats.next_sequence = next_sequence_;
  stats.disk_full = disk_full_;
  stats.trouble = trouble_;
  add_segment_stats(segments_, stats);
  return stats;
}

void add_segment_stats(std::span<const SegmentRef> segments, StoreStats& stats) {
  stats.segments = segments.size();
  for (const SegmentRef& segment : segments) {
    const SegmentTotals totals = segment->totals();
    stats.bytes += segment->visible_end();
    if (totals.records == 0) continue;
    if (stats.records == 0) {
      stats.first_sequence = totals.first_sequence;
      stats.oldest_observed = totals.min_observed;
      stats.newest_observed = totals.max_observed;
    }
    stats.records += totals.records;
    stats.gaps += totals.gaps;
    stats.oldest_observed = std::min(stats.oldest_observed, totals.min_observed);
    stats.newest_observed = std::max(stats.newest_observed, totals.max_observed);
  }
}

}  // namespace telltale::store
