// A store's read side in memory, and records made by hand: for tests and benchmarks of what reads the store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"
#include "record/gap.h"
#include "store/engine/store.h"

namespace telltale::query::testing {

// Makes a batch line by line.
class BatchBuilder {
 public:
  explicit BatchBuilder(record::Labels labels);
  explicit BatchBuilder(record::StreamRef stream);

  // Both times are `time`.
  BatchBuilder& line(base::UnixNanos time, record::Severity severity, std::string_view text);
  // Marks the last line by a rule.
  BatchBuilder& finding(std::string_view rule);
  // Gives the last line an event time of its own.
  BatchBuilder& event_time(base::UnixNanos time);
  // Gives the last line a body that does not stand in the line, as an unescaped JSON string does.
  BatchBuilder& separate_body(std::string_view text);
  record::Batch take() { return std::move(batch_); }

 private:
  record::Batch batch_;
};

// Visits its batches as a store does: streams and sequence ranges are filtered, times of single records are not. Filled first, then read
// from any thread.
class MemoryReader final : public store::StoreReader {
 public:
  // Gives the batch the next sequences.
  void add(record::Batch batch);
  // The next batch gets sequences from this one on, as after an opening, which skips some.
  void skip_to(record::Sequence sequence) { next_ = sequence; }
  // Called before each batch is visited.
  void on_visit(std::function<void()> callback) { on_visit_ = std::move(callback); }
  // The error that scan() ends with.
  void fail_with(base::Error error) { error_ = std::move(error); }

  base::Status scan(const store::ScanRange& range, const store::StreamFilter& filter, const store::BatchVisitor& visitor) const override;
  std::vector<record::StreamRef> streams() const override;
  store::StoreStats stats() const override;
  std::string cursor(record::Sequence sequence) const override;
  base::Result<record::Sequence> read_cursor(std::string_view text) const override;

 private:
  store::ScanStep visit(const record::CommittedBatchRef& batch, const store::ScanRange& range, const store::StreamFilter& filter,
                        const store::BatchVisitor& visitor) const;

  std::vector<record::CommittedBatchRef> batches_;
  record::Sequence next_ = 1;
  std::function<void()> on_visit_;
  std::optional<base::Error> error_;
};

}  // namespace telltale::query::testing
