// GET /api/v1/query, /api/v1/count, /api/v1/gaps.
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "query/exec/query.h"
#include "record/gap.h"
#include "record/wire.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::uint64_t default_limit = 100;
constexpr std::uint64_t max_limit = 10'000;

enum class Format : std::uint8_t { json, ndjson, text };

class GapPredicate final : public record::RecordPredicate {
 public:
  bool may_match(const record::Stream&) const override { return true; }
  bool matches(const record::RecordView& record) const override { return record.record->has(record::flag_gap); }
};

Result<query::PredicateRef> read_query(const net::Request& request, const record::ComputedLabels* labels) {
  const std::string_view text = base::trim(request.parameter("query").value_or(std::string_view()));
  return query::compile(text.empty() ? std::string_view("{}") : text, labels);
}

base::Status read_times(const net::Request& request, query::QueryRequest& query) {
  const auto from = time_parameter(request, "start", query.from_time);
  if (!from) return std::unexpected(from.error());
  const auto to = time_parameter(request, "end", query.to_time);
  if (!to) return std::unexpected(to.error());
  if (*from > *to) return fail(ErrorCode::invalid_argument, "start is after end", "Exchange them.");
  query.from_time = *from;
  query.to_time = *to;
  return {};
}

// limit, direction, cursor.
base::Status read_page(const net::Request& request, const store::StoreReader& store, query::QueryRequest& query) {
  const auto limit = number_parameter(request, "limit", default_limit, 1, max_limit);
  if (!limit) return std::unexpected(limit.error());
  query.limit = *limit;
  const std::string_view direction = request.parameter("direction").value_or("backward");
  if (direction != "backward" && direction != "forward") {
    return fail(ErrorCode::invalid_argument, "direction '" + base::to_printable(direction.substr(0, 100)) + "' is not known",
                "Use backward or forward.");
  }
  query.newest_first = direction == "backward";
  const std::string_view cursor = request.parameter("cursor").value_or(std::string_view());
  if (cursor.empty()) return {};
  const auto sequence = store.read_cursor(cursor);
  if (!sequence) return std::unexpected(sequence.error());
  query.after = *sequence;
  return {};
}

Result<Format> read_format(const net::Request& request) {
  const std::string_view name = request.parameter("format").value_or("json");
  if (name == "json") return Format::json;
  if (name == "ndjson") return Format::ndjson;
  if (name == "text") return Format::text;
  return fail(ErrorCode::invalid_argument, "format '" + base::to_printable(name.substr(0, 100)) + "' is not known",
              "Use json, ndjson or text.");
}

void append_page_end(std::string& out, const store::StoreReader& store, const query::QueryAnswer& answer) {
  out += "],\"next_cursor\":";
  if (answer.next) {
    base::append_json_string(out, store.cursor(*answer.next));
  } else {
    out += "null";
  }
  out += ",\"scanned_records\":" + std::to_string(answer.scanned_records);
  out += ",\"scanned_bytes\":" + std::to_string(answer.scanned_bytes) + "}";
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

void handle_gaps(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  const auto known = check_parameters(call->request, {"start", "end", "limit", "direction", "cursor"});
  if (!known) return answer(call, known.error());
  query::QueryRequest query;
  query.predicate = std::make_shared<const GapPredicate>();
  if (const auto times = read_times(call->request, query); !times) return answer(call, times.error());
  if (const auto page = read_page(call->request, parts.store, query); !page) return answer(call, page.error());
  context.answer_on(parts.queries, call, [&parts, query]() -> Result<net::Response> {
    const auto answer = query::run(parts.store, parts.clock, query);
    if (!answer) return std::unexpected(answer.error());
    std::string body = "{\"gaps\":[";
    for (const query::Row& row : answer->rows) {
      const auto gap = record::read_gap(row.batch->batch, *row.view().record);
      if (!gap) continue;
      if (body.back() != '[') body.push_back(',');
      append_gap(body, row.view(), *gap);
    }
    append_page_end(body, parts.store, *answer);
    return json_response(std::move(body));
  });
}

}  // namespace telltale::api
