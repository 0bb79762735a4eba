// What a run says of streams and times.
#include <algorithm>

#include "runs/registry/run_ledger.h"

namespace telltale::runs {
namespace {

using base::nanos_per_second;

// The way from a client on another machine to the engine takes at most so long at its fastest.
constexpr std::int64_t longest_way_ns = nanos_per_second;

bool holds_all(const record::Labels& stream, const record::Labels& wanted) {
  return std::ranges::all_of(wanted.pairs(), [&](const auto& pair) { return stream.get(pair.first) == pair.second; });
}

}  // namespace

bool RunLedger::Isolated::holds(const record::Stream& stream) const {
  if (services.empty()) return holds_all(stream.labels, labels);
  return std::ranges::any_of(services, [&](const Service& service) { return service_holds(service, stream); });
}

void RunLedger::note_delay(const Event& event, UnixNanos received) {
  if (event.id.starts_with(engine_event_prefix)) return;
  const std::int64_t delay = add_nanos(received, event.time == INT64_MIN ? INT64_MAX : -event.time);
  shortest_delay_ = std::min(shortest_delay_.value_or(delay), delay);
}

// The fastest event took [0, longest_way_ns]; the rest of what it seems to have taken is the clocks' difference. Where no difference is
// enough to explain it, there may be none.
RunLedger::ClockShift RunLedger::client_clock() const {
  if (!run_.remote || !shortest_delay_) return {};
  const std::int64_t delay = *shortest_delay_;
  const bool may_be_none = delay >= 0 && delay <= longest_way_ns;
  return {may_be_none ? 0 : add_nanos(delay, -longest_way_ns), delay};
}

TimeSpan RunLedger::span() const {
  const ClockShift shift = client_clock();
  return {add_nanos(run_.started, shift.low), run_.finished ? add_nanos(*run_.finished, shift.high) : INT64_MAX};
}

TimeSpan RunLedger::span_with_tests() const {
  TimeSpan all = span();
  if (run_.tests.running > 0) all.to = INT64_MAX;
  if (last_end_ != INT64_MIN) all.to = std::max(all.to, add_nanos(last_end_, client_clock().high));
  return all;
}

TimeSpan RunLedger::span_of_test(std::uint32_t number) const {
  const ClockShift shift = client_clock();
  const TimeSpan& span = index_[number];
  return {add_nanos(span.from, shift.low), span.to == INT64_MAX ? INT64_MAX : add_nanos(span.to, shift.high)};
}

const RunLedger::StreamView& RunLedger::view_of(const record::Stream& stream) const {
  const auto [place, is_new] = views_.try_emplace(stream.id);
  StreamView& view = place->second;
  if (!is_new) return view;
  const Scope run_scope = scope();
  view.service = run_scope.name_in_run(stream);
  if (view.service.empty()) return view;
  for (const Isolated& isolated : isolated_) {
    if (!isolated.holds(stream)) continue;
    if (!isolated.worker.empty()) view.workers.push_back(isolated.worker);
    if (const auto test = find_test(isolated.test)) view.tests.push_back(*test);
  }
  const Service* const service = run_scope.service_of(stream);
  if (service != nullptr && service->clock_offset_ns) view.clock = ClockCorrection{*service->clock_offset_ns, 0, OffsetMethod::configured};
  // A service that the run's client started has no files; its name is what the run calls it.
  const auto named = std::ranges::find(run_.services, view.service, &Service::name);
  const Service* const with_patterns = service != nullptr ? service : named != run_.services.end() ? &*named : nullptr;
  if (with_patterns != nullptr && with_patterns->error_patterns) {
    view.errors = std::make_shared<const ErrorView>(*with_patterns->error_patterns);
  }
  for (const KnownOffset& offset : offsets_) {
    const bool better = !view.clock || offset.correction.method >= view.clock->method;
    if (better && holds_all(stream.labels, offset.labels)) view.clock = offset.correction;
  }
  return view;
}

bool RunLedger::has_streams_of(std::uint32_t test) const {
  const TestKey& key = *tests_[test].key;
  return std::ranges::any_of(isolated_, [&](const Isolated& one) { return one.test == key.id; });
}

TimeSpan RunLedger::correction_bounds() const {
  TimeSpan bounds{0, 0};
  const auto widen = [&](const ClockCorrection& correction) {
    bounds.from = std::min(bounds.from, add_nanos(correction.offset_ns, -correction.uncertainty_ns));
    bounds.to = std::max(bounds.to, add_nanos(correction.offset_ns, correction.uncertainty_ns));
  };
  for (const Service& service : run_.services) {
    if (service.clock_offset_ns) widen({*service.clock_offset_ns, 0, OffsetMethod::configured});
  }
  for (const KnownOffset& offset : offsets_) widen(offset.correction);
  return bounds;
}

}  // namespace telltale::runs
