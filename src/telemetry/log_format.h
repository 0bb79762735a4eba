// The form of the program's own log lines; log.h writes them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "telemetry/log.h"

namespace telltale::telemetry {

// A line and its end are at most this long: POSIX writes so much to a pipe in one piece (PIPE_BUF of Linux).
inline constexpr std::size_t max_log_line = 4096;

// "2026-11-21T01:02:03.123Z INFO store: text\n"; control characters escaped, text that is too long ends in "...".
std::string format_log_line(base::UnixNanos time, LogLevel level, std::string_view part, std::string_view text);

}  // namespace telltale::telemetry
