// The inside of the registry; its functions are in registry.cpp (events), registry_owners.cpp (connections, leases, ends),
// registry_load.cpp (runs in memory and in the store), registry_queries.cpp and registry_window.cpp.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/task_group.h"
#include "runs/registry/encode.h"
#include "runs/registry/known_runs.h"
#include "runs/registry/registry.h"
#include "runs/registry/run_ledger.h"
#include "runs/registry/test_names.h"

namespace telltale::runs {

// Who answers for a run or a worker: a connection, or nobody any more and until when somebody may take it over.
struct Owner {
  ConnectionId connection = 0;
  std::optional<base::MonoNanos> due;
  UnixNanos lost = 0;  // when the connection closed
  EndReason reason = EndReason::none;
};

// A run in memory.
struct Entry {
  explicit Entry(const std::string& id) : ledger(id), stream(lifecycle_stream(id)) {}
  RunLedger ledger;
  const record::StreamRef stream;
  Owner owner;
  std::map<std::string, Owner, std::less<>> workers;  // that said that they began
  std::optional<base::MonoNanos> lease_due;
  std::optional<base::MonoNanos> remains_due;  // the run has ended: when what it left open ends too
  bool has_position = false;                   // the store knows that it is open
  std::uint64_t last_use = 0;
  bool is_leased() const { return ledger.run().remote || ledger.run().lifetime == Lifetime::lease; }
};

struct RunsMetrics {
  explicit RunsMetrics(telemetry::Metrics& metrics);
  telemetry::Counter& events;
  telemetry::Counter& duplicates;
  telemetry::Counter& refused;
  telemetry::Counter& unreadable;
  telemetry::Counter& loads;
  telemetry::Counter& ended_by_engine;
  telemetry::Gauge& open;
  telemetry::Gauge& loaded_bytes;
};

class Registry::Impl {
 public:
  Impl(RegistryPorts ports, RegistryOptions options, std::vector<RegistryListener*> listeners);

  base::Status open() TT_EXCLUDES(mutex_);
  void start() TT_EXCLUDES(mutex_);
  void stop() TT_EXCLUDES(mutex_);
  base::Result<Applied> apply(std::string_view run, std::vector<Event> events, Peer peer) TT_EXCLUDES(mutex_);
  void connection_closed(ConnectionId connection) TT_EXCLUDES(mutex_);
  void add_clock_offset(const record::Stream& stream, const ClockCorrection& correction) TT_EXCLUDES(mutex_);
  std::optional<base::MonoNanos> tick() TT_EXCLUDES(mutex_);
  void set_output_state(std::string_view run, OutputState state) TT_EXCLUDES(mutex_);

  base::Result<RunPage> runs(const RunFilter& filter) TT_EXCLUDES(mutex_);
  base::Result<Run> run(std::string_view id) TT_EXCLUDES(mutex_);
  base::Result<TestPage> tests(const TestFilter& filter) TT_EXCLUDES(mutex_);
  base::Result<Test> test(std::string_view id) TT_EXCLUDES(mutex_);
  base::Result<Scope> scope(std::string_view run) TT_EXCLUDES(mutex_);
  std::size_t open_runs() const { return open_.load(std::memory_order_relaxed); }
  std::uint64_t version() const { return version_.load(); }
  Window window(const record::Batch& batch, std::int64_t grace_ns) TT_EXCLUDES(mutex_);
  base::Result<std::optional<TimeSpan>> run_bounds(std::string_view run) TT_EXCLUDES(mutex_);
  base::Result<std::optional<TimeSpan>> test_bounds(std::string_view id_or_node_id) TT_EXCLUDES(mutex_);

 private:
  struct Notice {
    Changed changed;
    Run run;
    std::optional<Test> test;
  };
  using Events = std::vector<const Event*>;
  enum class Written : std::uint8_t { yes, full, closed };

  // --- events
  struct Request;  // one call of apply()
  base::Result<Written> take_in(Request& request) TT_REQUIRES(mutex_);
  base::Status wait_for_space(base::MonoNanos deadline) const;
  base::Status commit();
  Written write(Entry& entry, const Events& events) TT_REQUIRES(mutex_);
  void note_changes(const Entry& entry, std::vector<Changed> changes) TT_REQUIRES(mutex_);
  void deliver() TT_EXCLUDES(mutex_, delivery_mutex_);
  void tell(const Notice& notice) const;

