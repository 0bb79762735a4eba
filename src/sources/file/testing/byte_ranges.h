// For tests: a set of bytes, as ranges that neither meet nor touch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace telltale::sources::testing {

// Ranges are [from, to).
class ByteRanges {
 public:
  // False when some of it was there already.
  bool add(std::uint64_t from, std::uint64_t to) {
    if (from >= to) return true;
    const bool fresh = !meets(from, to);
    auto it = ranges_.lower_bound(from);
    if (it != ranges_.begin() && std::prev(it)->second >= from) --it;
    while (it != ranges_.end() && it->first <= to) {
      from = std::min(from, it->first);
      to = std::max(to, it->second);
      it = ranges_.erase(it);
    }
    ranges_[from] = to;
    return fresh;
  }
  void add(const ByteRanges& other) {
    for (const auto& [from, to] : other.ranges_) add(from, to);
  }
  bool meets(std::uint64_t from, std::uint64_t to) const {
    const auto after = ranges_.lower_bound(to);
    return from < to && after != ranges_.begin() && std::prev(after)->second > from;
  }
  bool holds(std::uint64_t from, std::uint64_t to) const {
    const auto after = ranges_.upper_bound(from);
    return from >= to || (after != ranges_.begin() && std::prev(after)->second >= to);
  }
  // What of [from, to) is not in it.
  ByteRanges missing_in(std::uint64_t from, std::uint64_t to) const {
    ByteRanges missing;
    for (const auto& [start, end] : ranges_) {
      if (end <= from || start >= to) continue;
      missing.add(from, std::min(start, to));
      from = std::max(from, end);
    }
    missing.add(from, to);
    return missing;
  }
  ByteRanges without(const ByteRanges& other) const {
    ByteRanges rest;
    for (const auto& [from, to] : ranges_) rest.add(other.missing_in(from, to));
    return rest;
  }
  bool empty() const { return ranges_.empty(); }
  // Behind its last byte.
  std::uint64_t end() const { return ranges_.empty() ? 0 : ranges_.rbegin()->second; }
  std::string text() const {
    std::string text;
    for (const auto& [from, to] : ranges_) text += "[" + std::to_string(from) + ", " + std::to_string(to) + ") ";
    return text;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace telltale::sources::testing
