// What the engine writes down for itself: streams with the label `service="telltale"` and one of these as `source`: the events of runs, and
// the notes of sources. Ordinary queries, lists and runs do not see them; a query that names the source does.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "record/stream.h"

namespace telltale::record {

inline constexpr std::string_view lifecycle_source = "lifecycle";
inline constexpr std::string_view note_source = "note";
inline constexpr std::array<std::string_view, 2> internal_sources{lifecycle_source, note_source};

inline bool is_internal(const Stream& stream) {
  if (stream.labels.get("service") != "telltale") return false;
  return std::ranges::find(internal_sources, stream.labels.get("source")) != internal_sources.end();
}

}  // namespace telltale::record
