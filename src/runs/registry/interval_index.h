// Which of many intervals meet a span: intervals in groups of 64, each with its bounds. They come roughly by their start, so a group
// covers little time, and a look-up costs one comparison for each group and 64 for each group that meets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runs/registry/window.h"

namespace telltale::runs {

// Numbers count up from 0 as intervals are added. One thread at a time.
class IntervalIndex {
 public:
  void add(TimeSpan span) {
    if (spans_.size() % group_size == 0) groups_.push_back({INT64_MAX, INT64_MIN});
    spans_.push_back(span);
    widen(groups_.back(), span);
  }
  void set(std::uint32_t number, TimeSpan span) {
    spans_[number] = span;
    const std::size_t group = number / group_size;
    const std::size_t begin = group * group_size;
    groups_[group] = {INT64_MAX, INT64_MIN};
    for (std::size_t i = begin; i < std::min(begin + group_size, spans_.size()); ++i) widen(groups_[group], spans_[i]);
  }
  const TimeSpan& operator[](std::uint32_t number) const { return spans_[number]; }
  std::size_t size() const { return spans_.size(); }

  // Calls `visit` with the number of each interval that meets, ascending.
  template <class Visit>
  void for_each(const TimeSpan& span, Visit&& visit) const {
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      if (!groups_[group].meets(span)) continue;
      const std::size_t begin = group * group_size;
      for (std::size_t i = begin; i < std::min(begin + group_size, spans_.size()); ++i) {
        if (spans_[i].meets(span)) visit(static_cast<std::uint32_t>(i));
      }
    }
  }

 private:
  static constexpr std::size_t group_size = 64;
  static void widen(TimeSpan& group, const TimeSpan& span) {
    group.from = std::min(group.from, span.from);
    group.to = std::max(group.to, span.to);
  }

  std::vector<TimeSpan> spans_;
  std::vector<TimeSpan> groups_;
};

}  // namespace telltale::runs
