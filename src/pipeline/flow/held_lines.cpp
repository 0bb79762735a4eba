#include "pipeline/flow/held_lines.h"

#include <utility>

#include "pipeline/frame/line_splitter.h"

namespace telltale::pipeline {

using record::RawBlock;

bool GatheredBlock::is_followed_by(const RawBlock& next) const {
  if (next.bytes.empty() || next.truncated || block.truncated || block.last_line_unterminated) return false;
  if (next.position.has_value() != block.position.has_value() || next.raw_from != block.raw_to) return false;
  return !next.position || next.position->key == block.position->key;
}

bool GatheredBlock::is_repositioned_by(const RawBlock& next) const {
  return next.bytes.empty() && next.position && block.position && next.position->key == block.position->key &&
         !next.position->value.empty();
}

void GatheredBlock::add(RawBlock&& next) {
  later.push_back({block.bytes.size(), next.observed_time, next.written_after});
  newest_line = next.first_source_line;
  const std::size_t needed = block.bytes.size() + next.bytes.size() + text_slack_bytes;
  if (block.bytes.capacity() < needed) block.bytes.reserve(needed);
  block.bytes += next.bytes;
  block.line_times.insert(block.line_times.end(), next.line_times.begin(), next.line_times.end());
  block.last_line_unterminated = next.last_line_unterminated;
  block.more_follows = next.more_follows;
  block.raw_to = next.raw_to;
  older_position = std::move(block.position);
  block.position = std::move(next.position);
  block.inner_positions = std::move(next.inner_positions);
}

}  // namespace telltale::pipeline
