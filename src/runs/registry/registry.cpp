// Events on their way in.
#include "runs/registry/registry.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "runs/registry/registry_impl.h"
#include "runs/registry/registry_load.h"
#include "telemetry/log.h"

namespace telltale::runs {

using base::ErrorCode;

namespace {

constexpr std::string_view files_elsewhere =
    "The engine is on another machine than the tests: of the services' files it reads those that its own configuration names.";

// Whose files an event names.
const std::vector<Service>* services_of(const Event& event) {
  if (const auto* const start = std::get_if<RunStarted>(&event.body)) return &start->services;
  const auto* const watch = std::get_if<Watch>(&event.body);
  return watch == nullptr ? nullptr : &watch->services;
}

bool names_files(const Event& event) {
  const std::vector<Service>* const services = services_of(event);
  return services != nullptr && std::ranges::any_of(*services, [](const Service& service) { return !service.files.empty(); });
}

// Files that clients of other machines name only choose among the streams that the engine reads anyway (see RunWatches). In a run of a
// client of this machine they would be followed.
base::Status check_files_of(const std::vector<const Event*>& events, const RunLedger& ledger, const Peer& peer) {
  if (peer.loopback || !ledger.has_started() || ledger.run().remote) return {};
  if (std::ranges::none_of(events, [](const Event* event) { return names_files(*event); })) return {};
  return base::fail(ErrorCode::forbidden, "'watch' of run " + ledger.id() + " comes from another machine than its start",
                    "Send it from the machine of the engine, or follow the files by the engine's configuration (sources.files).");
}

}  // namespace

RunsMetrics::RunsMetrics(telemetry::Metrics& metrics)
    : events(metrics.counter("telltale_runs_events_total", "Events of runs that were taken.")),
      duplicates(metrics.counter("telltale_runs_event_duplicates_total", "Events that had come before.")),
      refused(metrics.counter("telltale_runs_requests_refused_total",
                              "Requests with events that were refused or that the store did not take.")),
      unreadable(metrics.counter("telltale_runs_events_unreadable_total", "Stored events that could not be read.")),
      loads(metrics.counter("telltale_runs_loads_total", "Runs that were read from the store.")),
      ended_by_engine(metrics.counter("telltale_runs_ended_by_engine_total", "Tests, workers and runs whose client went away.")),
      open(metrics.gauge("telltale_runs_open", "Runs that have not ended.")),
      loaded_bytes(metrics.gauge("telltale_runs_loaded_bytes", "Memory of runs, about.")) {}

// One call of apply(): what is left of it is tried again when the store had no space.
struct Registry::Impl::Request {
  const std::string run;
  const std::vector<Event> events;
  const Peer peer;
  Applied applied;
};

base::Result<Applied> Registry::Impl::apply(std::string_view run, std::vector<Event> events, Peer peer) {
  if (!is_run_id(run)) {
    return base::fail(ErrorCode::invalid_argument, "the run id '" + base::to_printable(run.substr(0, 100)) + "' is none",
                      "Use 1 to 64 letters, digits and . _ -, the first a letter or digit.");
  }
  if (events.empty()) return base::fail(ErrorCode::invalid_argument, "there is no event");
  if (ports_.sink == nullptr) return base::fail(ErrorCode::internal, "this registry only reads");
  for (Event& event : events) redact_event(event, ports_.redact);
  Request request{std::string(run), std::move(events), peer, {}};
  const base::MonoNanos deadline = ports_.clock.mono() + options_.commit_timeout_ns;
  // A finished run takes late events: it is brought into memory first.
  if (auto found = with_run(run, [](Entry&) {}); !found && found.error().code != ErrorCode::run_not_found) return base::pass(found);
  while (true) {
    base::Result<Written> written = Written::yes;
    {
      base::MutexLock lock(mutex_);
      written = take_in(request);
    }
    deliver();
    if (!written) metrics_.refused.add();
    if (!written) return base::pass(written);
    if (*written == Written::closed) return base::fail(ErrorCode::cancelled, "the engine is stopping");
    if (*written == Written::yes) break;
    if (auto space = wait_for_space(deadline); !space) return metrics_.refused.add(), base::pass(space);
  }
  if (auto committed = commit(); !committed) return metrics_.refused.add(), base::pass(committed);
  base::MutexLock lock(mutex_);
  if (const Entry* const entry = find(run)) {
    request.applied.output = entry->ledger.run().output_state;
    const bool asks = entry->ledger.run().remote && std::ranges::any_of(request.events, names_files);
    if (asks) request.applied.warnings.emplace_back(files_elsewhere);
  }
  return std::move(request.applied);
}

base::Result<Registry::Impl::Written> Registry::Impl::take_in(Request& request) {
  if (stopped_) return Written::closed;
  request.applied = {};
  request.applied.time = ports_.clock.wall();
  Entry* entry = find(request.run);
  std::unique_ptr<Entry> made;
  if (entry == nullptr) {
    made = std::make_unique<Entry>(request.run);
    entry = made.get();
  }
  Events fresh;
  std::vector<Event> resumed;
  std::unordered_set<std::string_view> ids;
  for (const Event& event : request.events) {
    if (!entry->ledger.knows_event(event.id) && ids.insert(event.id).second) {
      fresh.push_back(&event);
    } else {
      take_over(*entry, event, request.peer, resumed);
    }
  }
  if (auto checked = entry->ledger.check(fresh); !checked) return base::pass(checked);
  if (auto checked = check_files_of(fresh, entry->ledger, request.peer); !checked) return base::pass(checked);
  request.applied.accepted = fresh.size();
  request.applied.duplicates = request.events.size() - fresh.size();
  std::vector<Event> remote;  // the engine alone knows where a run's client is
  if (made != nullptr && !request.peer.loopback && !fresh.empty()) {
    remote.push_back(*fresh.front());
    if (auto* const start = std::get_if<RunStarted>(&remote.front().body)) start->remote = true;
    fresh.front() = &remote.front();
  }
  Events all;
  for (const Event& event : resumed) all.push_back(&event);
  all.insert(all.end(), fresh.begin(), fresh.end());
  if (made != nullptr) {
    known_[request.run] = {
        request.run, ports_.reader.stats().next_sequence, ~store::Sequence{0}, request.applied.time, request.applied.time, {}};
    entry = &shelve(std::move(made));
  }
  const Written written = write(*entry, all);
  if (written != Written::yes) {
    if (!entry->ledger.has_started()) {
      entries_.erase(request.run);
      known_.erase(request.run);
    }
    return written;
  }
  settle_owners(*entry, all, request.peer);
  metrics_.events.add(fresh.size());
  metrics_.duplicates.add(request.applied.duplicates);
  return Written::yes;
}

// Into the store's queue and, when it takes them, into the ledger: both or neither.
Registry::Impl::Written Registry::Impl::write(Entry& entry, const Events& events) {
  if (events.empty()) return Written::yes;
  const UnixNanos now = ports_.clock.wall();
  record::Batch batch = make_event_batch(entry.stream, events, now);
  const bool begins = std::ranges::any_of(events, [](const Event* event) {
    return std::holds_alternative<RunStarted>(event->body) || std::holds_alternative<Resumed>(event->body) ||
           std::holds_alternative<TestStarted>(event->body) || std::holds_alternative<WorkerStarted>(event->body);
  });
  const bool opens = begins && !entry.has_position;
  if (opens) {
    const auto known = known_.find(entry.ledger.id());
    batch.position = open_run_position(entry.ledger.id(), known == known_.end() ? 0 : known->second.first_sequence);
  }
  switch (ports_.sink->try_push(batch)) {
    case record::PushOutcome::accepted:
      break;
    case record::PushOutcome::full:
      return Written::full;
    case record::PushOutcome::closed:
      return Written::closed;
  }
  entry.has_position = entry.has_position || opens;
  std::vector<Changed> changes;
  for (const Event* event : events) entry.ledger.apply(*event, now, changes);
  const auto known = known_.find(entry.ledger.id());
  if (known != known_.end()) known->second.last_observed = now;
  ++version_;
  note_changes(entry, std::move(changes));
  close_position(entry);
  if (!entry.ledger.is_open()) evict(entry.ledger.id());
  count();
  return Written::yes;
}

void Registry::Impl::close_position(Entry& entry) {
  if (!entry.has_position || entry.ledger.is_open()) return;
  record::Batch batch;
  batch.position = open_run_position(entry.ledger.id(), std::nullopt);
  // When it is not taken now, tick() tries again.
  if (ports_.sink->try_push(batch) == record::PushOutcome::accepted) entry.has_position = false;
}

namespace {

// Between the thread that waits and the sink's callback, whoever is last.
struct SpaceWait {
  base::Mutex mutex;
  base::Condition condition;
  bool has_space TT_GUARDED_BY(mutex) = false;
};

}  // namespace

base::Status Registry::Impl::wait_for_space(base::MonoNanos deadline) const {
  const auto wait = std::make_shared<SpaceWait>();  // second owner: the callback
  ports_.sink->on_space([wait] {
    base::MutexLock lock(wait->mutex);
    wait->has_space = true;
    wait->condition.notify_all();
  });
  base::MutexLock lock(wait->mutex);
  while (!wait->has_space) {
    const std::int64_t left = deadline - ports_.clock.mono();
    if (left <= 0 || !wait->condition.wait_for(wait->mutex, std::chrono::nanoseconds(left))) break;
  }
  if (wait->has_space) return {};
  const bool full = ports_.reader.stats().disk_full;
  return base::fail(full ? ErrorCode::disk_full : ErrorCode::timeout,
                    "the store took no events within " + base::format_duration(options_.commit_timeout_ns),
                    "Send them again with the same event ids.");
}

base::Status Registry::Impl::commit() {
  if (!ports_.flush) return {};
  auto committed = ports_.flush(options_.commit_timeout_ns);
  if (committed) return {};
  return base::fail(committed.error().code, committed.error().cause, "Send the events again with the same event ids.");
}

void Registry::Impl::note_changes(const Entry& entry, std::vector<Changed> changes) {
  if (listeners_.empty()) return;
  for (Changed& changed : changes) {
    Notice notice{std::move(changed), entry.ledger.run(), std::nullopt};
    const bool of_test = notice.changed.what == Change::test_started || notice.changed.what == Change::test_finished;
    if (of_test) notice.test = entry.ledger.test(notice.changed.test);
    notices_.push_back(std::move(notice));
  }
}

// Whoever comes here tells all that there is, so that notices keep their order and each call returns after its own were told.
void Registry::Impl::deliver() {
  if (listeners_.empty()) return;
  base::MutexLock delivering(delivery_mutex_);
  while (true) {
    std::optional<Notice> notice;
    {
      base::MutexLock lock(mutex_);
      if (notices_.empty()) return;
      notice = std::move(notices_.front());
      notices_.pop_front();
    }
    tell(*notice);
  }
}

void Registry::Impl::tell(const Notice& notice) const {
  for (RegistryListener* listener : listeners_) {
    switch (notice.changed.what) {
      case Change::run_started:
        listener->on_run_started(notice.run, false);
        break;
      case Change::run_resumed:
        listener->on_run_started(notice.run, true);
        break;
      case Change::run_finished:
        listener->on_run_finished(notice.run);
        break;
      case Change::test_started:
        listener->on_test_started(notice.run, *notice.test);
        break;
      case Change::test_finished:
        listener->on_test_finished(notice.run, *notice.test);
        break;
      case Change::watch:
        listener->on_watch(notice.run, notice.changed.services, notice.changed.watching_test);
        break;
    }
  }
}

void Registry::Impl::set_output_state(std::string_view run, OutputState state) {
  base::MutexLock lock(mutex_);
  if (Entry* const entry = find(run)) entry->ledger.set_output_state(state);
}

void Registry::Impl::add_clock_offset(const record::Stream& stream, const ClockCorrection& correction) {
  {
    base::MutexLock lock(mutex_);
    if (stopped_) return;
    for (const auto& [id, entry] : entries_) {
      if (!entry->ledger.is_running()) continue;
      const RunLedger::StreamView& view = entry->ledger.view_of(stream);
      const bool knows_better = view.clock && view.clock->method > correction.method;
      if (view.service.empty() || knows_better || !differs_materially(view.clock, correction)) continue;
      const ClockOffset offset{stream.labels, correction.offset_ns, correction.uncertainty_ns, correction.method};
      const Event event = engine_event(*entry, offset, ports_.clock.wall(), EndReason::none);
      // One that the store has no space for comes again with the next change.
      static_cast<void>(write(*entry, {&event}));
    }
  }
  deliver();
}

// --- the public class

base::Result<std::unique_ptr<Registry>> Registry::open(RegistryPorts ports, RegistryOptions options,
                                                       std::vector<RegistryListener*> listeners) {
  std::unique_ptr<Registry> registry(new Registry(std::make_unique<Impl>(std::move(ports), options, std::move(listeners))));
  if (auto opened = registry->impl_->open(); !opened) return base::pass(opened);
  return registry;
}

Registry::Registry(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Registry::~Registry() {
  impl_->stop();
}

void Registry::start() {
  impl_->start();
}
void Registry::stop() {
  impl_->stop();
}
base::Result<Applied> Registry::apply(std::string_view run, std::vector<Event> events, Peer peer) {
  return impl_->apply(run, std::move(events), peer);
}
void Registry::connection_closed(ConnectionId connection) {
  impl_->connection_closed(connection);
}
void Registry::add_clock_offset(const record::Stream& stream, const ClockCorrection& correction) {
  impl_->add_clock_offset(stream, correction);
}
std::optional<base::MonoNanos> Registry::tick() {
  return impl_->tick();
}
void Registry::set_output_state(std::string_view run, OutputState state) {
  impl_->set_output_state(run, state);
}
base::Result<RunPage> Registry::runs(const RunFilter& filter) const {
  return impl_->runs(filter);
}
base::Result<Run> Registry::run(std::string_view id) const {
  return impl_->run(id);
}
base::Result<TestPage> Registry::tests(const TestFilter& filter) const {
  return impl_->tests(filter);
}
base::Result<Test> Registry::test(std::string_view id) const {
  return impl_->test(id);
}
base::Result<Scope> Registry::scope(std::string_view run) const {
  return impl_->scope(run);
}
std::size_t Registry::open_runs() const {
  return impl_->open_runs();
}
std::uint64_t Registry::version() const {
  return impl_->version();
}
Window Registry::window(const record::Batch& batch, std::int64_t grace_ns) const {
  return impl_->window(batch, grace_ns);
}
base::Result<std::optional<TimeSpan>> Registry::run_bounds(std::string_view run) const {
  return impl_->run_bounds(run);
}
base::Result<std::optional<TimeSpan>> Registry::test_bounds(std::string_view id_or_node_id) const {
  return impl_->test_bounds(id_or_node_id);
}

}  // namespace telltale::runs
