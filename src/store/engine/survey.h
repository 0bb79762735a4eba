// Reading one segment whole: every frame checked, positions and streams gathered, damage judged.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/engine/state.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

struct Damage {
  DamagedRange range;
  UnixNanos from_time = 0;  // newest observed time before it, oldest after it; 0 where there is none
  UnixNanos to_time = 0;
};

struct Survey {
  bool has_snapshot = false;
  bool sealed = false;
  UnixNanos created = 0;
  PositionMap positions;  // the snapshot's, and what followed
  StreamMap streams;
  SegmentTotals totals;
  std::uint64_t salt = 0;
  std::uint32_t next_window = 1;
  Sequence max_sequence = 0;        // the highest of any sound frame, also of those that are cut
  std::uint64_t size = 0;           // of the file
  std::uint64_t good_end = 0;       // everything from here on is no part of the segment
  bool cut_frames = false;          // sound frames stand behind good_end
  std::uint64_t durable_end = 0;    // the highest durable_offset of any frame
  std::vector<Damage> damages;      // below good_end
  std::set<std::string> told_gaps;  // details of the store_damaged gap records in it
};

// Damage at or behind durable_end was never known to be on the disk, nor was what follows it: writing ends there, since the positions
// of frames behind a hole would claim what the hole lost. Damage before it is damage of what was safe: the rest stays.
// `positions` and `streams` are what held before this segment, for one without a snapshot.
base::Result<Survey> survey_segment(base::Files& files, const Segment& segment, PositionMap positions, StreamMap streams);

}  // namespace telltale::store
