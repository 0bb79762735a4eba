#include "store/engine/chain.h"

#include <algorithm>

namespace telltale::store {

namespace {

Damage missing(Sequence name, Sequence from, Sequence end, UnixNanos from_time, UnixNanos to_time) {
  Damage damage;
  damage.segment = base::file_name(segment_path("", name));
  damage.from_sequence = from;
  damage.end_sequence = end;
  damage.missing = end - from;
  damage.from_time = from_time;
  damage.to_time = to_time;
  damage.what = "the segment is missing";
  return damage;
}

UnixNanos known(UnixNanos time) {
  return time == INT64_MAX || time == INT64_MIN ? 0 : time;
}

}  // namespace

ChainLink make_link(const Segment& segment, const SegmentHead& head, const SegmentTotals& totals, Sequence next_segment) {
  ChainLink link;
  link.first_sequence = link.records_end = segment.first_sequence();
  link.origin = head.origin;
  link.next_segment = next_segment;
  if (totals.records == 0) return link;
  link.records_end = totals.last_sequence + 1;
  link.oldest = totals.min_observed;
  link.newest = totals.max_observed;
  return link;
}

std::optional<Sequence> told_end(const ChainLink& link, const ChainLink& next) {
  if (!next.origin || next.origin->before != link.first_sequence) return std::nullopt;
  return next.origin->before_end;
}

Damage missing_newest(const ChainLink& last, UnixNanos until) {
  Damage damage = missing(last.next_segment, last.next_segment, last.next_segment + 1, known(last.newest), until);
  damage.missing = 0;
  return damage;
}

std::vector<Damage> missing_segments(std::span<const ChainLink> links, Sequence kept_from) {
  std::vector<Damage> out;
  if (links.empty()) return out;
  const ChainLink& first = links.front();
  if (kept_from > 0 && kept_from < first.first_sequence) {
    const Sequence end = first.origin && first.origin->before > 0 ? first.origin->before_end : first.first_sequence;
    out.push_back(missing(kept_from, kept_from, std::max(end, kept_from), 0, known(first.oldest)));
  }
  for (std::size_t i = 0; i + 1 < links.size(); ++i) {
    const ChainLink& link = links[i];
    const ChainLink& next = links[i + 1];
    const bool follows =
        next.origin ? next.origin->before <= link.first_sequence : link.next_segment == 0 || link.next_segment >= next.first_sequence;
    if (follows) continue;
    const Sequence name = link.next_segment > 0 ? link.next_segment : next.origin->before;
    const Sequence end = next.origin ? next.origin->before_end : next.first_sequence;
    const Sequence from = std::max(link.records_end, std::min(name, end));
    out.push_back(missing(name, from, std::max(end, from), known(link.newest), known(next.oldest)));
  }
  return out;
}

}  // namespace telltale::store
