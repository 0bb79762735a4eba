// GET /api/v1/streams, /api/v1/labels, /api/v1/labels/{name}/values.
#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "query/exec/query.h"
#include "record/internal.h"

namespace telltale::api {

using base::Result;

namespace {

constexpr std::uint64_t default_limit = 1000;
constexpr std::uint64_t max_limit = 10'000;

using Summaries = std::unordered_map<record::StreamId, store::StreamSummary, base::Hash128Hasher>;

Summaries summaries_by_id(const ApiDependencies& parts) {
  Summaries out;
  for (store::StreamSummary& summary : parts.stream_summaries()) out.emplace(summary.stream->id, std::move(summary));
  return out;
}

void append_time(std::string& out, base::UnixNanos time) {
  out += time == 0 ? "null" : "\"" + base::format_rfc3339(time) + "\"";
}

void append_summary(std::string& out, const store::StreamSummary& summary) {
  out += ",\"records\":" + std::to_string(summary.records) + ",\"errors\":" + std::to_string(summary.errors) +
         ",\"gaps\":" + std::to_string(summary.gaps) + ",\"first_observed\":";
  append_time(out, summary.first_observed);
  out += ",\"last_observed\":";
  append_time(out, summary.last_observed);
}

void append_stream(std::string& out, const record::Stream& stream, const store::StreamSummary& summary) {
  out += "{\"id\":\"" + stream.id.hex() + "\",\"labels\":{";
  for (const auto& [name, value] : stream.labels.pairs()) {
    if (out.back() != '{') out.push_back(',');
    base::append_json_string(out, name);
    out.push_back(':');
    base::append_json_string(out, value);
  }
  out.push_back('}');
  append_summary(out, summary);
  out.push_back('}');
}

// {"NAME":[…],"total":N}: at most `limit` of the texts, and how many there are.
net::Response list_response(std::string_view name, const std::set<std::string>& texts, std::uint64_t limit) {
  std::string body = "{\"" + std::string(name) + "\":[";
  std::uint64_t given = 0;
  for (const std::string& text : texts) {
    if (given++ == limit) break;
    if (body.back() != '[') body.push_back(',');
    base::append_json_string(body, text);
  }
  return json_response(body + "],\"total\":" + std::to_string(texts.size()) + "}");
}

Result<net::Response> list_streams(const ApiDependencies& parts, std::string_view text, std::uint64_t limit) {
  const auto predicate = query::compile(text.empty() ? std::string_view("{}") : text, &parts.attributor);
  if (!predicate) return std::unexpected(predicate.error());
  const Summaries summaries = summaries_by_id(parts);
  std::vector<record::StreamRef> streams = parts.store.streams();
  std::erase_if(streams, [&](const record::StreamRef& stream) { return !(*predicate)->may_match(*stream); });
  std::sort(streams.begin(), streams.end(), [](const auto& a, const auto& b) { return a->labels.pairs() < b->labels.pairs(); });
  std::string body = "{\"streams\":[";
  for (std::size_t i = 0; i < streams.size() && i < limit; ++i) {
    if (i > 0) body.push_back(',');
    const auto summary = summaries.find(streams[i]->id);
    append_stream(body, *streams[i], summary == summaries.end() ? store::StreamSummary() : summary->second);
  }
  return json_response(body + "],\"total\":" + std::to_string(streams.size()) + "}");
}

}  // namespace

void handle_streams(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {"query", "limit"});
  if (!known) return answer(call, known.error());
  const auto limit = number_parameter(call->request, "limit", default_limit, 1, max_limit);
  if (!limit) return answer(call, limit.error());
  const ApiDependencies& parts = context.parts();
  context.answer_on(parts.queries, call, [&parts, call, limit = *limit] {
    return list_streams(parts, base::trim(call->request.parameter("query").value_or(std::string_view())), limit);
  });
}

void handle_labels(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {"limit"});
  if (!known) return answer(call, known.error());
  const auto limit = number_parameter(call->request, "limit", default_limit, 1, max_limit);
  if (!limit) return answer(call, limit.error());
  const store::StoreReader& store = context.parts().store;
  context.answer_on(context.parts().queries, call, [&store, limit = *limit]() -> Result<net::Response> {
    std::set<std::string> names;
    for (const record::StreamRef& stream : store.streams()) {
      if (record::is_internal(*stream)) continue;
      for (const auto& [name, value] : stream->labels.pairs()) names.insert(name);
    }
    return list_response("labels", names, limit);
  });
}

void handle_label_values(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {"limit"});
  if (!known) return answer(call, known.error());
  const auto limit = number_parameter(call->request, "limit", default_limit, 1, max_limit);
  if (!limit) return answer(call, limit.error());
  const store::StoreReader& store = context.parts().store;
  context.answer_on(context.parts().queries, call, [&store, call, limit = *limit]() -> Result<net::Response> {
    std::set<std::string> values;
    for (const record::StreamRef& stream : store.streams()) {
      if (record::is_internal(*stream)) continue;
      if (const std::string_view value = stream->labels.get(call->captured[0]); !value.empty()) values.emplace(value);
    }
    return list_response("values", values, limit);
  });
}

}  // namespace telltale::api
