// Opening a data folder: which segments there are, where writing goes on, what the positions are, what is damaged or missing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "store/engine/damage.h"
#include "store/engine/state.h"
#include "store/engine/store_id.h"
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
  Sequence kept_from = 0;               // records below were removed by retention
  std::vector<Damage> damages;          // what was found wrong, told or not
  std::optional<SegmentOrigin> origin;  // of the newest segment that has one: whose store this is
};

// Sets aside what is no segment of this store, reads the last segment whole, cuts its torn tail, copies damaged bytes to DATA/quarantine,
// seals what an earlier engine could not, and looks whether a segment is missing or ends early. DATA/segments exists and the lock of DATA
// is held. `id`: what DATA/store.id says; null when it is gone. store_corrupt when all segments are of another store.
base::Result<Recovered> recover(base::Files& files, const std::string& folder, const StoreId* id);

}  // namespace telltale::store
