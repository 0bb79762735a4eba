// Where a file is begun that is read from a time on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "sources/text/text_encoding.h"

namespace telltale::sources {

// A line's own time; nothing: it has none that is known. The line is UTF-8, without its end.
using LineTime = std::function<std::optional<base::UnixNanos>(std::string_view line)>;

// `start` of a source: "-10m" (before `now`) or RFC 3339; nothing for anything else.
std::optional<base::UnixNanos> start_time(std::string_view start, base::UnixNanos now);

// Offset of the first line whose own time is `from` or later; `size` when all are earlier. Where no line has a time it is the beginning of
// a file that was written to at `from` or later, and the end of any other. Lines are expected to be in the order of their times, with no
// more disorder than 64 KiB of them; a few such pieces are read, or, with `onward` (a file in which going back is dear), all up to there.
base::Result<std::uint64_t> find_start(base::ReadableFile& file, TextEncoding encoding, base::UnixNanos from, const LineTime& line_time,
                                       bool onward);

}  // namespace telltale::sources
