// Lines at a stream's end that wait for what may follow them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "record/raw_block.h"

namespace telltale::pipeline {

// A block, perhaps made of several that were read one after the other. Its observed_time is that of its first bytes.
struct GatheredBlock {
  GatheredBlock(record::RawBlock&& first, base::MonoNanos now) : block(std::move(first)), since(now) {}

  // Whether these bytes stand directly behind, in the same origin.
  bool is_followed_by(const record::RawBlock& next) const;
  // A block without bytes whose position is a newer form of the one behind this block.
  bool is_repositioned_by(const record::RawBlock& next) const;
  void add(record::RawBlock&& next);

  // Bytes that came later than the first.
  struct Part {
    std::size_t begin = 0;
    base::UnixNanos observed_time = 0;
    base::UnixNanos written_after = 0;
  };

  record::RawBlock block;                          // position and inner_positions are those of the newest part
  std::vector<Part> later;                         // ascending
  std::optional<record::Position> older_position;  // behind the parts before the newest
  std::uint64_t newest_line = 0;                   // number of the first source line of the newest part, when there is a later one
  base::MonoNanos since = 0;                       // when its first bytes came
  std::size_t looked_at = 0;                       // bytes that were looked at before

  std::size_t newest_begin() const { return later.empty() ? 0 : later.back().begin; }
};

}  // namespace telltale::pipeline
