// POST /api/v1/barrier.
#include <algorithm>
#include <string>
#include <vector>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/barrier_body.h"
#include "api/wire/parameters.h"
#include "base/text.h"

namespace telltale::api {

using base::Result;

namespace {

struct Outcome {
  bool complete = true;
  std::vector<std::string> missing;
  void miss(std::string what) {
    complete = false;
    missing.push_back(std::move(what));
  }
};

std::string outcome_json(const Outcome& outcome, std::string_view cursor, std::int64_t elapsed_ns) {
  std::string out = "{\"complete\":" + std::string(outcome.complete ? "true" : "false") + ",\"missing\":[";
  for (const std::string& what : outcome.missing) {
    if (out.back() != '[') out.push_back(',');
    base::append_json_string(out, what);
  }
  out += "],\"cursor\":";
  base::append_json_string(out, cursor);
  return out + ",\"elapsed_ms\":" + std::to_string(elapsed_ns / base::nanos_per_millisecond) + "}";
}

// Every source first: what they deliver is what the store then writes.
Result<net::Response> run_barrier(const ApiDependencies& parts, std::int64_t timeout_ns) {
  const base::MonoNanos begin = parts.clock.mono();
  const auto left = [&] { return std::max<std::int64_t>(begin + timeout_ns - parts.clock.mono(), base::nanos_per_millisecond); };
  Outcome outcome;
  for (sources::Source* source : parts.sources) {
    sources::BarrierReport report = source->barrier(left());
    if (!report.complete && report.missing.empty()) report.missing.push_back(source->health().name);
    for (std::string& what : report.missing) outcome.miss(std::move(what));
  }
  const auto committed = parts.flush(false, left());
  if (!committed) outcome.miss("the store: " + committed.error().message());
  const record::Sequence next = committed ? committed->next_sequence : parts.store.stats().next_sequence;
  const std::string cursor = parts.store.cursor(next > 0 ? next - 1 : 0);
  return json_response(outcome_json(outcome, cursor, parts.clock.mono() - begin));
}

}  // namespace

void handle_barrier(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {}); !known) return answer(call, known.error());
  const auto timeout_ms = parse_barrier_body(call->request.body);
  if (!timeout_ms) return answer(call, timeout_ms.error());
  const ApiDependencies& parts = context.parts();
  context.answer_on(parts.blocking, call,
                    [&parts, timeout_ns = *timeout_ms * base::nanos_per_millisecond] { return run_barrier(parts, timeout_ns); });
}

}  // namespace telltale::api
