// Where reading of a follow stream stands, as it is stored (format: docs/reference/follow-streams.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/batch.h"

namespace telltale::sources {

// A line that was handed on, as it is recognised when a server says it again: a keyed hash of its parts' times, channels, texts and
// lengths. The time is that of its first part in milliseconds, rounded down: it only tells when a mark may be forgotten.
struct LineMark {
  std::int64_t ms = 0;
  std::uint64_t hash = 0;
  bool operator==(const LineMark&) const = default;
};

// A line whose parts are of different seconds: it is asked for as a whole or not at all.
struct LineSpan {
  base::UnixNanos first = 0;
  base::UnixNanos last = 0;
  bool operator==(const LineSpan&) const = default;
};
inline constexpr std::size_t most_spans = 16;

struct FollowCursor {
  std::uint64_t version = 0;      // counts the cursors of this stream; a later one has a higher number
  std::string instance;           // which container (or start of one) the lines are of; empty: none was seen yet
  bool finished = false;          // it ended and was read to its end
  base::UnixNanos start = 0;      // where to ask from: whole seconds; 0: the instance's beginning
  base::UnixNanos last = 0;       // time of the newest line that was handed on
  base::UnixNanos highest = 0;    // highest time of one
  base::UnixNanos uncovered = 0;  // lines up to here may be said again without their marks being kept; 0: none
  base::UnixNanos stated = 0;     // lines up to here that are missing were stated as a gap already; 0: none
  base::UnixNanos seen = 0;       // the engine's clock when this was made
  std::uint64_t lines = 0;        // handed on
  std::uint64_t bytes = 0;        // of them, with line ends
  std::uint64_t first_chunk = 0;  // chunks [first_chunk, next_chunk) hold the older marks
  std::uint64_t next_chunk = 0;
  std::vector<LineSpan> spans;  // from the start on
  std::vector<LineMark> marks;  // behind those of the chunks
  bool operator==(const FollowCursor&) const = default;
};

inline constexpr std::string_view follow_key_prefix = "follow:";
inline constexpr std::string_view follow_chunk_prefix = "follow-marks:";

// "follow:" and the stream's key, which begins with its source's kind and a colon.
std::string follow_key(std::string_view stream_key);
// "follow-marks:", the stream's key, a colon and the chunk's number.
std::string follow_chunk_key(std::string_view stream_key, std::uint64_t chunk);
struct ChunkName {
  std::string stream_key;
  std::uint64_t chunk = 0;
};
std::optional<ChunkName> read_chunk_key(std::string_view key);

std::string encode_cursor(const FollowCursor& cursor);
// Nothing for bytes that are no cursor of a version this program knows.
std::optional<FollowCursor> decode_cursor(std::string_view value);
std::string encode_marks(const std::vector<LineMark>& marks);
std::optional<std::vector<LineMark>> decode_marks(std::string_view value);

// What is needed at each commit, without reading the rest.
struct FollowProgress {
  std::uint64_t version = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_chunk = 0;
};
std::optional<FollowProgress> read_follow_progress(std::string_view value);

}  // namespace telltale::sources
