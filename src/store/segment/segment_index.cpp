#include "store/segment/segment_index.h"

namespace telltale::store {

base::Status SegmentIndex::extend(base::ReadableFile& file, std::uint64_t end, bool growing) {
  if (end <= indexed_to_) return {};
  FrameWalker walker(ByteSource(file), indexed_to_, end, salt_);
  while (true) {
    auto step = walker.next(PayloadCheck::none);
    if (!step) return base::pass(step);
    if (*step == WalkStep::end) return {};
    if (*step == WalkStep::damage) {
      if (growing && walker.damage().end() >= end) return {};
      damages_.push_back(walker.damage());
    } else {
      add(walker.header());
    }
    indexed_to_ = walker.position();
    salt_ = walker.salt();
  }
}

void SegmentIndex::add(const FrameHeader& header) {
  totals_.add(header);
  if (!header.holds_rows()) return;
  const bool goes_on = !windows_.empty() && windows_.back().window == header.window;
  if (!goes_on) windows_.push_back({header.window, header.offset, header.end(), {}, {}});
  WindowEntry& entry = windows_.back();
  entry.end = header.end();
  entry.totals.add(header);
  if ((header.flags & frame_lifecycle) == 0) return;
  entry.lifecycle.push_back(
      {static_cast<std::uint32_t>(header.offset - entry.begin), static_cast<std::uint32_t>(header.end() - header.offset)});
}

}  // namespace telltale::store
