// Where the windows of a segment are: what a scan needs to leave out what it cannot want. Built from headers alone, as far as asked.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/files.h"
#include "store/segment/frame_walker.h"

namespace telltale::store {

struct FramePlace {
  std::uint32_t offset = 0;  // from the window's beginning
  std::uint32_t size = 0;    // header and payload
};

// The frames of one window, with whatever damage lies between them.
struct WindowEntry {
  std::uint32_t window = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  SegmentTotals totals;
  std::vector<FramePlace> lifecycle;  // the frames with events of runs
};

// Bounded by the format: an entry stands for about window_bytes of file, and has 8 bytes for each frame with events. Not thread-safe.
class SegmentIndex {
 public:
  // Reads the headers up to `end`. When `growing`, an unsound tail is left for the next call instead of being taken as damage.
  base::Status extend(base::ReadableFile& file, std::uint64_t end, bool growing);

  const std::vector<WindowEntry>& windows() const { return windows_; }
  const std::vector<DamagedRange>& damages() const { return damages_; }
  const SegmentTotals& totals() const { return totals_; }
  std::uint64_t indexed_to() const { return indexed_to_; }
  std::optional<std::uint64_t> salt() const { return salt_; }

 private:
  void add(const FrameHeader& header);

  std::vector<WindowEntry> windows_;
  std::vector<DamagedRange> damages_;
  SegmentTotals totals_;
  std::uint64_t indexed_to_ = 0;
  std::optional<std::uint64_t> salt_;
};

}  // namespace telltale::store
