// A registry over a store in memory, driven step by step, and short words for the events that tests send.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/testing/memory_files.h"
#include "base/text.h"
#include "runs/registry/registry.h"
#include "store/engine/testing/test_store.h"

namespace telltale::runs::testing {

using base::nanos_per_millisecond;
using base::nanos_per_second;

// What listeners were told, one line each: "started r1", "test+ t1", "test- t1 passed"…
class Listening final : public RegistryListener {
 public:
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

  void on_run_started(const Run& run, bool resumed) override { lines_.push_back((resumed ? "resumed " : "started ") + run.id); }
  void on_run_finished(const Run& run) override { lines_.push_back("finished " + run.id + " " + std::string(name_of(run.outcome))); }
  void on_test_started(const Run&, const Test& test) override { lines_.push_back("test+ " + test.key->id); }
  void on_test_finished(const Run&, const Test& test) override {
    lines_.push_back("test- " + test.key->id + " " + std::string(name_of(test.outcome)));
  }
  void on_watch(const Run&, const std::vector<Service>& services, const std::string& test) override {
    lines_.push_back("watch " + services.front().name + " " + test);
  }

 private:
  std::vector<std::string> lines_;
};

class RegistryHarness {
 public:
  explicit RegistryHarness(RegistryOptions registry_options = {}) : options(registry_options), store(files) { open(); }

  base::testing::ManualClock& clock() { return store.clock; }
  UnixNanos now() { return store.clock.wall(); }

  // Ends the engine and starts it again; with `idle_ns` between.
  void restart(std::int64_t idle_ns = 0) {
    registry.reset();
    static_cast<void>(store.engine->close());
    store.engine.reset();
    store.clock.advance(idle_ns);
    open();
  }

  void open() {
    const auto opened = store.open();
    TT_ASSERT(opened.has_value(), "the store opens");
    RegistryPorts ports{.clock = store.clock, .reader = *store.engine};
    ports.sink = sink != nullptr ? sink : &store.engine->sink();
    ports.positions = store.engine->positions();
    ports.flush = [this](std::int64_t timeout_ns) { return store.engine->flush(false, timeout_ns); };
    ports.redact = redact;
    ports.metrics = &store.metrics;
    auto made = Registry::open(std::move(ports), options, {&listener});
    TT_ASSERT(made.has_value(), "the registry opens");
    registry = std::move(*made);
  }

  base::Result<Applied> apply(const std::string& run, std::vector<Event> events, ConnectionId connection = 1, bool loopback = true) {
    return registry->apply(run, std::move(events), {connection, loopback});
  }

  // --- events, now
  Event event(EventBody body, const std::string& id = {}) {
    Event made;
    made.id = id.empty() ? "e" + std::to_string(++next_event_) : id;
    made.time = now();
    made.body = std::move(body);
    return made;
  }
  Event run_started(std::vector<Service> services = {}, const std::string& id = "start") {
    RunStarted body;
    body.name = "suite";
    body.services = std::move(services);
    return event(body, id);
  }
  Event leased_run_started(std::int64_t lease_ns) {
    RunStarted body;
    body.lifetime = Lifetime::lease;
    body.lease_ns = lease_ns;
    return event(body, "start");
  }
  Event run_finished(RunOutcome outcome = RunOutcome::passed) { return event(RunFinished{outcome, 0}); }
  Event worker_started(const std::string& worker) { return event(WorkerStarted{worker}, "start-" + worker); }
  Event worker_finished(const std::string& worker, WorkerOutcome outcome = WorkerOutcome::finished) {
    return event(WorkerFinished{worker, outcome});
  }
  Event test_started(const std::string& test, const std::string& worker = "gw0", std::uint32_t attempt = 1, std::string node_id = {}) {
    if (node_id.empty()) node_id = "a.py::" + test;
    return event(TestStarted{test, node_id, "", attempt, worker, "stem-" + test, ""}, "start-" + test);
  }
  Event test_finished(const std::string& test, TestOutcome outcome = TestOutcome::passed) {
    return event(TestFinished{test, outcome, 0, "", {}});
  }

  RegistryOptions options;
  base::testing::MemoryFiles files;
  store::testing::TestStore store;
  Listening listener;
  record::BatchSink* sink = nullptr;  // instead of the store's
  std::function<std::string(std::string_view)> redact;
  std::unique_ptr<Registry> registry;

 private:
  int next_event_ = 0;
};

}  // namespace telltale::runs::testing
