// The interfaces between layers that must not see each other; wired in app/. All are thread-safe unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_queue.h"
#include "base/error.h"
#include "record/batch.h"
#include "record/raw_block.h"

namespace telltale::record {

using base::PushOutcome;

// Takes raw blocks of sources into the pipeline. Blocks of one stream keep their order when one thread pushes them.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  // Never blocks. `full` or `closed`: the block is untouched.
  virtual PushOutcome try_push(RawBlock& block) = 0;
  // Calls back once when the stream of `id` may be tried again (or the sink is closed). The callback is short and pushes nothing itself.
  virtual void on_space(const StreamId& id, std::function<void()> callback) = 0;
  // Lines that wait for what may follow them do not wait any longer: all that was accepted before the call goes on at once. Does not
  // wait for it.
  virtual void flush() {}
};

// Takes parsed batches (and gaps) into the store. Order per pushing thread is kept.
class BatchSink {
 public:
  virtual ~BatchSink() = default;
  // Never blocks. `full` or `closed`: the batch is untouched.
  virtual PushOutcome try_push(Batch& batch) = 0;
  virtual void on_space(std::function<void()> callback) = 0;
};

// Told of every commit, in sequence order, on the store's writer thread: must be quick and must not call into the store.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  virtual void on_commit(const CommittedBatchRef& batch) = 0;
  // A position came without records, as at the end of a stream.
  virtual void on_position(const Position& position) { static_cast<void>(position); }
};

// Times of records (Record::index_time), both ends inside.
struct TimeBounds {
  UnixNanos from = INT64_MIN;
  UnixNanos to = INT64_MAX;
  bool operator==(const TimeBounds&) const = default;
};

// Decides on records; made by query/ (a compiled query), used by the live hub and the store's scans. Immutable after construction.
class RecordPredicate {
 public:
  virtual ~RecordPredicate() = default;
  // Whole streams first: false means that no record of it can match.
  virtual bool may_match(const Stream& stream) const = 0;
  // Asked before a scan: records that were written outside of it do not match, as far as their index time tells (see
  // store::ScanRange::by_writing). Nothing: none can match.
  virtual std::optional<TimeBounds> time_bounds() const { return TimeBounds{}; }
  // Asked of records whose stream may match.
  virtual bool matches(const RecordView& record) const = 0;
  // Appends the indices of the batch's records that match, ascending: what matches() says of each, but made so that a whole batch can be
  // searched at once. Its stream may match.
  virtual void select(const CommittedBatch& batch, std::vector<std::uint32_t>& out) const {
    const std::vector<Record>& records = batch.batch.records;
    for (std::uint32_t i = 0; i < records.size(); ++i) {
      if (matches({&batch.batch, &records[i], batch.first_sequence + i})) out.push_back(i);
    }
  }
};

// Labels that are computed on reading and belong to no stream: `run`, `test`, `worker` and `test_candidate`, made by runs/ and asked by
// query/. A record may have several values of one label, or none.
class ComputedLabels {
 public:
  virtual ~ComputedLabels() = default;
  // Of the batch's records `indices` (ascending) those for which `holds` says yes of their values. `values` are valid during that call.
  using ValuesHold = std::function<bool(std::span<const std::string_view> values)>;
  virtual void keep(const Batch& batch, std::string_view label, const ValuesHold& holds, std::vector<std::uint32_t>& indices) const = 0;
  // Records that were written outside of it, as far as their index time tells, do not have the value. Nothing: no record has it.
  virtual std::optional<TimeBounds> bounds(std::string_view label, std::string_view value) const = 0;
};

// ${NAME}, ${file:…}, ${vault:…}: one resolver a scheme ("" is the environment).
class SecretResolver {
 public:
  virtual ~SecretResolver() = default;
  virtual std::string_view scheme() const = 0;
  virtual base::Result<std::string> resolve(std::string_view reference) const = 0;
};

}  // namespace telltale::record
