// Windows: what is known of one batch.
#include <algorithm>

#include "record/internal.h"
#include "runs/registry/registry_impl.h"
#include "runs/registry/registry_load.h"
#include "store/segment/batch_codec.h"
#include "telemetry/log.h"

namespace telltale::runs {
namespace {

// Of a run whose events were not read yet it is only known when they came. Its streams' clocks may differ by as much as time zones do, and
// its client may have sent its events late.
constexpr std::int64_t unknown_clock_ns = 15 * 3600 * base::nanos_per_second;

TimeSpan index_times(const record::Batch& batch) {
  TimeSpan span{INT64_MAX, INT64_MIN};
  for (const record::Record& record : batch.records) {
    const TimeSpan one = time_span(batch, record, std::nullopt, 0);
    span.from = std::min({span.from, one.from, record.index_time()});
    span.to = std::max({span.to, one.to, record.index_time()});
  }
  return span;
}

TimeSpan hull_of(const record::Batch& batch, const std::optional<ClockCorrection>& clock, std::int64_t grace_ns) {
  TimeSpan span{INT64_MAX, INT64_MIN};
  for (const record::Record& record : batch.records) {
    const TimeSpan one = time_span(batch, record, clock, grace_ns);
    span.from = std::min(span.from, one.from);
    span.to = std::max(span.to, one.to);
  }
  return span;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

// A run that looks at the batch's stream.
struct Viewer {
  const RunLedger* ledger;
  const RunLedger::StreamView* view;
};

}  // namespace

// Puts the parts of a window together, under the registry's lock.
struct Registry::Impl::WindowMaker {
  const record::Batch& batch;
  const std::int64_t grace_ns;
  const std::vector<Service>& services;  // that the engine knows
  std::shared_ptr<const ErrorView> errors;
  std::vector<Viewer> viewers{};
  Window window{};
  std::vector<std::pair<const RunLedger*, std::uint32_t>> sources{};  // of window.tests

  Window make() {
    choose_clock();
    window.errors = errors;
    const TimeSpan span = hull_of(batch, window.clock, grace_ns);
    keep_owners(span);
    for (const Viewer& viewer : viewers) add_run(viewer, span);
    add_named();
    sort();
    return std::move(window);
  }

  // A clock is what it is whoever found out: the best that any run knows.
  void choose_clock() {
    for (const Viewer& viewer : viewers) {
      const auto& clock = viewer.view->clock;
      if (clock && (!window.clock || clock->method >= window.clock->method)) window.clock = clock;
    }
    if (window.clock && window.clock->method == OffsetMethod::configured) return;
    for (const Service& service : services) {
      if (!service.clock_offset_ns || !service_holds(service, *batch.stream)) continue;
      window.clock = ClockCorrection{*service.clock_offset_ns, 0, OffsetMethod::configured};
    }
  }

  // A stream that is a test's or a worker's alone is in no other run.
  void keep_owners(const TimeSpan& span) {
    const auto owns = [&](const Viewer& viewer) { return viewer.view->is_isolated() && viewer.ledger->span().meets(span); };
    if (std::ranges::any_of(viewers, owns)) std::erase_if(viewers, [&](const Viewer& viewer) { return !owns(viewer); });
  }

  std::uint32_t run_index(const Viewer& viewer) {
    const auto found = std::ranges::find(window.runs, viewer.ledger->id(), &WindowRun::id);
    if (found != window.runs.end()) return static_cast<std::uint32_t>(found - window.runs.begin());
    const auto& workers = viewer.view->workers;
    window.runs.push_back({viewer.ledger->id(), viewer.view->service, viewer.ledger->span(),
                           workers.size() == 1 ? workers.front() : std::string(), viewer.view->errors});
    return static_cast<std::uint32_t>(window.runs.size() - 1);
  }

  std::uint32_t add_test(const Viewer& viewer, std::uint32_t number) {
    const std::pair<const RunLedger*, std::uint32_t> source{viewer.ledger, number};
    const auto found = std::ranges::find(sources, source);
    if (found != sources.end()) return static_cast<std::uint32_t>(found - sources.begin());
    const Test& test = viewer.ledger->test(number);
    window.tests.push_back({test.key, viewer.ledger->span_of_test(number), run_index(viewer)});
    sources.push_back(source);
    return static_cast<std::uint32_t>(sources.size() - 1);
  }

  void add_run(const Viewer& viewer, const TimeSpan& span) {
    const RunLedger::StreamView& view = *viewer.view;
    if (viewer.ledger->span().meets(span)) run_index(viewer);
    for (const std::uint32_t number : view.tests) window.isolated.push_back(add_test(viewer, number));
    if (!view.tests.empty()) return;
    viewer.ledger->for_each_test(span, [&](std::uint32_t number) {
      const std::string& worker = viewer.ledger->test(number).key->worker;
      if (view.workers.empty() || std::ranges::find(view.workers, worker) != view.workers.end()) add_test(viewer, number);
    });
  }

