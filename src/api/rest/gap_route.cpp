// GET /api/v1/gaps.
#include <optional>
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/record_page.h"
#include "api/rest/rest_context.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "query/exec/query.h"
#include "record/gap.h"
#include "runs/registry/registry.h"

namespace telltale::api {

using base::Result;

namespace {

// The gaps that are asked for. A run's are those of its streams from which something may be missing that was written while it ran, a
// test's those from which something may be missing that was written while the test ran.
struct GapFilter {
  query::PredicateRef streams;
  std::optional<runs::Scope> scope;
  runs::TimeSpan missing;

  bool takes(const record::Gap& gap) const { return missing.meets({gap.from_time, gap.to_time}); }
};

Result<GapFilter> read_filter(const ApiDependencies& parts, const net::Request& request) {
  GapFilter filter;
  const std::string_view text = base::trim(request.parameter("query").value_or(std::string_view()));
  auto streams = query::compile(text.empty() ? std::string_view("{}") : text, &parts.attributor);
  if (!streams) return std::unexpected(streams.error());
  filter.streams = *std::move(streams);
  std::string run(request.parameter("run").value_or(std::string_view()));
  const std::string id(request.parameter("test").value_or(std::string_view()));
  if (!id.empty()) {
    const auto test = parts.registry.test(id);
    if (!test) return std::unexpected(test.error());
    if (!run.empty() && run != test->key->run) {
      return base::fail(base::ErrorCode::invalid_argument, "the test belongs to another run", "Leave out `run`, or name the test's.");
    }
    run = test->key->run;
    filter.missing = {test->started, test->finished.value_or(INT64_MAX)};
  } else if (!run.empty()) {
    const auto about = parts.registry.run(run);
    if (!about) return std::unexpected(about.error());
    filter.missing = {about->started, about->finished.value_or(INT64_MAX)};
  }
  if (run.empty()) return filter;
  auto scope = parts.registry.scope(run);
  if (!scope) return std::unexpected(scope.error());
  filter.scope = *std::move(scope);
  return filter;
}

class GapPredicate final : public record::RecordPredicate {
 public:
  explicit GapPredicate(const GapFilter& filter) : filter_(filter) {}
  bool may_match(const record::Stream& stream) const override {
    return filter_.streams->may_match(stream) && (!filter_.scope || filter_.scope->holds(stream));
  }
  bool matches(const record::RecordView& record) const override { return record.record->has(record::flag_gap); }

 private:
  const GapFilter filter_;
};

void append_gap(std::string& out, const record::RecordView& view, const record::Gap& gap) {
  out += "{\"sequence\":\"" + std::to_string(view.sequence) + "\",\"observed_time\":\"";
  base::append_rfc3339(out, view.record->observed_time);
  out += "\",\"reason\":";
  base::append_json_string(out, record::gap_reason_name(gap.reason));
  out += ",\"from_time\":\"";
  base::append_rfc3339(out, gap.from_time);
  out += "\",\"to_time\":\"";
  base::append_rfc3339(out, gap.to_time);
  out += "\",\"from_byte\":" + (gap.range ? "\"" + std::to_string(gap.range->from) + "\"" : "null");
  out += ",\"to_byte\":" + (gap.range ? "\"" + std::to_string(gap.range->to) + "\"" : "null");
  out += ",\"lines\":" + (gap.lines ? std::to_string(*gap.lines) : "null");
  out += ",\"detail\":";
  base::append_json_string(out, gap.detail);
  out += ",\"labels\":{";
  for (const auto& [name, value] : view.labels().pairs()) {
    if (out.back() != '{') out.push_back(',');
    base::append_json_string(out, name);
    out.push_back(':');
    base::append_json_string(out, value);
  }
  out += "}}";
}

Result<net::Response> find_gaps(const ApiDependencies& parts, const net::Request& request, query::QueryRequest query) {
  const auto filter = read_filter(parts, request);
  if (!filter) return std::unexpected(filter.error());
  query.predicate = std::make_shared<const GapPredicate>(*filter);
  const auto found = query::run(parts.store, parts.clock, query);
  if (!found) return std::unexpected(found.error());
  std::string body = "{\"gaps\":[";
  for (const query::Row& row : found->rows) {
    const auto gap = record::read_gap(row.batch->batch, *row.view().record);
    if (!gap || !filter->takes(*gap)) continue;
    if (body.back() != '[') body.push_back(',');
    append_gap(body, row.view(), *gap);
  }
  append_page_end(body, parts.store, *found);
  return json_response(std::move(body));
}

}  // namespace

void handle_gaps(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  const auto known = check_parameters(call->request, {"query", "run", "test", "start", "end", "limit", "direction", "cursor"});
  if (!known) return answer(call, known.error());
  query::QueryRequest query;
  if (const auto times = read_times(call->request, query); !times) return answer(call, times.error());
  if (const auto page = read_page(call->request, parts.store, query); !page) return answer(call, page.error());
  context.answer_on(parts.queries, call, [&parts, call, query] { return find_gaps(parts, call->request, query); });
}

}  // namespace telltale::api
