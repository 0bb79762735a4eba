// The marks of the lines that a server may say again: those from the cursor's start on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "sources/follow/follow_cursor.h"

namespace telltale::sources {

// Counts marks; what is said again is taken out once for each time that it was handed on. One thread.
class MarkCounts {
 public:
  void add(const LineMark& mark) { ++counts_[mark.hash]; }
  // False when it is not (or no more) among them.
  bool take(const LineMark& mark);
  bool empty() const { return counts_.empty(); }
  void clear() { counts_.clear(); }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
};

struct WindowLimits {
  std::int64_t overlap_ns = 0;
  std::size_t most_marks = 0;
  std::size_t chunk_marks = 0;
};

// In order of arrival, which is the server's; bounded. The oldest marks are kept in chunks that are stored once each, so that a cursor
// holds few and costs little at each commit. It keeps `start`, `last`, `highest`, `uncovered`, the spans and the chunks of the cursor. One
// thread.
class LineWindow {
 public:
  explicit LineWindow(const WindowLimits& limits) : limits_(limits) {}

  struct Chunk {
    std::uint64_t number = 0;
    std::vector<LineMark> marks;
  };
  // As a cursor was stored with its chunks (ascending). A chunk that is missing makes its marks unknown, not its lines.
  void restore(FollowCursor& cursor, const std::vector<Chunk>& chunks);
  // A line was handed on, from its first part's time to its last one's. `begun`: time of the oldest line that has begun and not ended (0:
  // none), which must be asked for from its beginning.
  void add(FollowCursor& cursor, const LineMark& mark, const LineSpan& times, base::UnixNanos begun);
  // Other lines follow, which have nothing to do with those before.
  void clear(FollowCursor& cursor);

  // The marks that are due to be stored as a chunk; nothing while there are few. After stored() they are no longer in marks().
  std::optional<Chunk> chunk_due(const FollowCursor& cursor) const;
  void stored(FollowCursor& cursor);
  // Behind those of the chunks.
  std::vector<LineMark> loose_marks() const;

  bool empty() const { return marks_.empty(); }
  std::size_t size() const { return marks_.size(); }
  MarkCounts counts() const;
  std::uint64_t overflows() const { return overflows_; }

 private:
  void drop_front(FollowCursor& cursor);
  void move_start(FollowCursor& cursor, base::UnixNanos reference);

  struct Stored {
    std::uint64_t number = 0;
    std::size_t left = 0;  // marks of it that are in the window
  };
  const WindowLimits limits_;
  std::deque<LineMark> marks_;
  std::deque<Stored> chunks_;  // of the first marks
  std::size_t in_chunks_ = 0;  // marks
  std::uint64_t overflows_ = 0;
};

}  // namespace telltale::sources
