#include "sources/follow/line_window.h"

#include <algorithm>
#include <utility>

namespace telltale::sources {

namespace {

constexpr std::int64_t nanos_per_ms = base::nanos_per_millisecond;

std::int64_t whole_seconds(std::int64_t time) {
  const std::int64_t rest = time % base::nanos_per_second;
  return time - (rest < 0 ? rest + base::nanos_per_second : rest);
}

}  // namespace

bool MarkCounts::take(const LineMark& mark) {
  const auto it = counts_.find(mark.hash);
  if (it == counts_.end()) return false;
  if (--it->second == 0) counts_.erase(it);
  return true;
}

void LineWindow::restore(FollowCursor& cursor, const std::vector<Chunk>& chunks) {
  for (const Chunk& chunk : chunks) {
    if (chunk.number < cursor.first_chunk || chunk.number >= cursor.next_chunk || chunk.marks.empty()) continue;
    chunks_.push_back({chunk.number, chunk.marks.size()});
    in_chunks_ += chunk.marks.size();
    marks_.insert(marks_.end(), chunk.marks.begin(), chunk.marks.end());
  }
  if (chunks_.size() != cursor.next_chunk - cursor.first_chunk) cursor.uncovered = std::max(cursor.uncovered, cursor.highest);
  marks_.insert(marks_.end(), cursor.marks.begin(), cursor.marks.end());
  cursor.marks.clear();
}

// Where to ask from follows the newest line, not the highest time: a server whose clock was set back goes on with lower ones.
void LineWindow::move_start(FollowCursor& cursor, base::UnixNanos reference) {
  base::UnixNanos start = whole_seconds(reference - limits_.overlap_ns);
  for (auto span = cursor.spans.rbegin(); span != cursor.spans.rend(); ++span)
    if (span->first < start && start <= span->last) start = whole_seconds(span->first);
  if (start > cursor.start) {
    cursor.start = start;
  } else if (reference < cursor.start) {
    // Lines of the same times were handed on before, and their marks are gone.
    cursor.uncovered = std::max(cursor.uncovered, cursor.highest);
    cursor.start = start;
  }
  std::erase_if(cursor.spans, [&](const LineSpan& span) { return span.last < cursor.start; });
  if (cursor.uncovered != 0 && cursor.start > cursor.uncovered) cursor.uncovered = 0;
}

void LineWindow::add(FollowCursor& cursor, const LineMark& mark, const LineSpan& times, base::UnixNanos begun) {
  marks_.push_back(mark);
  if (whole_seconds(times.first) != whole_seconds(times.last)) {
    if (cursor.spans.size() == most_spans) cursor.spans.erase(cursor.spans.begin());
    cursor.spans.push_back(times);
  }
  cursor.last = times.last;
  move_start(cursor, begun != 0 ? std::min(times.last, begun) : times.last);
  cursor.highest = std::max(cursor.highest, times.last);
  const std::int64_t start_ms = cursor.start / nanos_per_ms;
  while (!marks_.empty() && marks_.front().ms < start_ms) drop_front(cursor);
  if (marks_.size() <= limits_.most_marks) return;
  ++overflows_;
  for (; marks_.size() > limits_.most_marks; drop_front(cursor))
    cursor.uncovered = std::max(cursor.uncovered, marks_.front().ms * nanos_per_ms + nanos_per_ms - 1);
}

void LineWindow::drop_front(FollowCursor& cursor) {
  marks_.pop_front();
  if (chunks_.empty()) return;
  --in_chunks_;
  if (--chunks_.front().left > 0) return;
  cursor.first_chunk = chunks_.front().number + 1;
  chunks_.pop_front();
}

void LineWindow::clear(FollowCursor& cursor) {
  marks_.clear();
  chunks_.clear();
  in_chunks_ = 0;
  cursor.first_chunk = cursor.next_chunk;
}

std::optional<LineWindow::Chunk> LineWindow::chunk_due(const FollowCursor& cursor) const {
  if (marks_.size() - in_chunks_ < limits_.chunk_marks) return std::nullopt;
  return Chunk{cursor.next_chunk, loose_marks()};
}

void LineWindow::stored(FollowCursor& cursor) {
  chunks_.push_back({cursor.next_chunk, marks_.size() - in_chunks_});
  in_chunks_ = marks_.size();
  ++cursor.next_chunk;
}

std::vector<LineMark> LineWindow::loose_marks() const {
  return {marks_.begin() + static_cast<std::ptrdiff_t>(in_chunks_), marks_.end()};
}

MarkCounts LineWindow::counts() const {
  MarkCounts counts;
  for (const LineMark& mark : marks_) counts.add(mark);
  return counts;
}

}  // namespace telltale::sources
