// What a source hands to the pipeline: bytes of one stream as they were written, whole lines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"

namespace telltale::record {

// Makes the positions that lie inside a block: where to go on when only its first lines are committed, because the last ones wait for
// what follows them. Belongs to its block and is called on the pipeline's thread; it uses nothing that the source goes on changing.
class InnerPositions {
 public:
  virtual ~InnerPositions() = default;
  // `begin` is the block's first bytes, which are `lines` whole lines.
  virtual Position behind(std::string_view begin, std::uint64_t lines) const = 0;
};

struct RawBlock {
  StreamRef stream;
  // Lines with their ends ("\n" or "\r\n"); the last may lack its end when `last_line_unterminated`. A source never cuts a line:
  // it reads again from the line's start (files) or keeps the beginning (pipes). A longer line than the limit comes in one block with
  // its first max_line_bytes and `truncated`.
  std::string bytes;
  bool last_line_unterminated = false;
  bool truncated = false;      // the block is one line that was cut at the limit
  bool more_follows = false;   // the source has read more than this already, or knows that there is more
  std::uint64_t raw_from = 0;  // range of the source these bytes stand for (of a truncated line: all of it)
  std::uint64_t raw_to = 0;
  std::uint64_t first_source_line = 0;
  UnixNanos observed_time = 0;
  UnixNanos written_after = 0;        // see Batch
  std::vector<UnixNanos> line_times;  // when each line was written, as its server told it (0: it did not); empty: nobody told any
  std::optional<Position> position;   // what to continue from when these bytes are committed
  // With a position, for blocks whose lines may be joined with later ones. Without it a block's last lines are never kept back.
  std::unique_ptr<const InnerPositions> inner_positions;
};

}  // namespace telltale::record
