// The store: records, positions and gaps on disk (format: docs/reference/store-format.md), one writer, many readers.
//
// Threads: try_push/on_space from any thread; encoding happens on the caller's. One writer thread assigns sequences, appends, tells the
// listeners, syncs. Readers (scan) work on any thread, also while the writer appends, also without any writer (read-only).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/random.h"
#include "record/batch.h"
#include "record/ports.h"
#include "telemetry/metrics.h"

namespace telltale::store {

using base::UnixNanos;
using record::CommittedBatch;
using record::Position;
using record::Sequence;
using record::StreamRef;

struct StoreOptions {
  std::string folder;  // DATA; segments are in DATA/segments
  std::uint64_t segment_bytes = 256ull * 1024 * 1024;
  std::int64_t segment_age_ns = 24ll * 3600 * 1'000'000'000;
  std::uint64_t retention_bytes = 0;  // 0: no limit
  std::int64_t retention_age_ns = 0;  // 0: no limit; by observed time
  std::int64_t sync_interval_ns = 5'000'000;
  bool compress = true;  // LZ4 for row frames
  std::uint64_t queue_bytes = 16ull * 1024 * 1024;
};

// What a scan goes over. Sequences and times are inclusive; the time is Record::index_time.
struct ScanRange {
  Sequence from_sequence = 0;
  Sequence to_sequence = ~Sequence{0};
  UnixNanos from_time = INT64_MIN;
  UnixNanos to_time = INT64_MAX;
  bool newest_first = false;  // batches from the highest sequence down; records within a batch stay in order
  // Batches whose index times do not tell when they were written are visited whatever the times above are; of all others, those that
  // were written within a minute of the range (for who asks when records were written, not when they were seen).
  bool by_writing = false;
  bool lifecycle_only = false;  // events of runs and nothing else; costs what they take, not what lies between them
};

enum class ScanStep : std::uint8_t { go_on, stop };

// Given batches that may hold records in range (the visitor looks at each record's sequence and time itself).
using BatchVisitor = std::function<ScanStep(const record::CommittedBatchRef&)>;
// Asked before a batch is decoded; false skips it.
using StreamFilter = std::function<bool(const record::Stream&)>;

struct StoreStats {
  std::string store_id;  // 32 hex digits
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t streams = 0;
  std::uint64_t gaps = 0;
  Sequence first_sequence = 0;  // lowest kept
  Sequence next_sequence = 0;   // next to be assigned
  UnixNanos oldest_observed = 0;
  UnixNanos newest_observed = 0;
  bool disk_full = false;  // the last append failed for want of space
  std::string trouble;     // why nothing can be written now, other than a full disk; empty: it can
};

// Read side: shared by the engine and by offline commands (`telltale query` without an engine). Thread-safe.
class StoreReader {
 public:
  virtual ~StoreReader() = default;
  // Visits what is committed at the call. Damaged ranges are passed over (they are gap records).
  virtual base::Status scan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) const = 0;
  virtual std::vector<StreamRef> streams() const = 0;
  virtual StoreStats stats() const = 0;
  // Opaque text for a place in this store: store id, epoch, sequence. For clients' `after` and paging.
  virtual std::string cursor(Sequence sequence) const = 0;
  // cursor_invalid for text of another store or that is no cursor.
  virtual base::Result<Sequence> read_cursor(std::string_view text) const = 0;
};

// What a caller of sync() waits for.
struct Committed {
  Sequence next_sequence = 0;  // all records below are written
};

class Store : public StoreReader {
 public:
  // Takes the lock of DATA (store_locked names the holder), recovers, starts the writer thread. Order: recovery is complete, the
  // listeners hear of new commits only.
  static base::Result<std::unique_ptr<Store>> open(base::Files& files, const base::Clock& clock, base::Random& random,
                                                   telemetry::Metrics& metrics, const StoreOptions& options,
                                                   std::vector<record::CommitListener*> listeners);

  virtual record::BatchSink& sink() = 0;
  // Positions as recovered at opening and committed since.
  virtual std::vector<Position> positions() const = 0;
  // Waits until everything that was accepted before the call is written (and, with `durable`, synced); timeout after `timeout_ns`.
  virtual base::Result<Committed> flush(bool durable, std::int64_t timeout_ns) = 0;
  // Keyed by this store's secret: for hashes of raw bytes. Lives as long as the store.
  virtual const base::KeyedHasher& hasher() const = 0;
  // Accepts nothing more, writes what was accepted, syncs, ends the writer thread. Idempotent.
  virtual base::Status close() = 0;
};

// Opens a data folder for reading without its lock, also while an engine writes it (then: what is committed now).
base::Result<std::unique_ptr<StoreReader>> open_read_only(base::Files& files, const std::string& folder);

// `telltale store verify`: reads every byte of every segment.
struct VerifyProblem {
  std::string segment;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string what;
};
struct VerifyReport {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<VerifyProblem> problems;  // damaged ranges that touch are one
  std::vector<Sequence> suspects;       // the damaged segments, by first sequence
};
// Also beside an engine that writes: what it is writing just now has `patience_ns` to become whole. Changes nothing.
base::Result<VerifyReport> verify(base::Files& files, const std::string& folder, std::int64_t patience_ns = 100'000'000);
// Leaves notes in the data folder: the engine that runs looks at the damaged segments within seconds, or the next one when it starts,
// and what is missing becomes gap records.
base::Status tell_engine(base::Files& files, const std::string& folder, const VerifyReport& report);

}  // namespace telltale::store
