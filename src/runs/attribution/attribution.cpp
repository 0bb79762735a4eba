#include "runs/attribution/attribution.h"

#include <algorithm>

#include "base/text.h"

namespace telltale::runs {
namespace {

using Indices = std::vector<std::uint32_t>;

// Of `tests` those that were running within the span; of each the time after its end counts too, up to `late_ns`.
Indices meeting(const Window& window, const Indices& tests, const TimeSpan& span, std::int64_t late_ns = 0) {
  Indices out;
  for (const std::uint32_t test : tests) {
    if (window.tests[test].span.widened(0, late_ns).meets(span)) out.push_back(test);
  }
  return out;
}

Indices meeting(const Window& window, const TimeSpan& span) {
  Indices out;
  for (std::uint32_t test = 0; test < window.tests.size(); ++test) {
    if (window.tests[test].span.meets(span)) out.push_back(test);
  }
  return out;
}

// Sets what the tests come to: one is certain by `method`, several are candidates.
void settle(Attribution& out, Indices tests, Method method) {
  out.method = tests.empty() ? Method::none : tests.size() == 1 ? method : Method::candidates;
  out.tests = std::move(tests);
}

// A test's own id is unique, whatever the clocks say. A node id is that of the attempt which was running then, else of one that ended a
// short while before: what a test has started may go on.
bool by_name(const Window& window, std::string_view name, const TimeSpan& span, Attribution& out) {
  if (name.empty()) return false;
  const auto found = window.named.find(name);
  if (found == window.named.end()) return false;
  for (const std::uint32_t test : found->second) {
    if (window.tests[test].key->id == name) return settle(out, {test}, Method::id), true;
  }
  Indices tests = meeting(window, found->second, span);
  if (tests.empty()) tests = meeting(window, found->second, span, late_id_ns);
  if (tests.empty()) return false;
  settle(out, std::move(tests), Method::id);
  return true;
}

bool by_trace(const Window& window, std::string_view trace, const TimeSpan& span, Attribution& out) {
  if (trace.empty()) return false;
  const auto found = window.traced.find(base::to_lower(trace));
  if (found == window.traced.end() || found->second.empty()) return false;
  Indices tests = found->second.size() == 1 ? found->second : meeting(window, found->second, span, late_id_ns);
  if (tests.empty()) return false;
  settle(out, std::move(tests), Method::trace);
  return true;
}

bool by_isolation(const Window& window, const TimeSpan& span, Attribution& out) {
  if (window.isolated.empty()) return false;
  Indices tests = window.isolated.size() == 1 ? window.isolated : meeting(window, window.isolated, span);
  settle(out, std::move(tests), Method::isolated);
  return true;
}

// One test alone is certain only when it is known since when the record may have been written.
void by_time(const Window& window, const TimeSpan& span, Attribution& out) {
  Indices tests = meeting(window, span);
  const bool one = tests.size() == 1;
  const bool of_worker = one && !window.runs[window.tests[tests[0]].run].worker.empty();
  settle(out, std::move(tests), of_worker ? Method::isolated : Method::sole);
  if (one && span.from == INT64_MIN) out.method = Method::candidates;
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::none:
      return "none";
    case Method::candidates:
      return "candidates";
    case Method::sole:
      return "sole";
    case Method::isolated:
      return "isolated";
    case Method::trace:
      return "trace";
    case Method::id:
      return "id";
  }
  return {};
}

Attribution attribute(const Window& window, const record::Batch& batch, const record::Record& record, std::int64_t grace_ns) {
  Attribution out;
  if (window.empty()) return out;
  const TimeSpan span = time_span(batch, record, window.clock, grace_ns);
  if (record.has_event_time() && !record.has(record::flag_time_out_of_range)) out.clock = window.clock;
  if (!by_name(window, batch.view(record.test_id), span, out) && !by_trace(window, batch.view(record.trace_id), span, out) &&
      !by_isolation(window, span, out)) {
    by_time(window, span, out);
  }
  for (std::uint32_t run = 0; run < window.runs.size(); ++run) {
    const bool of_test = std::any_of(out.tests.begin(), out.tests.end(), [&](std::uint32_t test) { return window.tests[test].run == run; });
    if (of_test || window.runs[run].span.meets(span)) out.runs.push_back(run);
  }
  return out;
}

}  // namespace telltale::runs
