// Reading one segment whole: every frame checked, positions and streams gathered, damage judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/engine/damage.h"
#include "store/engine/state.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

// What is asked of a segment.
enum class SurveyOf : std::uint8_t {
  last,   // the newest one, which nobody writes: where it ends is found out
  older,  // one that another follows: all of it was durable
  active  // the newest one, which this engine writes: as far as it is visible
};

struct SurveyInput {
  SurveyOf kind = SurveyOf::last;
  // What held before this segment, for one without a snapshot.
  PositionMap positions{};
  StreamMap streams{};
  Sequence limit = ~Sequence{0};        // records from here on are in the next segment
  std::optional<Sequence> end{};        // older: its records go up to here, as the next segment says
  std::optional<std::uint64_t> size{};  // active: look no further
};

struct Survey {
  bool has_snapshot = false;
  bool sealed = false;
  Sequence seal_next = 0;  // sealed: where the next segment begins
  bool any_frame = false;
  std::uint32_t store = 0;  // FrameHeader::store of the first sound frame
  std::optional<SegmentOrigin> origin;
  UnixNanos created = 0;
  PositionMap positions;  // the snapshot's, and what followed
  StreamMap streams;
  SegmentTotals totals;
  std::uint64_t salt = 0;
  std::uint32_t next_window = 1;
  Sequence kept_from = 0;     // by the snapshot and tombstones: records below were removed on purpose
  Sequence records_end = 0;   // the sequence after the last record
  Sequence max_sequence = 0;  // the highest of any sound frame, also of those that are cut
  std::uint64_t size = 0;     // of the file
  UnixNanos modified = 0;     // the file's own time
  // last: everything from here on is no part of the segment; else the end of the last sound frame that is no seal.
  std::uint64_t good_end = 0;
  bool cut_frames = false;        // sound frames stand behind good_end
  std::uint64_t durable_end = 0;  // the highest durable_offset of any frame
  std::vector<Damage> damages;    // below good_end; damaged ranges that touch are one
  bool unreadable = false;        // the disk refused some of it
};

// `last`: damage at or behind durable_end was never known to be on the disk, nor was what follows it: writing ends there, since the
// positions of frames behind a hole would claim what the hole lost. Damage before it is damage of what was safe: the rest stays.
base::Result<Survey> survey_segment(base::Files& files, const Segment& segment, SurveyInput input);

}  // namespace telltale::store
