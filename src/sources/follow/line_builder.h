// Puts lines together that a server sent in several parts, and gives each the mark it is recognised by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "sources/follow/follow_cursor.h"
#include "sources/follow/part.h"

namespace telltale::sources {

struct FollowLine {
  base::UnixNanos time = 0;       // of its first part
  base::UnixNanos last_time = 0;  // of its last one
  std::string text;               // without a line end
  LineMark mark;                  // of all parts, also of what is cut off
  bool truncated = false;         // the text is the first bytes of a longer one
  bool unterminated = false;      // the stream ended before the line's end
};

// One thread; holds one line a channel at the most, each up to `max_bytes`. The hasher outlives it.
class LineBuilder {
 public:
  LineBuilder(const base::KeyedHasher& hasher, std::size_t max_bytes) : hasher_(hasher), max_bytes_(max_bytes) {}

  // The line that ends with this part. A part without a time has that of the part before.
  std::optional<FollowLine> add(const Part& part);
  // What has begun, as it is.
  std::vector<FollowLine> finish();
  // Nothing has begun; parts without a time that come first have this one.
  void restart(base::UnixNanos time);
  // Time of the oldest line that has begun and not ended; 0: none.
  base::UnixNanos begun() const;

 private:
  void mark(FollowLine& line, const Part& part, base::UnixNanos time);

  static constexpr std::size_t channels = 4;  // 0 to 3; higher ones share the last
  const base::KeyedHasher& hasher_;
  const std::size_t max_bytes_;
  std::array<std::optional<FollowLine>, channels> begun_;
  base::UnixNanos time_ = 0;  // of the part before
  std::string scratch_;
};

}  // namespace telltale::sources
