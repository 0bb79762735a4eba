// Reads log files as they grow, each source line once, over rotations, restarts and kills (docs/reference/file-source.md).
//
// The file is its own spool: nothing is read that the pipeline does not take, and what was taken but not committed is read again after
// a restart from the position that the store committed with the records.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "config/config.h"
#include "record/ports.h"
#include "sources/file/watcher.h"
#include "sources/source.h"
#include "sources/text/start_time.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

struct FileSourceOptions {
  std::uint64_t block_bytes = 256 * 1024;                       // most bytes of one read
  std::uint64_t max_line_bytes = 1024 * 1024;                   // longer lines are cut, marked and counted
  std::int64_t sweep_interval_ns = 2 * base::nanos_per_second;  // all names and sizes are looked at this often, whatever events said
  std::int64_t held_idle_ns = 5 * base::nanos_per_second;       // a renamed file that did not grow for so long is closed
  std::int64_t deleted_idle_ns = 60 * base::nanos_per_second;   // the same for a deleted one, which cannot be opened again
  std::int64_t packed_idle_ns =
      10 * base::nanos_per_second;  // a compressed file that ends too early and did not change for so long is damaged
  std::int64_t close_look_ns = 50 * base::nanos_per_millisecond;  // see FileSourcePorts::look_closely
  std::size_t max_open_files = 512;    // beyond it those idle for longest are closed and opened again when they grow
  std::size_t max_held_files = 64;     // renamed files kept open; beyond it the oldest is closed once it was read to its end
  std::size_t max_deleted_files = 64;  // deleted files kept open; beyond it the oldest is given up ...
  std::uint64_t max_deleted_bytes = std::uint64_t{1} << 30;  // ... and beyond so many bytes of disk that they take
  std::string host;                                          // label `host` and part of each origin; empty: no label
};

// What the source works with. All of it outlives the source.
struct FileSourcePorts {
  base::Files& files;
  base::Clock& clock;
  Watcher& watcher;
  record::BlockSink& blocks;        // the pipeline
  record::BatchSink& batches;       // the store: gap records only, never before the data they follow
  const base::KeyedHasher& hasher;  // the store's key: positions hold hashes of log bytes
  telemetry::Metrics& metrics;
  std::function<std::string(std::string_view)> redact_label;  // applied to every label value; empty: none
  // Asked now and then, quick: whether it matters when lines without a timestamp were written. Then written_after is at most about
  // close_look_ns before the write for files whose file system tells of writes, at the price of as many looks a second. Empty: never.
  std::function<bool()> look_closely{};
  // For sources that start at a time; called on the reader's thread. Empty: no line has one.
  LineTime line_time{};
};

using WatchId = std::uint64_t;

struct Watched {
  WatchId id = 0;
  bool effective = false;  // what its files hold was seen; false: not yet, it will be
};

// One reader thread, which alone touches the files. start() once, stop() once (the destructor does it too); health(), barrier() and
// on_commit() from any thread. Positions whose key it does not know are left alone.
//
// on_commit must be told of every commit from start() on: without it barriers time out and gaps are not sent.
class FileSource final : public Source, public record::CommitListener {
 public:
  FileSource(std::vector<config::FileSource> sources, FileSourceOptions options, FileSourcePorts ports,
             std::vector<record::Position> positions);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  // source_invalid when a pattern cannot be used. Missing or unreadable files are no errors here but in health().
  base::Status start() override;
  void stop() override;
  SourceHealth health() const override;
  // A line without its end is not waited for.
  BarrierReport barrier(std::int64_t timeout_ns) override;
  void on_commit(const record::CommittedBatchRef& batch) override;

  // Follows further files from now on, until unwatch() was called as often as watch() for the same patterns, service and labels. Files
  // that stand there are begun as `start` says, those that come up later at their beginning; files that are followed anyway just go on.
  // With `resume` it goes on where an earlier engine was with the same watch: for what was watched when that engine ended. Returns once
  // what stands there was seen, or when the time is over: then it is not effective yet. Blocks. source_invalid, cancelled.
  base::Result<Watched> watch(config::FileSource source, bool resume, std::int64_t timeout_ns);
  // What the files hold by now is still read. Does not wait for that: a barrier does.
  void unwatch(WatchId id);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::sources
