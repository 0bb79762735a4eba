// Many clients at once over a store with its own thread: what each is told is true, and the same after a restart.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using base::nanos_per_second;

constexpr int runs_at_once = 3;
constexpr int workers_each = 4;
constexpr int tests_each = 40;

// Events of one client with ids of its own.
class Client {
 public:
  Client(Registry& registry, std::string run, ConnectionId connection)
      : registry_(registry), run_(std::move(run)), connection_(connection) {}

  bool send(std::vector<EventBody> bodies) {
    std::vector<Event> events;
    for (EventBody& body : bodies) {
      Event event;
      event.id = std::to_string(connection_) + "-" + std::to_string(++next_);
      event.time = base::SystemClock().wall();
      event.body = std::move(body);
      events.push_back(std::move(event));
    }
    return registry_.apply(run_, std::move(events), {connection_, true}).has_value();
  }

 private:
  Registry& registry_;
  const std::string run_;
  const ConnectionId connection_;
  int next_ = 0;
};

// Counts what it is told, and asks back.
class Asking final : public RegistryListener {
 public:
  explicit Asking(std::atomic<const Registry*>& registry) : registry_(registry) {}
  void on_run_started(const Run&, bool) override {}
  void on_run_finished(const Run& run) override { finished_runs += registry_.load()->run(run.id)->state == RunState::finished ? 1 : 0; }
  void on_test_started(const Run&, const Test& test) override { started += registry_.load()->test(test.key->id).has_value() ? 1 : 0; }
  void on_test_finished(const Run&, const Test&) override { ++finished; }
  void on_watch(const Run&, const std::vector<Service>&, const std::string&) override {}
  int started = 0;
  int finished = 0;
  int finished_runs = 0;

 private:
  std::atomic<const Registry*>& registry_;
};

class RegistryThreads : public ::testing::Test {
 protected:
  void open(std::vector<RegistryListener*> listeners) {
    store::StoreOptions options;
    options.folder = "data";
    store_ = std::move(*store::Store::open(files_, clock_, random_, metrics_, options, {}));
    RegistryPorts ports{.clock = clock_, .reader = *store_, .sink = &store_->sink()};
    ports.positions = store_->positions();
    ports.flush = [this](std::int64_t timeout_ns) { return store_->flush(false, timeout_ns); };
    RegistryOptions registry_options;
    registry_options.takeover_ns = base::nanos_per_millisecond;
    registry_ = std::move(*Registry::open(std::move(ports), registry_options, std::move(listeners)));
    shared_ = registry_.get();
    registry_->start();
  }
  void close() {
    registry_->stop();
    registry_.reset();
    ASSERT_TRUE(store_->close());
    store_.reset();
  }
  // The last worker of each run goes without a word in the middle of a test.
  void work(const std::string& run, int worker) {
    const bool crashes = worker == workers_each - 1;
    const auto connection = static_cast<ConnectionId>(std::hash<std::string>()(run) % 1000 * 100 + static_cast<unsigned>(worker) + 10);
    Client client(*registry_, run, connection);
    const std::string name = "gw" + std::to_string(worker);
    failures_ += client.send({WorkerStarted{name}}) ? 0 : 1;
    for (int i = 0; i < tests_each; ++i) {
      const std::string test = run + "-" + name + "-" + std::to_string(i);
      failures_ += client.send({TestStarted{test, "t::" + std::to_string(i), "", 1, name, "", ""}}) ? 0 : 1;
      if (crashes && i == tests_each - 1) return registry_->connection_closed(connection);
      failures_ += client.send({TestFinished{test, TestOutcome::passed, 0, "", {}}}) ? 0 : 1;
    }
    failures_ += client.send({WorkerFinished{name}}) ? 0 : 1;
    registry_->connection_closed(connection);
  }
  void ask(const std::atomic<bool>& stop) {
    record::Batch batch;
    batch.stream = record::make_stream(record::Labels({{"source", "file"}, {"service", "s"}, {"file", "/s.log"}}));
    batch.records.emplace_back();
    while (!stop) {
      batch.records[0].observed_time = batch.written_after = clock_.wall();
      const Window window = registry_->window(batch, 0);
      failures_ += window.tests.size() <= 3 * runs_at_once * workers_each ? 0 : 1;
      failures_ += registry_->runs({}).has_value() ? 0 : 1;
      failures_ += registry_->tests({.match = "t::7"}).has_value() ? 0 : 1;
    }
  }

  base::testing::MemoryFiles files_;
  base::SystemClock clock_;
  store::testing::CountingRandom random_;
  telemetry::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Registry> registry_;
  std::atomic<const Registry*> shared_{nullptr};
  std::atomic<int> failures_{0};
};

TEST_F(RegistryThreads, ManyClientsAtOnceAreAllKept) {
  Asking listener(shared_);
  open({&listener});
  std::atomic<bool> stop = false;
  std::jthread asking([&] { ask(stop); });
  {
    std::vector<std::jthread> threads;
    for (int r = 0; r < runs_at_once; ++r) {
      const std::string run = "run" + std::to_string(r);
      ASSERT_TRUE(Client(*registry_, run, static_cast<ConnectionId>(r) + 1).send({RunStarted{}}));
      for (int worker = 0; worker < workers_each; ++worker) threads.emplace_back([this, run, worker] { work(run, worker); });
    }
  }
  const auto running = [&] {
    std::uint64_t sum = 0;
    for (const runs::Run& run : registry_->runs({})->runs) sum += run.tests.running;
    return sum;
  };
  while (running() > 0) std::this_thread::yield();  // what crashed is ended by the registry's thread
  for (int r = 0; r < runs_at_once; ++r) {
    ASSERT_TRUE(Client(*registry_, "run" + std::to_string(r), 1000).send({RunFinished{RunOutcome::failed, 1}}));
  }
  stop = true;
  asking.join();
  EXPECT_EQ(failures_, 0);
  constexpr int all = runs_at_once * workers_each * tests_each;
  EXPECT_EQ(listener.started, all);
  EXPECT_EQ(listener.finished, all);
  EXPECT_EQ(listener.finished_runs, runs_at_once);
  close();

  open({});
  for (int r = 0; r < runs_at_once; ++r) {
    const auto run = registry_->run("run" + std::to_string(r));
    ASSERT_TRUE(run);
    EXPECT_EQ(run->tests.of(TestOutcome::passed), static_cast<std::uint64_t>(workers_each * tests_each - 1));
    EXPECT_EQ(run->tests.of(TestOutcome::crashed), 1u);
    EXPECT_EQ(run->outcome, RunOutcome::failed);
  }
  close();
}

}  // namespace
}  // namespace telltale::runs
