// The two formats in which servers stream lines with their times.
#pragma once

#include <memory>

#include "sources/follow/part.h"

namespace telltale::sources {

// "2026-11-25T15:10:13.123456789Z the text\n", RFC 3339 with any fraction: the Kubernetes API with timestamps=true. A line without a time
// is a part without one: servers write errors between the lines. Longer texts are given as their first `max_bytes`.
std::unique_ptr<PartParser> make_timed_lines(std::size_t max_bytes);

// Frames of one channel byte, three zero bytes and the big-endian length of what follows, which is a time, a space and a text; without a
// "\n" at its end the line goes on in a later frame: the Docker Engine API with timestamps=1 for containers without a terminal.
std::unique_ptr<PartParser> make_timed_frames(std::size_t max_bytes);

}  // namespace telltale::sources
