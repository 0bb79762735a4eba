// The registry: which runs and tests there are and were. Events come in through apply(), are written to the store as lifecycle records,
// and change what the registry says; after a restart it reads them from there. docs/reference/runs.md.
//
// Threads: everything from any thread. apply() waits for the store's writer and belongs on a thread that may block; queries may read the
// store when they ask for runs that are not in memory. Listeners are called without any lock held, one at a time, in the order of what
// happened, on the thread that caused it; they may query the registry and must not apply events.
//
// Memory: open runs, and finished ones that were used last up to RegistryOptions::loaded_bytes and loaded_runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "record/ports.h"
#include "runs/model/event.h"
#include "runs/model/run.h"
#include "runs/model/scope.h"
#include "runs/registry/window.h"
#include "store/catalog/catalog.h"
#include "store/engine/store.h"
#include "telemetry/metrics.h"

namespace telltale::runs {

// Of net; 0: no connection, which owns nothing and never closes.
using ConnectionId = std::uint64_t;

// Where a request comes from.
struct Peer {
  ConnectionId connection = 0;
  bool loopback = true;
};

// The answer to events that are committed.
struct Applied {
  std::size_t accepted = 0;
  std::size_t duplicates = 0;
  UnixNanos time = 0;  // the engine's clock
  OutputState output = OutputState::none;
  std::vector<std::string> warnings;  // one sentence each
};

struct RunFilter {
  std::optional<RunState> state{};
  std::size_t limit = 100;
  std::string after{};  // the last run of the page before
};
struct RunPage {
  std::vector<Run> runs;  // newest first
  std::string next;       // empty: that was all
};

struct TestFilter {
  std::string run{};    // empty: all
  std::string match{};  // a test id, a node id, or a part of a node id or name
  std::optional<TestOutcome> outcome{};
  std::string worker{};
  std::size_t limit = 100;
  std::string after{};  // the last test (id) of the page before
};
struct TestPage {
  std::vector<Test> tests;  // newest first
  std::string next;
};

// Told of what happens to runs and tests. The run is as it is after the event.
class RegistryListener {
 public:
  virtual ~RegistryListener() = default;
  // Also for runs found open at a start of the engine (`resumed`), and when an ended run goes on.
  virtual void on_run_started(const Run& run, bool resumed) = 0;
  // Also when its end is told anew (the client's own word after the engine's).
  virtual void on_run_finished(const Run& run) = 0;
  virtual void on_test_started(const Run& run, const Test& test) = 0;
  virtual void on_test_finished(const Run& run, const Test& test) = 0;
  // The run has more services; `test` is set when they are that test's alone.
  virtual void on_watch(const Run& run, const std::vector<Service>& services, const std::string& test) = 0;
};

struct RegistryOptions {
  std::int64_t takeover_ns = 2 * base::nanos_per_second;  // for a connection that closed
  std::int64_t restart_ns = 30 * base::nanos_per_second;  // for runs found open
  std::int64_t commit_timeout_ns = 5 * base::nanos_per_second;
  std::int64_t refresh_ns = base::nanos_per_second;  // how old the list of finished runs may be
  // As many as run at once in a busy store: a query over their time needs all of them.
  std::size_t loaded_bytes = 64 * 1024 * 1024;
  std::size_t loaded_runs = 1000;  // each is looked at for each batch whose tests are asked for
  // Services that the engine itself knows: their clock offsets hold in every run that says nothing of its own, and their error patterns
  // (for streams with the label `service`) before a run's own.
  std::vector<Service> services{};
};

// All outlive the registry. Without a sink it only reads (commands without an engine).
struct RegistryPorts {
  const base::Clock& clock;
  const store::StoreReader& reader;
  record::BatchSink* sink = nullptr;
  std::vector<record::Position> positions{};  // Store::positions at opening: those of open runs are among them
  std::function<base::Result<store::Committed>(std::int64_t timeout_ns)> flush{};  // Store::flush, not durable
  // The streams there are, as the catalog knows them; empty: the store is scanned.
  std::function<std::vector<store::StreamSummary>()> streams{};
  std::function<std::string(std::string_view)> redact{};  // thread-safe; empty: nothing is taken out
  telemetry::Metrics* metrics = nullptr;
};

class Registry {
 public:
  // Reads the open runs from the store. Listeners are in the order in which they are told; they outlive the registry and are told of
  // open runs by start().
  static base::Result<std::unique_ptr<Registry>> open(RegistryPorts ports, RegistryOptions options,
                                                      std::vector<RegistryListener*> listeners = {});
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Tells the listeners of open runs and begins to call tick() when it is due, on a thread of its own.
  void start();
  // Ends that thread; nothing is applied after it. Open runs stay open in the store. Idempotent.
  void stop();

  // All of the events or none. Answers when they are in the store (written, not synced). run_not_found, test_not_found, run_exists,
  // invalid_argument (naming the event); disk_full, timeout, cancelled when the store did not take them: to be sent again with the same
  // event ids.
  base::Result<Applied> apply(std::string_view run, std::vector<Event> events, Peer peer);
  // What the connection owned has options.takeover_ns to be taken over.
  void connection_closed(ConnectionId connection);
  // What a component of the engine found out about the clock behind a stream: an event in each open run that looks at the stream, knows
  // nothing better, and for which it is news (see differs_materially).
  void add_clock_offset(const record::Stream& stream, const ClockCorrection& correction);
  // Ends what was not taken over and whose lease is over. The mono time of the next thing that becomes due; nothing: none.
  std::optional<base::MonoNanos> tick();
  // Who writes the run's files; asked by apply() after the listeners were told of the run's start.
  void set_output_state(std::string_view run, OutputState state);

  // --- queries; run_not_found, test_not_found, errors of the store
  base::Result<RunPage> runs(const RunFilter& filter) const;
  base::Result<Run> run(std::string_view id) const;
  base::Result<TestPage> tests(const TestFilter& filter) const;
  base::Result<Test> test(std::string_view id) const;
  base::Result<Scope> scope(std::string_view run) const;
  std::size_t open_runs() const;  // quick
  // Counts up with everything that can change an attribution.
  std::uint64_t version() const;

  // What is known of the batch's stream for the times of its records, `grace_ns` more on both sides. Reads the store when a finished run
  // that may meet them is not in memory; what cannot be read is left out, and logged.
  Window window(const record::Batch& batch, std::int64_t grace_ns) const;
  // Records whose index times lie outside of it belong to no test of the run, or not to the test, except those of loose batches (scans
  // with ScanRange::by_writing meet them too). Nothing: there is no such run or test.
  base::Result<std::optional<TimeSpan>> run_bounds(std::string_view run) const;
  base::Result<std::optional<TimeSpan>> test_bounds(std::string_view id_or_node_id) const;

 private:
  class Impl;
  explicit Registry(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace telltale::runs
