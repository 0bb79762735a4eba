#include "runs/summary/run_records.h"

#include <algorithm>

#include "record/gap.h"
#include "record/internal.h"

namespace telltale::runs {

base::UnixNanos RunRecord::time() const {
  const record::Record& record = *view.record;
  const bool believable = record.has_event_time() && !record.has(record::flag_time_out_of_range);
  return believable && attribution.clock ? record.event_time + attribution.clock->offset_ns : record.index_time();
}

TimeSpan RunRecord::gap_span() const {
  const auto gap = record::read_gap(*view.batch, *view.record);
  return gap ? TimeSpan{gap->from_time, gap->to_time} : TimeSpan{view.record->observed_time, view.record->observed_time};
}

namespace {

bool is_in_run(const BatchAttribution& attributed, const Attribution& record, std::uint32_t run) {
  if (std::find(record.runs.begin(), record.runs.end(), run) != record.runs.end()) return true;
  return std::any_of(record.tests.begin(), record.tests.end(),
                     [&](std::uint32_t test) { return attributed.window.tests[test].run == run; });
}

}  // namespace

using store::ScanStep;

ScanStep visit_run_records(const Attributor& attributor, std::string_view run, const record::CommittedBatch& batch, record::Sequence from,
                           const RunRecordVisitor& visit) {
  if (record::is_internal(*batch.batch.stream)) return ScanStep::go_on;
  const BatchAttribution attributed = attributor.attribute(batch.batch);
  const auto& runs = attributed.window.runs;
  const auto found = std::find_if(runs.begin(), runs.end(), [run](const WindowRun& one) { return one.id == run; });
  if (found == runs.end()) return ScanStep::go_on;
  const auto number = static_cast<std::uint32_t>(found - runs.begin());
  const auto& records = batch.batch.records;
  for (std::size_t i = from > batch.first_sequence ? from - batch.first_sequence : 0; i < records.size(); ++i) {
    const Attribution& attribution = attributed.of(i);
    if (!is_in_run(attributed, attribution, number)) continue;
    const RunRecord record({&batch.batch, &records[i], batch.first_sequence + i}, attributed, attribution, number);
    if (visit(record) == ScanStep::stop) return ScanStep::stop;
  }
  return ScanStep::go_on;
}

base::Status scan_run(const Registry& registry, const Attributor& attributor, const store::StoreReader& reader, const RunScan& scan,
                      const RunRecordVisitor& visit) {
  const auto scope = registry.scope(scan.run);
  if (!scope) return std::unexpected(scope.error());
  const auto bounds = registry.run_bounds(scan.run);
  if (!bounds) return std::unexpected(bounds.error());
  if (!*bounds) return {};
  store::ScanRange range;
  range.from_sequence = scan.from_sequence;
  range.to_sequence = scan.to_sequence;
  range.from_time = std::max(scan.times.from, (*bounds)->from);
  range.to_time = std::min(scan.times.to, (*bounds)->to);
  range.by_writing = true;
  if (range.from_time > range.to_time || range.from_sequence > range.to_sequence) return {};
  std::unordered_map<record::StreamId, bool, base::Hash128Hasher> wanted;
  const auto wants = [&](const record::Stream& stream) {
    const auto [entry, is_new] = wanted.try_emplace(stream.id, false);
    if (is_new) entry->second = scope->holds(stream);
    return entry->second;
  };
  return reader.scan(range, wants, [&](const record::CommittedBatchRef& batch) {
    // Of a batch the store gives all records, also those after the end of the range.
    return visit_run_records(attributor, scan.run, *batch, range.from_sequence, [&](const RunRecord& record) {
      return record.view.sequence <= range.to_sequence ? visit(record) : ScanStep::stop;
    });
  });
}

}  // namespace telltale::runs
