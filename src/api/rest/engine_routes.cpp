// GET /metrics, /openapi.yaml, /api/v1/stats, /api/v1/status.
#include <string>

#include "api/openapi_text.h"
#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/parameters.h"
#include "base/text.h"

namespace telltale::api {

using base::Result;

namespace {

std::string_view port_name(PortRole role) {
  switch (role) {
    case PortRole::main:
      return "main";
    case PortRole::health:
      return "health";
    case PortRole::metrics:
      return "metrics";
  }
  return {};
}

std::string quoted_number(std::uint64_t number) {
  return "\"" + std::to_string(number) + "\"";
}

// null for a time that is not there.
void append_time(std::string& out, std::string_view name, base::UnixNanos time) {
  out += ",\"" + std::string(name) + "\":";
  if (time == 0) {
    out += "null";
    return;
  }
  out.push_back('"');
  base::append_rfc3339(out, time);
  out.push_back('"');
}

std::string stats_json(const store::StoreStats& stats) {
  std::string out = "{\"store_id\":";
  base::append_json_string(out, stats.store_id);
  out += ",\"segments\":" + std::to_string(stats.segments) + ",\"bytes\":" + std::to_string(stats.bytes);
  out += ",\"records\":" + std::to_string(stats.records) + ",\"streams\":" + std::to_string(stats.streams);
  out += ",\"gaps\":" + std::to_string(stats.gaps) + ",\"first_sequence\":" + quoted_number(stats.first_sequence);
  out += ",\"next_sequence\":" + quoted_number(stats.next_sequence);
  append_time(out, "oldest_observed", stats.oldest_observed);
  append_time(out, "newest_observed", stats.newest_observed);
  out += ",\"disk_full\":" + std::string(stats.disk_full ? "true" : "false") + "}";
  return out;
}

void append_source(std::string& out, const sources::SourceHealth& health) {
  out += "{\"name\":";
  base::append_json_string(out, health.name);
  out += ",\"healthy\":" + std::string(health.healthy ? "true" : "false") + ",\"detail\":";
  base::append_json_string(out, health.detail);
  out += ",\"streams\":" + std::to_string(health.streams) + ",\"lag_bytes\":" + std::to_string(health.lag_bytes) + "}";
}

std::string status_json(const RestContext& context) {
  const ApiDependencies& parts = context.parts();
  std::string out = "{\"version\":";
  base::append_json_string(out, parts.settings.version);
  out += ",\"pid\":" + std::to_string(parts.settings.pid);
  append_time(out, "started", context.started());
  out += ",\"uptime_seconds\":" + std::to_string(context.uptime_ns() / base::nanos_per_second) + ",\"data_folder\":";
  base::append_json_string(out, parts.settings.data_folder);
  out += ",\"store_id\":";
  base::append_json_string(out, parts.store.stats().store_id);
  out += ",\"ports\":{";
  for (const ListenerInfo& listener : parts.listeners()) {
    if (out.back() != '{') out.push_back(',');
    out += "\"" + std::string(port_name(listener.role)) + "\":" + std::to_string(listener.port);
  }
  out += "},\"sources\":[";
  for (const sources::Source* source : parts.sources) {
    if (out.back() != '[') out.push_back(',');
    append_source(out, source->health());
  }
  return out + "]}";
}

}  // namespace

void handle_metrics(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {});
  if (!known) return answer(call, known.error());
  telemetry::Metrics& metrics = context.parts().metrics;
  context.answer_on(context.parts().blocking, call, [&metrics]() -> Result<net::Response> {
    net::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics.prometheus_text();
    return response;
  });
}

void handle_openapi(const RestContext&, const CallRef& call) {
  net::Response response;
  response.content_type = "application/yaml";
  response.body = openapi_text;
  answer(call, std::move(response));
}

void handle_stats(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {});
  if (!known) return answer(call, known.error());
  const store::StoreReader& store = context.parts().store;
  context.answer_on(context.parts().blocking, call,
                    [&store]() -> Result<net::Response> { return json_response(stats_json(store.stats())); });
}

void handle_status(const RestContext& context, const CallRef& call) {
  const auto known = check_parameters(call->request, {});
  if (!known) return answer(call, known.error());
  context.answer_on(context.parts().blocking, call, [&context]() -> Result<net::Response> { return json_response(status_json(context)); });
}

}  // namespace telltale::api
