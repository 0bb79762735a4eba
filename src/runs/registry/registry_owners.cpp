// Who answers for runs and workers, and what ends when nobody does.
#include <algorithm>

#include "runs/registry/registry_impl.h"
#include "telemetry/log.h"

namespace telltale::runs {
namespace {

constexpr std::int64_t retry_ns = 100 * base::nanos_per_millisecond;  // when the store has no space for an end
constexpr std::int64_t idle_wait_ns = 3600 * base::nanos_per_second;

void keep_least(std::optional<base::MonoNanos>& least, const std::optional<base::MonoNanos>& other) {
  if (other && (!least || *other < *least)) least = other;
}

}  // namespace

// The last request of a connection may still be worked on when it closes.
Owner Registry::Impl::owner_on(ConnectionId connection) const {
  const auto closed = closed_.find(connection);
  if (closed == closed_.end()) return {connection, {}, 0, EndReason::none};
  return {0, ports_.clock.mono() + options_.takeover_ns, closed->second, EndReason::connection_closed};
}

void Registry::Impl::remember_closed(ConnectionId connection, UnixNanos now) {
  constexpr std::size_t most = 4096;  // far more than close while one request is worked on
  if (!closed_.emplace(connection, now).second) return;
  closed_order_.push_back(connection);
  if (closed_order_.size() <= most) return;
  closed_.erase(closed_order_.front());
  closed_order_.pop_front();
}

// A start that comes again on another connection takes over what it started.
void Registry::Impl::take_over(Entry& entry, const Event& event, Peer peer, std::vector<Event>& resumed) {
  const UnixNanos now = ports_.clock.wall();
  const Owner owner = owner_on(peer.connection);
  if (std::holds_alternative<RunStarted>(event.body)) {
    if (!entry.is_leased()) entry.owner = owner;
    const Run& run = entry.ledger.run();
    if (run.ended_by != EndReason::none) resumed.push_back(engine_event(entry, Resumed{}, now, run.ended_by));
  }
  const auto* const worker = std::get_if<WorkerStarted>(&event.body);
  if (worker == nullptr) return;
  if (!entry.is_leased() && peer.loopback) entry.workers[worker->worker] = owner;
  const Worker* const known = entry.ledger.find_worker(worker->worker);
  if (known != nullptr && known->ended_by != EndReason::none) {
    resumed.push_back(engine_event(entry, Resumed{worker->worker}, now, known->ended_by));
  }
}

// After events were written: new owners, a longer lease, time for what a run that ended has left.
void Registry::Impl::settle_owners(Entry& entry, const Events& events, Peer peer) {
  const base::MonoNanos now = ports_.clock.mono();
  for (const Event* event : events) {
    if (std::holds_alternative<RunStarted>(event->body) && !entry.is_leased()) entry.owner = owner_on(peer.connection);
    const auto* const worker = std::get_if<WorkerStarted>(&event->body);
    if (worker != nullptr && !entry.is_leased() && peer.loopback) entry.workers[worker->worker] = owner_on(peer.connection);
    if (const auto* const ended = std::get_if<WorkerFinished>(&event->body)) entry.workers.erase(ended->worker);
    if (std::holds_alternative<RunFinished>(event->body)) entry.remains_due = now + options_.takeover_ns;
    if (std::holds_alternative<Resumed>(event->body)) entry.remains_due.reset();
  }
  if (entry.is_leased()) entry.lease_due = now + entry.ledger.run().lease_ns;
  if (!entry.ledger.is_running()) entry.owner = {};
  wake();
}

void Registry::Impl::connection_closed(ConnectionId connection) {
  if (connection == 0) return;
  base::MutexLock lock(mutex_);
  const base::MonoNanos due = ports_.clock.mono() + options_.takeover_ns;
  const Owner lost{0, due, ports_.clock.wall(), EndReason::connection_closed};
  remember_closed(connection, lost.lost);
  bool any = false;
  for (const auto& [id, entry] : entries_) {
    if (entry->owner.connection == connection) entry->owner = lost, any = true;
    for (auto& [worker, owner] : entry->workers) {
      if (owner.connection == connection) owner = lost, any = true;
    }
  }
  if (any) wake();
}

// Everything of a run that was found open: its clients may come back.
void Registry::Impl::orphan(Entry& entry, UnixNanos lost, base::MonoNanos due, EndReason reason) {
  const Owner nobody{0, due, lost, reason};
  if (!entry.ledger.is_running()) {
    entry.remains_due = due;
    return;
  }
  if (entry.is_leased()) {
    const std::int64_t left = add_nanos(entry.ledger.run().last_event, entry.ledger.run().lease_ns) - lost;
    entry.lease_due = std::max(due, ports_.clock.mono() + left);
    return;
  }
  entry.owner = nobody;
  for (const Worker& worker : entry.ledger.run().workers) {
    if (worker.is_open()) entry.workers[worker.id] = nobody;
  }
}

std::optional<base::MonoNanos> Registry::Impl::next_due(const Entry& entry) {
  std::optional<base::MonoNanos> least;
  if (!entry.ledger.is_open()) return least;
  keep_least(least, entry.owner.due);
  keep_least(least, entry.lease_due);
  keep_least(least, entry.remains_due);
  for (const auto& [worker, owner] : entry.workers) keep_least(least, owner.due);
  return least;
}

std::optional<base::MonoNanos> Registry::Impl::tick() {
  std::optional<base::MonoNanos> next;
  {
    base::MutexLock lock(mutex_);
    if (stopped_ || ports_.sink == nullptr) return std::nullopt;
    const base::MonoNanos now = ports_.clock.mono();
    for (const auto& [id, entry] : entries_) {
      const auto due = next_due(*entry);
      if (due && *due <= now) {
        const std::vector<Event> ends = due_ends(*entry, now);
        Events pointers;
        for (const Event& event : ends) pointers.push_back(&event);
        const Written written = write(*entry, pointers);
        if (written == Written::yes) settle_ends(*entry, now, ends);
        if (written == Written::full) keep_least(next, now + retry_ns);
        if (written != Written::yes) continue;
      }
      close_position(*entry);
      if (entry->has_position && !entry->ledger.is_open()) keep_least(next, now + retry_ns);
      keep_least(next, next_due(*entry));
    }
  }
  deliver();
  return next;
}

// What is due now, as events. Workers come first: their tests end with them.
std::vector<Event> Registry::Impl::due_ends(Entry& entry, base::MonoNanos now) {
  std::vector<Event> out;
  const Run& run = entry.ledger.run();
  const auto is_due = [now](const std::optional<base::MonoNanos>& due) { return due && *due <= now; };
  if (is_due(entry.lease_due) && entry.ledger.is_running()) {
    const Owner expired{0, {}, add_nanos(run.last_event, run.lease_ns), EndReason::lease_expired};
    for (const Worker& worker : run.workers) {
      if (worker.is_open()) end_worker(entry, worker, expired, out);
    }
    end_run(entry, expired, out);
    return out;
  }
  for (const auto& [id, owner] : entry.workers) {
    const Worker* const worker = entry.ledger.find_worker(id);
    if (is_due(owner.due) && worker != nullptr && worker->is_open()) end_worker(entry, *worker, owner, out);
  }
  if (is_due(entry.owner.due) && entry.ledger.is_running()) end_run(entry, entry.owner, out);
  if (is_due(entry.remains_due) && !entry.ledger.is_running()) end_remains(entry, out);
  return out;
}

void Registry::Impl::settle_ends(Entry& entry, base::MonoNanos now, const std::vector<Event>& ends) {
  const auto is_due = [now](const std::optional<base::MonoNanos>& due) { return due && *due <= now; };
  std::erase_if(entry.workers, [&](const auto& pair) { return is_due(pair.second.due); });
  if (is_due(entry.owner.due)) entry.owner = {};
  if (is_due(entry.lease_due)) entry.lease_due.reset();
  if (is_due(entry.remains_due)) entry.remains_due.reset();
  const bool run_ended = std::ranges::any_of(ends, [](const Event& event) { return std::holds_alternative<RunFinished>(event.body); });
  if (run_ended && entry.ledger.is_open()) entry.remains_due = now + options_.takeover_ns;
  metrics_.ended_by_engine.add(ends.size());
  for (const Event& event : ends) {
    if (!std::holds_alternative<RunFinished>(event.body)) continue;
    telemetry::log(telemetry::LogLevel::warning, "runs", "run {} ended as interrupted: {}", entry.ledger.id(), name_of(event.reason));
  }
}

void Registry::Impl::end_worker(const Entry& entry, const Worker& worker, const Owner& why, std::vector<Event>& out) const {
  out.push_back(engine_event(entry, WorkerFinished{worker.id, WorkerOutcome::crashed}, why.lost, why.reason));
}

// With the tests of workers that never said that they began.
void Registry::Impl::end_run(const Entry& entry, const Owner& why, std::vector<Event>& out) const {
  for (const std::uint32_t number : entry.ledger.open_tests()) {
    const TestKey& key = *entry.ledger.test(number).key;
    const Worker* const worker = entry.ledger.find_worker(key.worker);
    if (worker == nullptr || worker->implicit) {
      out.push_back(engine_event(entry, TestFinished{key.id, TestOutcome::crashed, 0, {}, {}}, why.lost, why.reason));
    }
  }
  out.push_back(engine_event(entry, RunFinished{RunOutcome::interrupted, std::nullopt}, why.lost, why.reason));
}

// The run has ended: so has what it left open, but for workers whose connection still lives.
void Registry::Impl::end_remains(const Entry& entry, std::vector<Event>& out) const {
  const UnixNanos ended = entry.ledger.run().finished.value_or(ports_.clock.wall());
  for (const Worker& worker : entry.ledger.run().workers) {
    const auto owner = entry.workers.find(worker.id);
    const bool lives = owner != entry.workers.end() && owner->second.connection != 0;
    if (worker.is_open() && !lives) end_worker(entry, worker, {0, {}, ended, EndReason::run_ended}, out);
  }
  for (const std::uint32_t number : entry.ledger.open_tests()) {
    const TestKey& key = *entry.ledger.test(number).key;
    const Worker* const worker = entry.ledger.find_worker(key.worker);
    if (worker != nullptr && worker->is_open()) continue;
    out.push_back(engine_event(entry, TestFinished{key.id, TestOutcome::interrupted, 0, {}, {}}, ended, EndReason::run_ended));
  }
}

Event Registry::Impl::engine_event(const Entry& entry, EventBody body, UnixNanos time, EndReason reason) const {
  Event event;
  event.reason = reason;
  event.time = entry.ledger.client_time(time);
  event.id = std::string(engine_event_prefix) + std::string(type_name(body)) + ":" + std::to_string(ports_.clock.wall());
  if (const auto* const test = std::get_if<TestFinished>(&body)) event.id += ":" + test->test;
  if (const auto* const worker = std::get_if<WorkerFinished>(&body)) event.id += ":" + worker->worker;
  if (const auto* const worker = std::get_if<Resumed>(&body)) event.id += ":" + worker->worker;
  if (const auto* const offset = std::get_if<ClockOffset>(&body)) event.id += ":" + base::hash128(offset->labels.canonical()).hex();
  event.body = std::move(body);
  return event;
}

// --- the thread

void Registry::Impl::wake() {
  due_changed_ = true;
  due_.notify_all();
}

void Registry::Impl::start() {
  {
    base::MutexLock lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (entry->ledger.is_running() && !listeners_.empty())
        notices_.push_back({{Change::run_resumed, 0, {}, {}}, entry->ledger.run(), {}});
      for (const std::uint32_t number : entry->ledger.open_tests()) {
        note_changes(*entry, {{Change::test_started, number, {}, {}}});
      }
    }
  }
  deliver();
  tasks_.spawn("runs", [this](std::stop_token stop) { run_clock(std::move(stop)); });
}

void Registry::Impl::run_clock(std::stop_token stop) {
  const std::stop_callback on_stop(stop, [this] {
    base::MutexLock lock(mutex_);
    wake();
  });
  while (!stop.stop_requested()) {
    const auto next = tick();
    base::MutexLock lock(mutex_);
    const std::int64_t left = next ? *next - ports_.clock.mono() : idle_wait_ns;
    if (!due_changed_ && left > 0 && !stop.stop_requested()) due_.wait_for(mutex_, std::chrono::nanoseconds(left));
    due_changed_ = false;
  }
}

void Registry::Impl::stop() {
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
  }
  tasks_.close();
}

}  // namespace telltale::runs
