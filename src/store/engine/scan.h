// Going over segments: what a reader's range and filter leave, decoded, in order. Any thread.
#pragma once

#include <span>

#include "base/files.h"
#include "store/engine/segment.h"
#include "store/engine/store.h"

namespace telltale::store {

struct ScanInput {
  base::Files& files;
  std::span<const SegmentRef> segments;  // in order
  bool growing = false;                  // the last one is written by somebody else
};

base::Status scan_segments(const ScanInput& input, const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor);

}  // namespace telltale::store
