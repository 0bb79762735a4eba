// Opening a data folder: which segments there are, where writing goes on, what the positions are, what is damaged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "record/gap.h"
#include "store/engine/state.h"
#include "store/segment/segment_writer.h"

namespace telltale::store {

// The segment that writing goes on in.
struct OpenSegment {
  SegmentRef segment;
  std::unique_ptr<SegmentWriter> writer;
};

struct Recovered {
  std::vector<SegmentRef> segments;
  std::optional<OpenSegment> active;  // its Segment is the last of `segments`; nothing: begin a new one
  PositionMap positions;
  StreamMap streams;
  Sequence next_sequence = 1;
  std::vector<record::Gap> gaps;  // damage that no gap record in the store tells of yet
};

// Reads the last segment whole, cuts its torn tail, copies damaged bytes to DATA/quarantine, seals what an earlier engine could not.
// DATA/segments exists and the lock of DATA is held.
base::Result<Recovered> recover(base::Files& files, const std::string& folder);

}  // namespace telltale::store
