// Frame, the first stage: a raw block becomes a batch with one record a line.
#pragma once

#include "record/batch.h"
#include "record/raw_block.h"

namespace telltale::pipeline {

// Room behind the text that the parser may read (SIMDJSON_PADDING) and append to without moving the text.
inline constexpr std::size_t text_slack_bytes = 4096;

// Synchronous, pure; stateless, so one may serve any number of streams and threads.
//
// The block's bytes are moved into the batch's text unchanged; each record's line is a view without its "\n" or "\r\n". NUL and bytes
// that are no UTF-8 stay as they are (flag_invalid_utf8). A block without bytes gives a batch without records that still carries its
// position. Filled: stream, text, first_source_line, written_after, position, raw range (without hash), and of each record: observed_time,
// line, body (the whole line), flags, and the time that was told with it as event_time. The block's line_times stay.
class LineSplitter {
 public:
  static record::Batch split(record::RawBlock&& block);
};

}  // namespace telltale::pipeline
