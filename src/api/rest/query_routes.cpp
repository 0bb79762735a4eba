// GET /api/v1/query, /api/v1/count.
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/record_page.h"
#include "api/rest/rest_context.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "query/exec/query.h"
#include "record/wire.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

enum class Format : std::uint8_t { json, ndjson, text };

Result<query::PredicateRef> read_query(const net::Request& request, const record::ComputedLabels* labels) {
  const std::string_view text = base::trim(request.parameter("query").value_or(std::string_view()));
  return query::compile(text.empty() ? std::string_view("{}") : text, labels);
}

Result<Format> read_format(const net::Request& request) {
  const std::string_view name = request.parameter("format").value_or("json");
  if (name == "json") return Format::json;
  if (name == "ndjson") return Format::ndjson;
  if (name == "text") return Format::text;
  return fail(ErrorCode::invalid_argument, "format '" + base::to_printable(name.substr(0, 100)) + "' is not known",
              "Use json, ndjson or text.");
}

net::Response json_answer(const store::StoreReader& store, const query::QueryAnswer& answer) {
  std::string body = "{\"records\":[";
  for (const query::Row& row : answer.rows) {
    if (body.back() != '[') body.push_back(',');
    record::append_wire_entry(body, row.view());
  }
  append_page_end(body, store, answer);
  return json_response(std::move(body));
}

net::Response line_answer(const store::StoreReader& store, const query::QueryAnswer& answer, Format format) {
  net::Response response;
  response.content_type = format == Format::ndjson ? "application/x-ndjson" : "text/plain; charset=utf-8";
  for (const query::Row& row : answer.rows) {
    if (format == Format::ndjson) {
      record::append_wire_entry(response.body, row.view());
    } else {
      record::append_plain_line(response.body, row.view());
    }
    response.body.push_back('\n');
  }
  if (answer.next) response.headers.emplace_back("Telltale-Next-Cursor", store.cursor(*answer.next));
  return response;
}

}  // namespace

void handle_query(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  const net::Request& request = call->request;
  const auto known = check_parameters(request, {"query", "start", "end", "limit", "direction", "cursor", "format"});
  if (!known) return answer(call, known.error());
  const auto format = read_format(request);
  if (!format) return answer(call, format.error());
  query::QueryRequest query;
  if (const auto times = read_times(request, query); !times) return answer(call, times.error());
  if (const auto page = read_page(request, parts.store, query); !page) return answer(call, page.error());
  context.answer_on(parts.queries, call, [&parts, call, query, format = *format]() mutable -> Result<net::Response> {
    auto predicate = read_query(call->request, &parts.attributor);
    if (!predicate) return std::unexpected(predicate.error());
    query.predicate = *std::move(predicate);
    const auto answer = query::run(parts.store, parts.clock, query);
    if (!answer) return std::unexpected(answer.error());
    return format == Format::json ? json_answer(parts.store, *answer) : line_answer(parts.store, *answer, format);
  });
}

void handle_count(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  const auto known = check_parameters(call->request, {"query", "start", "end"});
  if (!known) return answer(call, known.error());
  query::QueryRequest query;
  if (const auto times = read_times(call->request, query); !times) return answer(call, times.error());
  context.answer_on(parts.queries, call, [&parts, call, query]() mutable -> Result<net::Response> {
    auto predicate = read_query(call->request, &parts.attributor);
    if (!predicate) return std::unexpected(predicate.error());
    query.predicate = *std::move(predicate);
    const auto count = query::count(parts.store, parts.clock, query);
    if (!count) return std::unexpected(count.error());
    return json_response("{\"records\":" + std::to_string(count->records) + ",\"errors\":" + std::to_string(count->errors) +
                         ",\"gaps\":" + std::to_string(count->gaps) + "}");
  });
}

}  // namespace telltale::api
