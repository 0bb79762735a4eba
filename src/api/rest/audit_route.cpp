// GET /api/v1/runs/{run}/audit.
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/json_output.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "runs/audit/audit.h"

namespace telltale::api {

using base::Result;

namespace {

constexpr std::uint64_t default_timeout_ms = 60'000;
constexpr std::uint64_t max_timeout_ms = 600'000;

void append_counts(JsonObject& object, const runs::AuditCounts& counts) {
  object.number("lines", counts.lines);
  object.number("bytes", counts.bytes);
  object.number("ranges", counts.ranges);
  object.number("compared_bytes", counts.compared_bytes);
  object.number("lost_bytes", counts.lost_bytes);
  object.number("lost_lines", counts.lost_lines);
  object.number("repeated_bytes", counts.repeated_bytes);
  object.number("repeated_lines", counts.repeated_lines);
  object.number("changed_bytes", counts.changed_bytes);
  object.number("gaps", counts.gaps);
  object.number("gap_lines", counts.gap_lines);
  object.number("gone_bytes", counts.gone_bytes);
  object.number("not_again_bytes", counts.not_again_bytes);
  object.number("unread_bytes", counts.unread_bytes);
  object.number("later_bytes", counts.later_bytes);
}

void append_stream(std::string& out, const runs::StreamAudit& stream) {
  JsonObject object(out);
  object.text("service", stream.service);
  object.text("stream", stream.stream->labels.to_text());
  object.number("origins", stream.origins);
  append_counts(object, stream.counts);
  object.end();
}

void append_test(std::string& out, const runs::TestKeyRef& test) {
  JsonObject object(out);
  object.text("test", test->id);
  object.text("node_id", test->node_id);
  object.text("worker", test->worker);
  object.number("attempt", test->attempt);
  object.end();
}

void append_byte(JsonObject& object, std::string_view name, const runs::AuditFinding& finding, std::uint64_t value) {
  object.text_or_null(name, finding.to > 0 ? std::to_string(value) : std::string());
}

void append_finding(std::string& out, const runs::AuditFinding& finding) {
  JsonObject object(out);
  object.text("kind", runs::name_of(finding.kind));
  object.text("service", finding.service);
  object.text("stream", finding.stream->labels.to_text());
  append_byte(object, "from_byte", finding, finding.from);
  append_byte(object, "to_byte", finding, finding.to);
  object.number_or_null("lines", finding.lines ? std::optional(static_cast<std::int64_t>(*finding.lines)) : std::nullopt);
  object.time("from_time", finding.written.from);
  object.time("to_time", finding.written.to);
  append_json_array(object.key("tests"), finding.tests, [&](const runs::TestKeyRef& test) { append_test(out, test); });
  object.number("more_tests", finding.more_tests);
  object.text("detail", finding.detail);
  object.end();
}

std::string audit_json(const runs::AuditReport& report) {
  std::string body;
  JsonObject object(body);
  object.text("run", report.run);
  object.boolean("finished", report.finished);
  object.text("verdict", runs::name_of(report.verdict()));
  JsonObject total(object.key("total"));
  append_counts(total, report.total);
  total.end();
  append_json_array(object.key("streams"), report.streams, [&](const runs::StreamAudit& stream) { append_stream(body, stream); });
  append_json_array(object.key("findings"), report.findings, [&](const runs::AuditFinding& finding) { append_finding(body, finding); });
  object.number("more_findings", report.more_findings);
  append_json_array(object.key("notes"), report.notes, [&](const std::string& note) { base::append_json_string(body, note); });
  object.milliseconds("elapsed_ms", report.elapsed_ns);
  object.end();
  return body;
}

}  // namespace

void handle_audit(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {"timeout_ms", "max_bytes"}); !known) return answer(call, known.error());
  const auto timeout_ms = number_parameter(call->request, "timeout_ms", default_timeout_ms, 1, max_timeout_ms);
  if (!timeout_ms) return answer(call, timeout_ms.error());
  const auto max_bytes = number_parameter(call->request, "max_bytes", 0, 0, INT64_MAX);
  if (!max_bytes) return answer(call, max_bytes.error());
  const ApiDependencies& parts = context.parts();
  runs::AuditOptions options;
  options.timeout_ns = static_cast<std::int64_t>(*timeout_ms) * base::nanos_per_millisecond;
  options.max_read_bytes = *max_bytes;
  context.answer_on(parts.audits != nullptr ? *parts.audits : parts.queries, call, [&parts, call, options]() -> Result<net::Response> {
    if (!parts.audit) return base::fail(base::ErrorCode::not_found, "nothing here can audit runs");
    const auto report = parts.audit(call->captured[0], options);
    if (!report) return std::unexpected(report.error());
    return json_response(audit_json(*report));
  });
}

}  // namespace telltale::api
