// What a source hands to the pipeline: bytes of one stream as they were written, whole lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "record/batch.h"

namespace telltale::record {

struct RawBlock {
  StreamRef stream;
  // Lines with their ends ("\n" or "\r\n"); the last may lack its end when `last_line_unterminated`. A source never cuts a line:
  // it reads again from the line's start (files) or keeps the beginning (pipes). A longer line than the limit comes in one block with
  // its first max_line_bytes and `truncated`.
  std::string bytes;
  bool last_line_unterminated = false;
  bool truncated = false;      // the block is one line that was cut at the limit
  std::uint64_t raw_from = 0;  // range of the source these bytes stand for (of a truncated line: all of it)
  std::uint64_t raw_to = 0;
  std::uint64_t first_source_line = 0;
  UnixNanos observed_time = 0;
  UnixNanos written_after = 0;       // see Batch
  std::optional<Position> position;  // what to continue from when these bytes are committed
};

}  // namespace telltale::record
