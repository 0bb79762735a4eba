#include "runs/registry/run_ledger.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/text.h"

namespace telltale::runs {
namespace {

constexpr std::size_t bytes_of_test = 900;  // with its places in the indices
constexpr std::size_t bytes_of_event = 24;

// What a request's earlier events add to what is known, as far as its later ones need it.
class Checker {
 public:
  explicit Checker(const RunLedger& ledger) : ledger_(ledger), started_(ledger.has_started()) {}

  base::Status check(const Event& event) {
    if (!started_ && !std::holds_alternative<RunStarted>(event.body)) {
      return base::fail(base::ErrorCode::run_not_found, "the run '" + ledger_.id() + "' was not started");
    }
    return std::visit([this](const auto& body) { return check_body(body); }, event.body);
  }

 private:
  base::Status check_body(const RunStarted&) {
    if (started_) return base::fail(base::ErrorCode::run_exists, "the run '" + ledger_.id() + "' was started by another event");
    started_ = true;
    return {};
  }
  base::Status check_body(const TestStarted& event) {
    const auto [place, is_new] = new_tests_.try_emplace(event.test, &event);
    const auto known = ledger_.find_test(event.test);
    if (known) {
      const TestKey& key = *ledger_.test(*known).key;
      return same(event, key.node_id, key.attempt, key.worker);
    }
    return is_new ? base::Status() : same(event, place->second->node_id, place->second->attempt, place->second->worker);
  }
  base::Status check_body(const TestFinished& event) { return needs(event.test); }
  base::Status check_body(const TraceNoted& event) { return needs(event.test); }
  base::Status check_body(const Isolation& event) { return needs(event.test); }
  base::Status check_body(const Watch& event) { return needs(event.test); }
  template <class Other>
  base::Status check_body(const Other&) {
    return {};
  }

  base::Status needs(std::string_view test) const {
    if (test.empty() || new_tests_.contains(test) || ledger_.find_test(test)) return {};
    return base::fail(base::ErrorCode::test_not_found,
                      "the test '" + std::string(test) + "' was not started in the run '" + ledger_.id() + "'");
  }
  static base::Status same(const TestStarted& event, std::string_view node_id, std::uint32_t attempt, std::string_view worker) {
    if (event.node_id == node_id && event.attempt == attempt && event.worker == worker) return {};
    return base::fail(base::ErrorCode::invalid_argument, "the test id '" + event.test +
                                                             "' is that of another test: " + base::to_printable(node_id.substr(0, 200)) +
                                                             ", attempt " + std::to_string(attempt) + " on " + std::string(worker));
  }

