// The segments of a store as a chain: each says which one was before it and where that one's records end. So a segment that is missing is
// noticed, also when nothing else of it is left. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "store/engine/damage.h"
#include "store/engine/segment.h"

namespace telltale::store {

// What is known of one segment.
struct ChainLink {
  Sequence first_sequence = 0;
  std::optional<SegmentOrigin> origin{};
  Sequence records_end = 0;      // the sequence after its last record
  Sequence next_segment = 0;     // where the next one begins, by its seal; 0: not known
  UnixNanos oldest = INT64_MAX;  // observed times of its records
  UnixNanos newest = INT64_MIN;
};

ChainLink make_link(const Segment& segment, const SegmentHead& head, const SegmentTotals& totals, Sequence next_segment);
// The end of `link`'s records, where `next` is the segment after it and tells.
std::optional<Sequence> told_end(const ChainLink& link, const ChainLink& next);
// The segment after the last one: it had its seal because another had been begun.
Damage missing_newest(const ChainLink& last, UnixNanos until);
// Segments that are missing between the links, and before the first: `kept_from` is what retention left (0: not known).
std::vector<Damage> missing_segments(std::span<const ChainLink> links, Sequence kept_from);

}  // namespace telltale::store
