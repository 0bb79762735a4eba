// The one that writes: takes groups from the queue, gives sequences, appends, syncs, tells the listeners, begins and removes segments,
// and gets over full disks and failed syncs. It has no thread of its own and never waits: whoever owns it calls step() again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "record/ports.h"
#include "store/engine/recovery.h"
#include "store/engine/state.h"
#include "store/engine/store.h"
#include "store/engine/store_id.h"
#include "store/engine/write_queue.h"
#include "telemetry/metrics.h"

namespace telltale::store {

struct WriterMetrics {
  explicit WriterMetrics(telemetry::Metrics& metrics);
  telemetry::Counter& records;
  telemetry::Counter& bytes;
  telemetry::Counter& commits;
  telemetry::Counter& syncs;
  telemetry::Counter& gaps;
  telemetry::Counter& errors;
  telemetry::Gauge& queued;
  telemetry::Gauge& segments;
  telemetry::Gauge& disk_full;
};

// What the writer uses; all outlive it.
struct WriterContext {
  base::Files& files;
  const base::Clock& clock;
  base::Random& random;
  const StoreOptions& options;
  StoreState& state;
  WriteQueue& queue;
  WriterMetrics& metrics;
  std::vector<record::CommitListener*> listeners;
  const StoreId& id;
};

class Writer {
 public:
  // `positions`: as recovered, durable.
  Writer(WriterContext context, std::optional<OpenSegment> active, PositionMap positions);

  // Before the first step: begins a segment when there is none.
  base::Status start();
  // Does what is due: one group at most. With `hurry` it syncs at once and does not wait before it tries again.
  void step(bool hurry);
  // The segment that is written has damage: streams are to be defined again.
  void begin_window();
  // After the last step: the mark that all before it was durable.
  void finish();

  // How long nothing is due, unless the queue gets something.
  std::int64_t idle_nanos() const;
  // Writing is not possible now; it is tried again after idle_nanos().
  bool stuck() const { return retry_at_.has_value(); }
  // All that was taken is written and synced.
  bool clean() const { return group_.empty() && urgent_.empty() && !active_.writer->dirty() && !must_begin_; }
  // Why the last attempt to write or sync failed.
  const std::optional<base::Error>& last_error() const { return last_error_; }

 private:
  // Frames that no sync has made durable yet: what a new segment is rewritten from when a sync fails.
  struct Unsynced {
    Sequence first_sequence = 0;
    std::vector<EncodedItem> items;
  };

  bool may_write();
  bool announce();
  void write_group();
  bool append(std::vector<Pending>& items);
  void commit(std::vector<Pending>& items, Sequence first_sequence);
  void tell_listeners(std::vector<Pending>& items, Sequence first_sequence);
  void failed(const base::Error& error);
  void well();
  void disk_is_full();
  bool disk_has_space_again();
  void write_urgent();

  bool sync_due(bool hurry) const;
  void sync();
  void synced();
  bool rotation_due() const;
  void rotate();
  base::Status begin_segment();
  base::Result<std::unique_ptr<SegmentWriter>> write_new_segment(const std::string& path, Sequence first);
  void finish_old(OpenSegment& old);
  void maintain();
  void retain();
  std::size_t outlived_segments(const std::vector<SegmentRef>& segments) const;
  bool leave_tombstone(Sequence kept_from);
  SegmentOrigin origin_of(Sequence first) const;
  void note_file();
  void look_after_file();
  void mark();

  const WriterContext context_;
  OpenSegment active_;
  Group group_;
  std::vector<Pending> urgent_;  // taken out of turn because the disk is full
  PositionMap durable_positions_;
  PositionMap unsynced_positions_;  // newest values since the last sync; empty ones forget
  std::deque<Unsynced> unsynced_;
  std::size_t unsynced_bytes_ = 0;
  std::uint64_t unsynced_records_ = 0;
  SegmentTotals durable_totals_;
  bool announced_ = false;   // the place where sequences go on after this opening is on the disk
  bool must_begin_ = false;  // nothing may be written before a new segment is begun
  bool trusted_ = true;      // no sync or write of the active segment failed
  bool reserve_used_ = false;
  bool marked_ = true;  // a mark stands behind all that was synced
  std::optional<base::MonoNanos> retry_at_;
  base::MonoNanos next_sync_ = 0;
  base::MonoNanos last_sync_ = 0;
  base::MonoNanos next_maintenance_ = 0;
  base::MonoNanos next_rotation_ = 0;
  base::UnixNanos opened_wall_ = 0;
  base::MonoNanos opened_mono_ = 0;
  base::MonoNanos begun_ = 0;   // the active segment, or this engine
  std::uint64_t inode_ = 0;     // of the active segment's file
  base::MonoNanos looked_ = 0;  // whether that file is still there
  bool unlooked_ = false;       // something was written since
  std::optional<base::Error> last_error_;
};

}  // namespace telltale::store
