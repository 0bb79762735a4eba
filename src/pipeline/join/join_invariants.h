// What holds of every join, whatever the bytes were; for the fuzz target and tests.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/frame/line_splitter.h"
#include "pipeline/join/joiner.h"

namespace telltale::pipeline {

inline void require_join(bool condition) {
  if (!condition) std::abort();
}

struct JoinedRecord {
  std::string line;
  std::uint32_t source_lines = 0;
  std::uint16_t flags = 0;
  bool continuation = false;
  bool operator==(const JoinedRecord&) const = default;
};

// The stream `text` joined as the pipeline does it: in blocks that end before the offsets `cuts` (ascending, each at a line's start), while
// more is known to follow; lines that were kept back come again before the next block.
inline std::vector<JoinedRecord> join_in_blocks(std::string_view text, const std::vector<std::size_t>& cuts, JoinOptions options = {}) {
  std::vector<JoinedRecord> records;
  Joiner joiner(options);
  std::string held;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const bool last = i == cuts.size();
    const std::size_t end = last ? text.size() : cuts[i];
    record::RawBlock block;
    const std::size_t whole = held.size();
    block.bytes = held + std::string(text.substr(at, end - at));
    at = end;
    if (block.bytes.empty()) continue;
    record::Batch batch = LineSplitter::split(std::move(block));
    const std::size_t complete = joiner.join(batch, last ? Hold::nothing : Hold::tail, whole);
    require_join(complete <= batch.records.size());
    for (std::size_t k = 0; k < complete; ++k) {
      const record::Record& record = batch.records[k];
      records.push_back({std::string(batch.line(record)), record.source_lines, record.flags, false});
    }
    std::uint32_t before = 0;
    for (const Continuation& continuation : joiner.continuations()) {
      require_join(continuation.record < complete && continuation.record >= before);
      require_join(continuation.of == Continuation::before || continuation.of < continuation.record);
      before = continuation.record;
      records[records.size() - complete + continuation.record].continuation = true;
    }
    held.clear();
    if (complete < batch.records.size()) held = batch.text.substr(batch.records[complete].line.offset);
    require_join(!last || held.empty());
  }
  return records;
}

// Every line is in one record, in order, as it was written; the limits hold.
inline void check_joined(std::string_view text, const std::vector<JoinedRecord>& records, const JoinOptions& options) {
  record::RawBlock block;
  block.bytes = text;
  const record::Batch lines = LineSplitter::split(std::move(block));
  std::size_t next = 0;
  for (const JoinedRecord& record : records) {
    require_join(record.source_lines >= 1 && next + record.source_lines <= lines.records.size());
    const record::TextRef first = lines.records[next].line;
    const record::TextRef last = lines.records[next + record.source_lines - 1].line;
    require_join(record.line == text.substr(first.offset, last.end() - first.offset));
    require_join(record.source_lines == 1 || (record.flags & record::flag_joined) != 0);
    require_join(record.source_lines == 1 || record.line.size() <= options.max_bytes);
    require_join(record.source_lines <= options.max_lines);
    next += record.source_lines;
  }
  require_join(next == lines.records.size());
}

}  // namespace telltale::pipeline
