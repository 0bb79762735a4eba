// The records of one run, with the tests they belong to as it is known now.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "record/batch.h"
#include "runs/attribution/attributor.h"
#include "runs/registry/registry.h"
#include "store/engine/store.h"

namespace telltale::runs {

// Valid during the call it is given to.
struct RunRecord {
  RunRecord(record::RecordView record_view, const BatchAttribution& attributed, const Attribution& of_record, std::uint32_t run_number)
      : view(record_view), batch(attributed), attribution(of_record), run(run_number) {}

  record::RecordView view;
  const BatchAttribution& batch;
  const Attribution& attribution;
  std::uint32_t run;  // index into batch.window.runs

  std::string_view service() const { return batch.window.runs[run].service; }
  bool is_gap() const { return view.record->has(record::flag_gap); }
  // In the run's eyes: its services and the engine's may have error patterns of their own.
  bool is_error() const { return !is_gap() && runs::is_error(view, batch.window.errors.get(), batch.window.runs[run].errors.get()); }
  // It is not certain whose it is: several tests may have caused it, of this run or another, or none.
  bool is_shared() const { return !is_gap() && !attribution.certain() && !attribution.tests.empty(); }
  // The tests of this run that it belongs or may belong to; of a gap: those from which something may be missing.
  template <class Visit>
  void each_test(Visit visit) const {
    if (is_gap()) {
      const TimeSpan missing = gap_span();
      for (const WindowTest& test : batch.window.tests) {
        if (test.run == run && test.span.meets(missing)) visit(*test.key);
      }
      return;
    }
    for (const std::uint32_t test : attribution.tests) {
      if (batch.window.tests[test].run == run) visit(*batch.window.tests[test].key);
    }
  }
  // When it was written, by the engine's clock.
  base::UnixNanos time() const;

 private:
  TimeSpan gap_span() const;
};

using RunRecordVisitor = std::function<store::ScanStep(const RunRecord&)>;

// Calls `visit` for each record of the batch from `from` on that is in the run, in order, until it says stop. Thread-safe.
store::ScanStep visit_run_records(const Attributor& attributor, std::string_view run, const record::CommittedBatch& batch,
                                  record::Sequence from, const RunRecordVisitor& visit);

// What can be left out of a scan.
struct RunScan {
  std::string run;
  record::Sequence from_sequence = 0;
  record::Sequence to_sequence = ~record::Sequence{0};
  TimeSpan times;  // of index times; those of the run where it is wider
};

// Gap records included. run_not_found; errors of the store.
base::Status scan_run(const Registry& registry, const Attributor& attributor, const store::StoreReader& reader, const RunScan& scan,
                      const RunRecordVisitor& visit);

}  // namespace telltale::runs