  void add_named() {
    for (const record::Record& record : batch.records) {
      if (!record.test_id.empty()) add_meant(record, std::string(batch.view(record.test_id)), window.named, &RunLedger::named);
      if (!record.trace_id.empty()) add_meant(record, lower(batch.view(record.trace_id)), window.traced, &RunLedger::traced);
    }
  }
  void add_meant(const record::Record& record, std::string text, std::map<std::string, std::vector<std::uint32_t>, std::less<>>& meant,
                 std::vector<std::uint32_t> (RunLedger::*find)(std::string_view) const) {
    const auto [place, is_new] = meant.try_emplace(std::move(text));
    const TimeSpan span = time_span(batch, record, window.clock, grace_ns);
    const bool any_time = store::is_loose(batch, record);
    for (const Viewer& viewer : viewers) {
      for (const std::uint32_t number : (viewer.ledger->*find)(place->first)) {
        const TimeSpan lifetime = viewer.ledger->span_of_test(number).widened(store::loose_nanos, late_id_ns);
        if (!any_time && !lifetime.meets(span)) continue;
        const std::uint32_t test = add_test(viewer, number);
        if (std::ranges::find(place->second, test) == place->second.end()) place->second.push_back(test);
      }
    }
    if (is_new && place->second.empty()) meant.erase(place);
  }

  // By start; the indices follow.
  void sort() {
    std::vector<std::uint32_t> order(window.tests.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(window.tests[i].span.from, i); });
    std::vector<std::uint32_t> place(order.size());
    std::vector<WindowTest> sorted;
    sorted.reserve(order.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      sorted.push_back(std::move(window.tests[order[i]]));
    }
    window.tests = std::move(sorted);
    const auto follow = [&](std::vector<std::uint32_t>& indices) {
      for (std::uint32_t& index : indices) index = place[index];
      std::ranges::sort(indices);
    };
    follow(window.isolated);
    for (auto& [text, indices] : window.named) follow(indices);
    for (auto& [text, indices] : window.traced) follow(indices);
  }
};

TimeSpan Registry::Impl::rough_index_span(const KnownRun& known) {
  if (known.index_span) return *known.index_span;
  return {add_nanos(known.first_observed, -unknown_clock_ns), add_nanos(known.last_observed, unknown_clock_ns)};
}

TimeSpan Registry::Impl::rough_index_span(const std::string& run) const {
  if (const auto entry = entries_.find(run); entry != entries_.end()) return index_span_of(entry->second->ledger);
  const auto known = known_.find(run);
  return known == known_.end() ? TimeSpan() : rough_index_span(known->second);
}

// Finished runs that are not in memory and may have tests that were running then.
void Registry::Impl::load_runs_that_meet(const TimeSpan& rough) {
  std::vector<std::string> wanted;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [id, known] : known_) {
      if (rough_index_span(known).meets(rough) && !entries_.contains(id)) wanted.push_back(id);
    }
  }
  for (const std::string& id : wanted) {
    const auto loaded = with_run(id, [](Entry&) {});
    if (loaded || loaded.error().code == base::ErrorCode::run_not_found) continue;
    telemetry::log(telemetry::LogLevel::error, "runs", "the events of run {} cannot be read: {}", id, loaded.error().message());
  }
}

Window Registry::Impl::window(const record::Batch& batch, std::int64_t grace_ns) {
  if (batch.stream == nullptr || batch.records.empty() || record::is_internal(*batch.stream)) return {};
  if (auto refreshed = refresh(false); !refreshed) {
    telemetry::log(telemetry::LogLevel::error, "runs", "the list of runs cannot be read: {}", refreshed.error().message());
  }
  const TimeSpan rough = index_times(batch).widened(store::loose_nanos, store::loose_nanos);
  load_runs_that_meet(rough);
  base::MutexLock lock(mutex_);
  const auto errors = errors_of_.find(batch.stream->labels.get("service"));
  WindowMaker maker{batch, grace_ns, options_.services, errors == errors_of_.end() ? nullptr : errors->second};
  for (const auto& [id, entry] : entries_) {
    if (!index_span_of(entry->ledger).meets(rough)) continue;
    const RunLedger::StreamView& view = entry->ledger.view_of(*batch.stream);
    if (view.service.empty()) continue;
    entry->last_use = ++uses_;
    maker.viewers.push_back({&entry->ledger, &view});
  }
  return maker.viewers.empty() ? Window{} : maker.make();
}

}  // namespace telltale::runs
