// Which runs the store holds, and where: what can be said of a run without reading its events.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "runs/registry/window.h"
#include "store/catalog/catalog.h"
#include "store/engine/store.h"

namespace telltale::runs {

struct KnownRun {
  std::string id;
  store::Sequence first_sequence = 0;  // bounds: no event of it lies outside
  store::Sequence last_sequence = 0;
  UnixNanos first_observed = 0;
  UnixNanos last_observed = 0;
  std::optional<TimeSpan> index_span;  // see Registry::run_bounds; nothing: its events were not read yet
};

// By id. Not thread-safe.
using KnownRuns = std::map<std::string, KnownRun, std::less<>>;

// From the catalog's streams; or, when there is no catalog, from a scan over all events.
KnownRuns known_runs_of(const std::vector<store::StreamSummary>& streams);
base::Result<KnownRuns> scan_known_runs(const store::StoreReader& reader);

// Newest first by first observed time; equal times by id.
std::vector<const KnownRun*> newest_first(const KnownRuns& runs);

}  // namespace telltale::runs
