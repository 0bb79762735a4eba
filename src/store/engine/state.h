// What the writer knows and others may ask for at any time: segments, positions, streams, figures. Thread-safe.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "store/engine/segment.h"
#include "store/engine/store.h"
#include "store/engine/write_queue.h"

namespace telltale::store {

using PositionMap = std::map<std::string, std::string>;
using StreamMap = std::unordered_map<record::StreamId, StreamEntry, base::Hash128Hasher>;

// An empty value forgets the key.
void apply_position(PositionMap& positions, const Position& position);

class StoreState {
 public:
  void begin(std::vector<SegmentRef> segments, PositionMap positions, StreamMap streams, Sequence next_sequence, Sequence kept_from)
      TT_EXCLUDES(mutex_);

  // The writer's reports.
  void commit(std::span<const Pending> items, Sequence first_sequence) TT_EXCLUDES(mutex_);
  // The newest segment from now on; one with the same first sequence is replaced. The one before ends where this one begins.
  void add_segment(SegmentRef segment) TT_EXCLUDES(mutex_);
  // Forgets the oldest segment, and the streams that have no record after it.
  void drop_oldest_segment() TT_EXCLUDES(mutex_);
  // Forgets a segment whose file is gone. False when it is the newest, or not there.
  bool drop_segment(Sequence first_sequence) TT_EXCLUDES(mutex_);
  void set_disk_full(bool full) TT_EXCLUDES(mutex_);
  bool disk_full() const TT_EXCLUDES(mutex_);
  void set_trouble(std::string trouble) TT_EXCLUDES(mutex_);

  std::vector<SegmentRef> segments() const TT_EXCLUDES(mutex_);
  PositionMap positions() const TT_EXCLUDES(mutex_);
  std::vector<StreamEntry> streams() const TT_EXCLUDES(mutex_);
  Sequence next_sequence() const TT_EXCLUDES(mutex_);
  // Records below were removed by retention.
  Sequence kept_from() const TT_EXCLUDES(mutex_);
  // All but the store's id.
  StoreStats stats() const TT_EXCLUDES(mutex_);

 private:
  mutable base::Mutex mutex_;
  std::vector<SegmentRef> segments_ TT_GUARDED_BY(mutex_);
  PositionMap positions_ TT_GUARDED_BY(mutex_);
  StreamMap streams_ TT_GUARDED_BY(mutex_);
  Sequence next_sequence_ TT_GUARDED_BY(mutex_) = 1;
  Sequence kept_from_ TT_GUARDED_BY(mutex_) = 0;
  bool disk_full_ TT_GUARDED_BY(mutex_) = false;
  std::string trouble_ TT_GUARDED_BY(mutex_);
};

// Sums up what the segments hold, each up to where the next begins.
void add_segment_stats(std::span<const SegmentRef> segments, StoreStats& stats);

}  // namespace telltale::store
