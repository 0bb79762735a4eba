// Going over segments: what a reader's range and filter leave, decoded, in order. Any thread.
#pragma once

#include <functional>
#include <span>

#include "base/files.h"
#include "store/engine/segment.h"
#include "store/engine/store.h"

namespace telltale::store {

// Told of what a scan had to pass over, in the segment; the range is empty when the file is gone.
using DamageListener = std::function<void(const SegmentRef&, const DamagedRange&)>;

struct ScanInput {
  base::Files& files;
  std::span<const SegmentRef> segments;  // in order
  bool growing = false;                  // the last one is written by somebody else
  DamageListener on_damage{};            // may be empty
};

base::Status scan_segments(const ScanInput& input, const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor);

}  // namespace telltale::store
