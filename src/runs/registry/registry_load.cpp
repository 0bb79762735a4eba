// Runs in memory, and the way from the store into it.
#include <algorithm>

#include "base/text.h"
#include "runs/registry/registry_impl.h"
#include "runs/registry/registry_load.h"
#include "telemetry/log.h"

namespace telltale::runs {

Registry::Impl::Impl(RegistryPorts ports, RegistryOptions options, std::vector<RegistryListener*> listeners)
    : ports_(std::move(ports)),
      options_(options),
      listeners_(std::move(listeners)),
      own_metrics_(ports_.metrics == nullptr ? std::make_unique<telemetry::Metrics>() : nullptr),
      metrics_(ports_.metrics == nullptr ? *own_metrics_ : *ports_.metrics),
      tasks_("runs") {
  for (const Service& service : options_.services) {
    if (service.error_patterns) errors_of_.emplace(service.name, std::make_shared<const ErrorView>(*service.error_patterns));
  }
}

// The runs that were open when the engine ended last.
base::Status Registry::Impl::open() {
  for (const OpenRun& open : open_runs_of(ports_.positions)) {
    KnownRun known{open.run, open.first, ~store::Sequence{0}, 0, 0, {}};
    auto entry = load(known);
    if (!entry) return base::pass(entry);
    base::MutexLock lock(mutex_);
    (*entry)->has_position = true;
    if (!(*entry)->ledger.has_started()) {
      close_position(**entry);  // nothing of it was kept
      continue;
    }
    known.first_observed = (*entry)->ledger.span().from;
    known.last_observed = (*entry)->ledger.run().last_event;
    known_.emplace(known.id, known);
    Entry& shelved = shelve(std::move(*entry));
    if (shelved.ledger.is_open())
      orphan(shelved, ports_.clock.wall(), ports_.clock.mono() + options_.restart_ns, EndReason::engine_restarted);
    close_position(shelved);
  }
  base::MutexLock lock(mutex_);
  count();
  return {};
}

Entry* Registry::Impl::find(std::string_view id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  found->second->last_use = ++uses_;
  return found->second.get();
}

Entry& Registry::Impl::shelve(std::unique_ptr<Entry> entry) {
  entry->last_use = ++uses_;
  const std::string id = entry->ledger.id();
  Entry& kept = *entries_.insert_or_assign(id, std::move(entry)).first->second;
  const auto known = known_.find(id);
  if (known != known_.end() && !kept.ledger.is_open() && kept.ledger.has_started()) known->second.index_span = index_span_of(kept.ledger);
  evict(id);
  count();
  return kept;
}

// Lets go of finished runs that were not used for longest. What is open stays, and so does what was just asked for.
void Registry::Impl::evict(std::string_view but) {
  std::size_t bytes = 0;
  for (const auto& [id, entry] : entries_) bytes += entry->ledger.bytes();
  while (bytes > options_.loaded_bytes || entries_.size() > options_.loaded_runs) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const Entry& entry = *it->second;
      const bool stays = entry.ledger.is_open() || entry.has_position || entry.ledger.id() == but;
      if (!stays && (oldest == entries_.end() || entry.last_use < oldest->second->last_use)) oldest = it;
    }
    if (oldest == entries_.end()) return;
    bytes -= oldest->second->ledger.bytes();
    if (const auto known = known_.find(oldest->first); known != known_.end()) {
      known->second.index_span = index_span_of(oldest->second->ledger);
    }
    test_names_.set(oldest->second->ledger);
    entries_.erase(oldest);
  }
}

void Registry::Impl::count() {
  std::size_t bytes = 0;
  std::int64_t open = 0;
  for (const auto& [id, entry] : entries_) {
    bytes += entry->ledger.bytes();
    open += entry->ledger.is_running() ? 1 : 0;
  }
  open_ = static_cast<std::size_t>(open);
  metrics_.open.set(open);
  metrics_.loaded_bytes.set(static_cast<std::int64_t>(bytes));
}

// Index times of records whose test may be one of the run's; those of loose batches apart.
TimeSpan Registry::Impl::corrections_of(const RunLedger& ledger) const {
  TimeSpan bounds = ledger.correction_bounds();
  for (const Service& service : options_.services) {
    bounds.from = std::min(bounds.from, service.clock_offset_ns.value_or(0));
    bounds.to = std::max(bounds.to, service.clock_offset_ns.value_or(0));
  }
  bounds.to = add_nanos(bounds.to, index_margin_ns);
  return bounds;
}

TimeSpan Registry::Impl::index_span_of(const RunLedger& ledger) const {
  const TimeSpan corrections = corrections_of(ledger);
  return ledger.span_with_tests().widened(corrections.to, add_nanos(late_id_ns, -corrections.from));
}

base::Result<std::unique_ptr<Entry>> Registry::Impl::load(const KnownRun& known) const {
  auto entry = std::make_unique<Entry>(known.id);
  std::vector<Changed> changes;
  store::ScanRange range;
  range.from_sequence = known.first_sequence;
  range.to_sequence = known.last_sequence;
  range.lifecycle_only = true;
  const record::StreamId stream = entry->stream->id;
  const auto status = ports_.reader.scan(
      range, [stream](const record::Stream& one) { return one.id == stream; },
      [&](const record::CommittedBatchRef& batch) {
        for (const record::Record& record : batch->batch.records) {
          auto event = parse_event(batch->batch.line(record), 0, true);
          if (event) {
            entry->ledger.apply(*event, record.observed_time, changes);
          } else {
            metrics_.unreadable.add();
            telemetry::log(telemetry::LogLevel::warning, "runs", "an event of run {} cannot be read: {}", known.id, event.error().cause);
          }
        }
        return store::ScanStep::go_on;
      });
  if (!status) return std::unexpected(status.error());
  metrics_.loads.add();
  return entry;
}

// Which runs there are, not older than options_.refresh_ns; with `now`, as it is now.
base::Status Registry::Impl::refresh(bool now) {
  {
    base::MutexLock lock(mutex_);
    const base::MonoNanos mono = ports_.clock.mono();
    if (!now && refreshed_ && mono - *refreshed_ < options_.refresh_ns) return {};
    refreshed_ = mono;
  }
  KnownRuns found;
  if (ports_.streams) {
    found = known_runs_of(ports_.streams());
  } else {
    auto scanned = scan_known_runs(ports_.reader);
    if (!scanned) return base::pass(scanned);
    found = std::move(*scanned);
  }
  const store::Sequence kept_from = ports_.reader.stats().first_sequence;
  base::MutexLock lock(mutex_);
  for (auto& [id, known] : known_) {
    const auto fresh = found.find(id);
    if (fresh != found.end()) {
      fresh->second.index_span = known.index_span;
      fresh->second.first_observed = std::min(fresh->second.first_observed, known.first_observed);
    }
    // The catalog is a second behind, and events of a run in memory may come at any time.
    const bool stays = entries_.contains(id) || (fresh == found.end() && known.last_sequence >= kept_from);
    if (stays) found[id] = known;
  }
  known_ = std::move(found);
  test_names_.keep_only([this](const std::string& id) TT_NO_THREAD_SAFETY_ANALYSIS { return known_.contains(id); });
  return {};
}

base::Result<std::optional<KnownRun>> Registry::Impl::find_known(std::string_view id) {
  for (const bool now : {false, true}) {
    if (auto refreshed = refresh(now); !refreshed) return base::pass(refreshed);
    base::MutexLock lock(mutex_);
    const auto found = known_.find(id);
    if (found != known_.end()) return std::optional(found->second);
  }
  return std::optional<KnownRun>();
}

}  // namespace telltale::runs
