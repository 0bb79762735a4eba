// The time that a line bears, found as the pipeline finds it: for files that are begun at a time.
#pragma once

#include "base/clock.h"
#include "sources/text/start_time.h"

namespace telltale::app {

// From one thread at a time. `clock` outlives it.
sources::LineTime line_times(const base::Clock& clock, std::int32_t zone_offset_seconds);

}  // namespace telltale::app
