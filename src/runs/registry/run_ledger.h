// One run and its tests: what its events make of it, the same for events that arrive and for those read back from the store.
//
// No clock, no store, no lock of its own: the registry uses it under its mutex. Tests are numbered in the order in which they started.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "runs/errors/error_view.h"
#include "runs/model/event.h"
#include "runs/model/run.h"
#include "runs/model/scope.h"
#include "runs/registry/interval_index.h"

namespace telltale::runs {

// What an event changed, for listeners and metrics.
enum class Change : std::uint8_t { run_started, run_resumed, run_finished, test_started, test_finished, watch };
struct Changed {
  Change what = Change::run_started;
  std::uint32_t test = 0;         // of test_started, test_finished
  std::vector<Service> services;  // of watch
  std::string watching_test;
};

class RunLedger {
 public:
  explicit RunLedger(std::string id);
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;

  const std::string& id() const { return run_.id; }
  const Run& run() const { return run_; }
  void set_output_state(OutputState state) { run_.output_state = state; }
  bool has_started() const { return started_; }
  bool is_running() const { return run_.state == RunState::running; }
  // Something of it has not ended.
  bool is_open() const { return is_running() || run_.tests.running > 0 || open_workers_ > 0; }

  bool knows_event(std::string_view event_id) const;
  // Whether all of them can be applied, one after the other: run_not_found, run_exists, test_not_found, invalid_argument.
  base::Status check(const std::vector<const Event*>& events) const;
  // Applies an event that check() let pass, or a stored one; appends what changed. `received`: when the engine heard of it.
  void apply(const Event& event, UnixNanos received, std::vector<Changed>& changes);

  std::size_t test_count() const { return tests_.size(); }
  const Test& test(std::uint32_t number) const { return tests_[number]; }
  std::optional<std::uint32_t> find_test(std::string_view id) const;
  // Tests that a test id or a node id means.
  std::vector<std::uint32_t> named(std::string_view id_or_node_id) const;
  std::vector<std::uint32_t> traced(std::string_view trace_id) const;
  std::vector<std::uint32_t> open_tests() const;
  const Worker* find_worker(std::string_view id) const;

  // --- for windows: times of the engine's clock (a client on another machine has its own)
  TimeSpan span() const;
  // A test may end after its run was said to have ended.
  TimeSpan span_with_tests() const;
  TimeSpan span_of_test(std::uint32_t number) const;
  template <class Visit>
  void for_each_test(const TimeSpan& span, Visit&& visit) const {
    const ClockShift shift = client_clock();
    index_.for_each({add_nanos(span.from, -shift.high), add_nanos(span.to, -shift.low)}, visit);
  }
  // The time of an event that the engine makes, as the client's clock would tell it.
  UnixNanos client_time(UnixNanos engine_time) const { return add_nanos(engine_time, -client_clock().high); }

  // What the run says of a stream; kept until an event changes it.
  struct StreamView {
    std::string service;               // the run's name for it; empty: it is not in the run
    std::vector<std::uint32_t> tests;  // the stream is theirs alone
    std::vector<std::string> workers;  // or theirs
    std::optional<ClockCorrection> clock;
    std::shared_ptr<const ErrorView> errors{};  // second owner: windows
    bool is_isolated() const { return !tests.empty() || !workers.empty(); }
  };
  const StreamView& view_of(const record::Stream& stream) const;
  // Some streams are the test's, or its worker's, alone.
  bool has_streams_of(std::uint32_t test) const;
  // Every correction that a stream of the run may get lies within, uncertainty included; 0 too.
  TimeSpan correction_bounds() const;
  Scope scope() const { return Scope(run_.id, run_.services, everything_); }
  // About what it takes in memory.
  std::size_t bytes() const { return bytes_; }

 private:
  // The client's clock + [low, high] is the engine's.
  struct ClockShift {
    std::int64_t low = 0;
    std::int64_t high = 0;
  };
  // Streams with these labels, or of these services, are one test's or one worker's alone.
  struct Isolated {
    record::Labels labels;
    std::vector<Service> services;
    std::string test;
    std::string worker;
    bool holds(const record::Stream& stream) const;
  };
  struct KnownOffset {
    record::Labels labels;
    ClockCorrection correction;
  };
  struct Applying;  // one event

  ClockShift client_clock() const;
  void note_delay(const Event& event, UnixNanos received);
  Worker& worker_of(std::string_view id, UnixNanos time);
  void close_worker(Worker& worker, WorkerOutcome outcome, UnixNanos time, EndReason reason);
  void close_test(std::uint32_t number, TestOutcome outcome, UnixNanos time, EndReason reason);
  void reopen_test(std::uint32_t number);
  void add_trace(std::uint32_t number, std::string_view trace_id);
  void forget_views();

  Run run_;
  bool started_ = false;
  bool everything_ = true;  // the run has no services of its own: all that is captured is in it
  std::vector<Test> tests_;
  IntervalIndex index_;  // by the client's clock
  std::map<std::string, std::uint32_t, std::less<>> by_id_;
  std::multimap<std::string, std::uint32_t, std::less<>> by_node_id_;
  std::multimap<std::string, std::uint32_t, std::less<>> by_trace_;
  std::vector<Isolated> isolated_;
  std::vector<KnownOffset> offsets_;
  std::size_t open_workers_ = 0;
  std::unordered_set<std::uint64_t> events_;  // hashes of the ids of those that were applied
  std::optional<std::int64_t> shortest_delay_;
  UnixNanos last_end_ = INT64_MIN;  // of any test
  std::size_t bytes_ = sizeof(RunLedger);
  mutable std::unordered_map<record::StreamId, StreamView, base::Hash128Hasher> views_;
};

}  // namespace telltale::runs
