#include "runs/registry/known_runs.h"

#include <algorithm>

#include "runs/model/scope.h"

namespace telltale::runs {

KnownRuns known_runs_of(const std::vector<store::StreamSummary>& streams) {
  KnownRuns out;
  for (const store::StreamSummary& summary : streams) {
    if (!is_lifecycle(summary.stream->labels)) continue;
    std::string id(summary.stream->labels.get("instance"));
    out[id] = {id, summary.first_sequence, summary.last_sequence, summary.first_observed, summary.last_observed, {}};
  }
  return out;
}

base::Result<KnownRuns> scan_known_runs(const store::StoreReader& reader) {
  KnownRuns out;
  store::ScanRange range;
  range.lifecycle_only = true;
  const auto status = reader.scan(
      range, [](const record::Stream& stream) { return is_lifecycle(stream.labels); },
      [&](const record::CommittedBatchRef& batch) {
        const std::string_view id = batch->batch.stream->labels.get("instance");
        const std::vector<record::Record>& records = batch->batch.records;
        if (records.empty()) return store::ScanStep::go_on;
        auto found = out.find(id);
        if (found == out.end()) {
          KnownRun run{std::string(id), batch->first_sequence, 0, records.front().observed_time, records.front().observed_time, {}};
          found = out.emplace(run.id, std::move(run)).first;
        }
        found->second.last_sequence = batch->last_sequence();
        found->second.last_observed = std::max(found->second.last_observed, records.back().observed_time);
        return store::ScanStep::go_on;
      });
  if (!status) return std::unexpected(status.error());
  return out;
}

std::vector<const KnownRun*> newest_first(const KnownRuns& runs) {
  std::vector<const KnownRun*> out;
  out.reserve(runs.size());
  for (const auto& [id, run] : runs) out.push_back(&run);
  std::ranges::sort(out, [](const KnownRun* a, const KnownRun* b) {
    return a->first_observed != b->first_observed ? a->first_observed > b->first_observed : a->id > b->id;
  });
  return out;
}

}  // namespace telltale::runs
