// --since and --until of query and tail.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::cli {

// A duration back from `now` ("15m"), or an RFC 3339 time.
base::Result<base::UnixNanos> parse_time(const std::string& text, base::UnixNanos now);

}  // namespace telltale::cli