  const RunLedger& ledger_;
  bool started_;
  std::map<std::string, const TestStarted*, std::less<>> new_tests_;
};

}  // namespace

RunLedger::RunLedger(std::string id) {
  run_.id = std::move(id);
  run_.complete = false;  // until its beginning is seen
}

bool RunLedger::knows_event(std::string_view event_id) const {
  return events_.contains(base::hash64(event_id));
}

base::Status RunLedger::check(const std::vector<const Event*>& events) const {
  Checker checker(*this);
  for (const Event* event : events) {
    if (auto checked = checker.check(*event); !checked) return checked;
  }
  return {};
}

std::optional<std::uint32_t> RunLedger::find_test(std::string_view id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::uint32_t> RunLedger::named(std::string_view id_or_node_id) const {
  if (const auto one = find_test(id_or_node_id)) return {*one};
  std::vector<std::uint32_t> out;
  const auto [begin, end] = by_node_id_.equal_range(id_or_node_id);
  for (auto it = begin; it != end; ++it) out.push_back(it->second);
  return out;
}

std::vector<std::uint32_t> RunLedger::traced(std::string_view trace_id) const {
  std::vector<std::uint32_t> out;
  const auto [begin, end] = by_trace_.equal_range(trace_id);
  for (auto it = begin; it != end; ++it) out.push_back(it->second);
  return out;
}

std::vector<std::uint32_t> RunLedger::open_tests() const {
  std::vector<std::uint32_t> out;
  if (run_.tests.running == 0) return out;
  index_.for_each({INT64_MAX, INT64_MAX}, [&](std::uint32_t number) { out.push_back(number); });
  return out;
}

const Worker* RunLedger::find_worker(std::string_view id) const {
  const auto found = std::ranges::find(run_.workers, id, &Worker::id);
  return found == run_.workers.end() ? nullptr : &*found;
}

Worker& RunLedger::worker_of(std::string_view id, UnixNanos time) {
  const auto found = std::ranges::find(run_.workers, id, &Worker::id);
  if (found != run_.workers.end()) return *found;
  run_.workers.push_back({std::string(id), time, {}, WorkerOutcome::none, EndReason::none, true});
  return run_.workers.back();
}

void RunLedger::close_test(std::uint32_t number, TestOutcome outcome, UnixNanos time, EndReason reason) {
  Test& test = tests_[number];
  if (test.finished) {
    --run_.tests.by_outcome[static_cast<std::size_t>(test.outcome)];
  } else {
    --run_.tests.running;
  }
  test.finished = std::max(test.started, time);
  test.outcome = outcome;
  test.ended_by = reason;
  test.duration_ns = *test.finished - test.started;
  ++run_.tests.by_outcome[static_cast<std::size_t>(outcome)];
  index_.set(number, {test.started, *test.finished});
  last_end_ = std::max(last_end_, *test.finished);
}

void RunLedger::reopen_test(std::uint32_t number) {
  Test& test = tests_[number];
  --run_.tests.by_outcome[static_cast<std::size_t>(test.outcome)];
  ++run_.tests.running;
  test.finished.reset();
  test.outcome = TestOutcome::none;
  test.ended_by = EndReason::none;
  test.duration_ns = 0;
  index_.set(number, {test.started, INT64_MAX});
}

void RunLedger::add_trace(std::uint32_t number, std::string_view trace_id) {
  std::vector<std::string>& traces = tests_[number].trace_ids;
  if (trace_id.empty() || std::ranges::find(traces, trace_id) != traces.end()) return;
  traces.emplace_back(trace_id);
  by_trace_.emplace(trace_id, number);
  bytes_ += 150;
}

void RunLedger::close_worker(Worker& worker, WorkerOutcome outcome, UnixNanos time, EndReason reason) {
  if (worker.is_open()) --open_workers_;
  worker.finished = std::max(worker.started, time);
  worker.outcome = outcome;
  worker.ended_by = reason;
}

void RunLedger::forget_views() {
  views_.clear();
}

// One event on its way into the ledger.
struct RunLedger::Applying {
  RunLedger& ledger;
  const Event& event;
  std::vector<Changed>& changes;

  void tell(Change what, std::uint32_t test = 0) const { changes.push_back({what, test, {}, {}}); }

  void operator()(const RunStarted& body) const {
    Run& run = ledger.run_;
    if (ledger.started_) return;
    ledger.started_ = true;
    run.complete = true;
    run.name = body.name;
    run.framework = body.framework;
    run.framework_version = body.framework_version;
    run.command = body.command;
    run.folder = body.folder;
    run.host = body.host;
    run.environment = body.environment;
    run.output = body.output;
    run.services.insert(run.services.begin(), body.services.begin(), body.services.end());
    run.lifetime = body.lifetime;
    run.lease_ns = body.lease_ns;
    run.remote = body.remote;
    run.started = event.time;
    ledger.everything_ = body.services.empty();
    ledger.forget_views();
    tell(Change::run_started);
  }

  // The client's own word counts more than the engine's, and the first of each counts.
  void operator()(const RunFinished& body) const {
    Run& run = ledger.run_;
    const bool by_engine = event.reason != EndReason::none;
    const bool ended_by_client = !ledger.is_running() && run.ended_by == EndReason::none;
    if (ended_by_client || (by_engine && !ledger.is_running())) return;
    run.state = RunState::finished;
    run.outcome = body.outcome;
    run.exit_code = body.exit_code;
    run.finished = std::max(run.started, event.time);
    run.ended_by = event.reason;
    tell(Change::run_finished);
  }

  void operator()(const WorkerStarted& body) const {
    Worker& worker = ledger.worker_of(body.worker, event.time);
    if (!worker.implicit || worker.outcome != WorkerOutcome::none) return;
    worker.implicit = false;
    ++ledger.open_workers_;
  }

  // What the worker has left open ends with it.
  void operator()(const WorkerFinished& body) const {
    Worker& worker = ledger.worker_of(body.worker, event.time);
    const bool by_engine = event.reason != EndReason::none;
    if (worker.outcome != WorkerOutcome::none && (by_engine || worker.ended_by == EndReason::none)) return;
    ledger.close_worker(worker, body.outcome, event.time, event.reason);
    const TestOutcome outcome = body.outcome == WorkerOutcome::crashed ? TestOutcome::crashed : TestOutcome::interrupted;
    for (const std::uint32_t number : ledger.open_tests()) {
      if (ledger.tests_[number].key->worker != body.worker) continue;
      ledger.close_test(number, outcome, event.time, by_engine ? event.reason : EndReason::worker_ended);
      tell(Change::test_finished, number);
    }
  }

  void operator()(const TestStarted& body) const {
    if (ledger.by_id_.contains(body.test)) return;
    const auto number = static_cast<std::uint32_t>(ledger.tests_.size());
    Test test;
    test.key = std::make_shared<const TestKey>(
        TestKey{ledger.id(), body.test, body.node_id, body.name.empty() ? body.node_id : body.name, body.worker, body.attempt});
    test.file_stem = body.file_stem;
    test.started = event.time;
    ledger.bytes_ += bytes_of_test + 3 * body.node_id.size() + body.name.size() + body.file_stem.size();
    ledger.worker_of(body.worker, event.time);
    ledger.tests_.push_back(std::move(test));
    ledger.index_.add({event.time, INT64_MAX});
    ledger.by_id_.emplace(body.test, number);
    ledger.by_node_id_.emplace(body.node_id, number);
    ledger.add_trace(number, body.trace_id);
    ++ledger.run_.tests.total;
    ++ledger.run_.tests.running;
    tell(Change::test_started, number);
    // The news of a worker's end may overtake its own last words, which come on another connection.
    const Worker& worker = *ledger.find_worker(body.worker);
    if (worker.outcome == WorkerOutcome::none) return;
    const TestOutcome outcome = worker.outcome == WorkerOutcome::crashed ? TestOutcome::crashed : TestOutcome::interrupted;
    ledger.close_test(number, outcome, worker.finished.value_or(event.time), EndReason::worker_ended);
    tell(Change::test_finished, number);
  }

  void operator()(const TestFinished& body) const {
    const auto number = ledger.find_test(body.test);
    if (!number) return;  // retention took its beginning
    Test& test = ledger.tests_[*number];
    const bool by_engine = event.reason != EndReason::none;
    if (test.finished && (by_engine || test.ended_by == EndReason::none)) return;
    ledger.close_test(*number, body.outcome, event.time, event.reason);
    if (body.duration_ns > 0) test.duration_ns = body.duration_ns;
    test.message = body.message;
    test.phases = body.phases;
    ledger.bytes_ += body.message.size() + body.phases.size() * sizeof(Phase);
    tell(Change::test_finished, *number);
  }

  void operator()(const TraceNoted& body) const {
    if (const auto number = ledger.find_test(body.test)) ledger.add_trace(*number, body.trace_id);
  }

  void operator()(const Isolation& body) const {
    ledger.isolated_.push_back({body.labels, {}, body.test, body.worker});
    ledger.forget_views();
  }

  void operator()(const ClockOffset& body) const {
    ledger.offsets_.push_back({body.labels, {body.offset_ns, body.uncertainty_ns, body.method}});
    ledger.forget_views();
  }

  void operator()(const Watch& body) const {
    std::vector<Service>& services = ledger.run_.services;
    services.insert(services.end(), body.services.begin(), body.services.end());
    if (!body.test.empty()) ledger.isolated_.push_back({{}, body.services, body.test, {}});
    ledger.forget_views();
    changes.push_back({Change::watch, 0, body.services, body.test});
  }

  // What the engine had ended since the client went away goes on.
  void operator()(const Resumed& body) const {
    if (!body.worker.empty()) return resume_worker(ledger.worker_of(body.worker, event.time));
    Run& run = ledger.run_;
    if (ledger.is_running() || run.ended_by == EndReason::none) return;
    const EndReason reason = std::exchange(run.ended_by, EndReason::none);
    const UnixNanos since = *run.finished;
    run.state = RunState::running;
    run.outcome = RunOutcome::none;
    run.finished.reset();
    tell(Change::run_resumed);
    for (const Worker& worker : run.workers) {
      if (worker.implicit) reopen_tests(worker.id, reason, since);
    }
  }

  void resume_worker(Worker& worker) const {
    if (worker.implicit || worker.ended_by == EndReason::none) return;
    ++ledger.open_workers_;
    const EndReason reason = std::exchange(worker.ended_by, EndReason::none);
    const UnixNanos since = *worker.finished;
    worker.outcome = WorkerOutcome::none;
    worker.finished.reset();
    reopen_tests(worker.id, reason, since);
  }

  void reopen_tests(std::string_view worker, EndReason reason, UnixNanos since) const {
    for (std::uint32_t number = 0; number < ledger.tests_.size(); ++number) {
      const Test& test = ledger.tests_[number];
      if (test.key->worker != worker || test.ended_by != reason || !test.finished || *test.finished < since) continue;
      ledger.reopen_test(number);
      tell(Change::test_started, number);
    }
  }
};

void RunLedger::apply(const Event& event, UnixNanos received, std::vector<Changed>& changes) {
  if (!events_.insert(base::hash64(event.id)).second) return;
  bytes_ += bytes_of_event;
  run_.last_event = std::max(run_.last_event, received);
  note_delay(event, received);
  if (!started_ && !std::holds_alternative<RunStarted>(event.body)) {
    started_ = true;  // retention took its beginning
    run_.started = event.time;
  }
  std::visit(Applying{*this, event, changes}, event.body);
}

}  // namespace telltale::runs