  // --- owners
  Owner owner_on(ConnectionId connection) const TT_REQUIRES(mutex_);
  void remember_closed(ConnectionId connection, UnixNanos now) TT_REQUIRES(mutex_);
  void take_over(Entry& entry, const Event& event, Peer peer, std::vector<Event>& resumed) TT_REQUIRES(mutex_);
  void settle_owners(Entry& entry, const Events& events, Peer peer) TT_REQUIRES(mutex_);
  void orphan(Entry& entry, UnixNanos lost, base::MonoNanos due, EndReason reason) TT_REQUIRES(mutex_);
  std::vector<Event> due_ends(Entry& entry, base::MonoNanos now) TT_REQUIRES(mutex_);
  void settle_ends(Entry& entry, base::MonoNanos now, const std::vector<Event>& ends) TT_REQUIRES(mutex_);
  void end_worker(const Entry& entry, const Worker& worker, const Owner& why, std::vector<Event>& out) const TT_REQUIRES(mutex_);
  void end_run(const Entry& entry, const Owner& why, std::vector<Event>& out) const TT_REQUIRES(mutex_);
  void end_remains(const Entry& entry, std::vector<Event>& out) const TT_REQUIRES(mutex_);
  Event engine_event(const Entry& entry, EventBody body, UnixNanos time, EndReason reason) const;
  static std::optional<base::MonoNanos> next_due(const Entry& entry);
  void close_position(Entry& entry) TT_REQUIRES(mutex_);
  void run_clock(std::stop_token stop) TT_EXCLUDES(mutex_);
  void wake() TT_REQUIRES(mutex_);

  // --- runs in memory
  // Calls `use` with the run under the lock; reads it from the store first where it must.
  template <class Use>
  base::Status with_run(std::string_view id, Use&& use) TT_EXCLUDES(mutex_);
  base::Result<std::unique_ptr<Entry>> load(const KnownRun& known) const TT_EXCLUDES(mutex_);
  base::Result<std::optional<KnownRun>> find_known(std::string_view id) TT_EXCLUDES(mutex_);
  base::Status refresh(bool now) TT_EXCLUDES(mutex_);
  Entry& shelve(std::unique_ptr<Entry> entry) TT_REQUIRES(mutex_);
  Entry* find(std::string_view id) TT_REQUIRES(mutex_);
  void evict(std::string_view but) TT_REQUIRES(mutex_);
  // Every correction that a stream of the run may get lies within.
  TimeSpan corrections_of(const RunLedger& ledger) const;
  TimeSpan index_span_of(const RunLedger& ledger) const;
  void count() TT_REQUIRES(mutex_);

  // --- queries
  std::vector<std::string> run_ids_newest_first() TT_EXCLUDES(mutex_);
  base::Result<std::vector<std::string>> runs_that_name(std::string_view id_or_node_id, bool first_only) TT_EXCLUDES(mutex_);
  base::Status leave_out_runs_without(const TestFilter& filter, std::vector<std::string>& ids) TT_EXCLUDES(mutex_);
  base::Status learn_names() TT_EXCLUDES(mutex_, names_mutex_);
  base::Status read_names(const std::set<std::string, std::less<>>& runs, store::Sequence from) TT_EXCLUDES(mutex_);
  std::optional<std::string> run_in_memory_of(std::string_view test) TT_EXCLUDES(mutex_);
  base::Result<std::string> run_of_test(std::string_view test) TT_EXCLUDES(mutex_);

  // --- windows
  struct WindowMaker;
  void load_runs_that_meet(const TimeSpan& rough) TT_EXCLUDES(mutex_);
  // No index time of a record that is one of the run's tests' lies outside of it; without reading the run's events.
  TimeSpan rough_index_span(const std::string& run) const TT_REQUIRES(mutex_);
  static TimeSpan rough_index_span(const KnownRun& known);

  const RegistryPorts ports_;
  const RegistryOptions options_;
  std::map<std::string, std::shared_ptr<const ErrorView>, std::less<>> errors_of_;  // of options_.services, by name; second owner: windows
  const std::vector<RegistryListener*> listeners_;
  const std::unique_ptr<telemetry::Metrics> own_metrics_;  // where nobody else's were given
  RunsMetrics metrics_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::size_t> open_{0};

  mutable base::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_ TT_GUARDED_BY(mutex_);
  KnownRuns known_ TT_GUARDED_BY(mutex_);
  std::map<ConnectionId, UnixNanos> closed_ TT_GUARDED_BY(mutex_);  // connections that closed lately, and when
  std::deque<ConnectionId> closed_order_ TT_GUARDED_BY(mutex_);     // the oldest first
  TestNames test_names_ TT_GUARDED_BY(mutex_);                      // of runs that are not in memory
  std::optional<base::MonoNanos> refreshed_ TT_GUARDED_BY(mutex_);
  std::uint64_t uses_ TT_GUARDED_BY(mutex_) = 0;
  std::deque<Notice> notices_ TT_GUARDED_BY(mutex_);
  bool stopped_ TT_GUARDED_BY(mutex_) = false;
  bool due_changed_ TT_GUARDED_BY(mutex_) = false;
  base::Condition due_;

  base::Mutex names_mutex_;     // held while names are read from the store, before mutex_
  base::Mutex delivery_mutex_;  // held while listeners are told, never together with mutex_ by one thread in the other order
  base::TaskGroup tasks_;
};

}  // namespace telltale::runs
