// GET /api/v1/runs, /api/v1/runs/{run}, /api/v1/runs/{run}/report.
#include <algorithm>
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/page_cursor.h"
#include "api/wire/parameters.h"
#include "api/wire/run_json.h"
#include "base/text.h"
#include "reports/collect.h"
#include "reports/render.h"
#include "runs/registry/registry.h"

namespace telltale::api {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::uint64_t default_limit = 100;
constexpr std::uint64_t max_limit = 1000;
constexpr std::uint64_t max_wait_ms = 5000;
constexpr std::size_t max_tests_with_errors = 1000;

Result<runs::RunFilter> read_filter(const net::Request& request) {
  runs::RunFilter filter;
  if (const auto state = request.parameter("state")) {
    filter.state = runs::parse_run_state(*state);
    if (!filter.state) {
      return base::fail(ErrorCode::invalid_argument, "state '" + base::to_printable(state->substr(0, 100)) + "' is not known",
                        "Use running or finished.");
    }
  }
  const auto limit = number_parameter(request, "limit", default_limit, 1, max_limit);
  if (!limit) return std::unexpected(limit.error());
  filter.limit = *limit;
  auto after = read_page_cursor("runs", request.parameter("cursor").value_or(std::string_view()));
  if (!after) return base::pass(after);
  filter.after = *std::move(after);
  return filter;
}

std::string page_json(const runs::RunPage& page) {
  std::string body;
  JsonObject object(body);
  append_json_array(object.key("runs"), page.runs, [&](const runs::Run& run) { append_run(body, run); });
  object.text_or_null("next_cursor", make_page_cursor("runs", page.next));
  object.end();
  return body;
}

// --- one run

void append_service(std::string& out, const std::string& name, const runs::ServiceTally& service) {
  JsonObject object(out);
  object.text("name", name);
  object.number("streams", service.streams);
  object.number("records", service.records);
  object.number("errors", service.errors);
  object.end();
}

void append_gap(std::string& out, const runs::GapTally& gap) {
  JsonObject object(out);
  object.text("service", gap.service);
  object.text("stream", gap.stream->labels.to_text());
  object.text("text", gap.text);
  object.time("from_time", gap.from);
  object.time("to_time", gap.to);
  append_json_array(object.key("tests"), gap.tests, [&](const runs::GapTally::Hit& hit) {
    JsonObject test(out);
    test.text("test", hit.id);
    test.text("node_id", hit.node_id);
    test.end();
  });
  object.number("more_tests", gap.more_tests);
  object.end();
}

struct TestWithErrors {
  runs::Test test;
  const runs::TestTally* tally;
};

// In order of their start.
Result<std::vector<TestWithErrors>> tests_with_errors(const runs::Registry& registry, const runs::RunTally& tally) {
  std::vector<TestWithErrors> tests;
  for (const auto& [id, counts] : tally.tests) {
    if (counts.errors == 0 && counts.possible_errors == 0) continue;
    auto test = registry.test(id);
    if (!test) return base::pass(test);
    tests.push_back({*std::move(test), &counts});
  }
  std::sort(tests.begin(), tests.end(), [](const auto& a, const auto& b) {
    return std::tie(a.test.started, a.test.key->id) < std::tie(b.test.started, b.test.key->id);
  });
  return tests;
}

void append_test_with_errors(std::string& out, const TestWithErrors& entry) {
  JsonObject object(out);
  object.text("test", entry.test.key->id);
  object.text("node_id", entry.test.key->node_id);
  object.text("worker", entry.test.key->worker);
  object.number("attempt", entry.test.key->attempt);
  object.text_or_null("outcome", entry.test.finished ? runs::name_of(entry.test.outcome) : std::string_view());
  object.number("errors", entry.tally->errors);
  object.number("possible_errors", entry.tally->possible_errors);
  object.end();
}

void append_tally(JsonObject& object, const runs::RunTally& tally, std::vector<TestWithErrors> tests) {
  std::string& out = object.out();
  object.number("records", tally.records);
  object.number("errors", tally.errors);
  object.number("possible_errors", tally.possible_errors);
  append_json_array(object.key("services"), tally.services, [&](const auto& entry) { append_service(out, entry.first, entry.second); });
  const std::size_t more = tests.size() - std::min(tests.size(), max_tests_with_errors);
  tests.resize(tests.size() - more);
  append_json_array(object.key("tests_with_errors"), tests, [&](const auto& entry) { append_test_with_errors(out, entry); });
  object.number("more_tests_with_errors", more);
  append_json_array(object.key("gaps"), tally.gaps, [&](const runs::GapTally& gap) { append_gap(out, gap); });
  object.number("more_gaps", tally.more_gaps);
}

void append_output(JsonObject& object, const runs::Run& run, const runs::RunFiles* files) {
  JsonObject output(object.key("output"));
  append_output_members(output, run);
  if (files == nullptr) {
    output.key("final") += "null";
    output.key("problem") += "null";
  } else {
    const runs::OutputStatus status = files->status(run.id);
    output.boolean("final", status.state == runs::FilesState::final || (status.state == runs::FilesState::none && run.finished));
    output.text_or_null("problem", status.problem);
  }
  output.end();
}

Result<net::Response> show_run(const RestContext& context, const std::string& id) {
  const ApiDependencies& parts = context.parts();
  auto run = parts.registry.run(id);
  if (!run) return base::pass(run);
  const auto tally = context.tallies().tally(*run);
  if (!tally) return std::unexpected(tally.error());
  auto tests = tests_with_errors(parts.registry, **tally);
  if (!tests) return base::pass(tests);
  std::string body;
  JsonObject object(body);
  append_run_members(object, *run);
  append_output(object, *run, parts.files);
  append_tally(object, **tally, *std::move(tests));
  object.end();
  return json_response(std::move(body));
}

Result<net::Response> make_report(const ApiDependencies& parts, const std::string& run, reports::ReportFormat format) {
  const auto report = reports::collect({.registry = parts.registry,
                                        .attributor = parts.attributor,
                                        .reader = parts.store,
                                        .clock = parts.clock,
                                        .engine_version = parts.settings.version,
                                        .files = parts.files},
                                       run);
  if (!report) return std::unexpected(report.error());
  net::Response response;
  response.content_type = reports::report_content_type(format);
  response.body = reports::render(*report, format);
  return response;
}

}  // namespace

void handle_runs(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {"state", "limit", "cursor"}); !known) return answer(call, known.error());
  auto filter = read_filter(call->request);
  if (!filter) return answer(call, filter.error());
  const runs::Registry& registry = context.parts().registry;
  context.answer_on(context.parts().queries, call, [&registry, filter = *std::move(filter)]() -> Result<net::Response> {
    const auto page = registry.runs(filter);
    if (!page) return std::unexpected(page.error());
    return json_response(page_json(*page));
  });
}

void handle_run(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {"wait_ms"}); !known) return answer(call, known.error());
  const auto wait_ms = number_parameter(call->request, "wait_ms", 0, 0, max_wait_ms);
  if (!wait_ms) return answer(call, wait_ms.error());
  const auto wait_ns = static_cast<std::int64_t>(*wait_ms) * base::nanos_per_millisecond;
  const ApiDependencies& parts = context.parts();
  const auto show = [&context, call] {
    context.answer_on(context.parts().queries, call, [&context, call] { return show_run(context, call->captured[0]); });
  };
  if (wait_ns == 0 || parts.files == nullptr) return show();
  const bool taken = parts.blocking.post([&parts, call, wait_ns, show] {
    parts.files->wait_until_final(call->captured[0], wait_ns);
    show();
  });
  if (!taken) answer_overloaded(call);
}

void handle_report(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {"format"}); !known) return answer(call, known.error());
  const std::string_view name = call->request.parameter("format").value_or("text");
  const auto format = reports::parse_report_format(name);
  if (!format) {
    return answer(call, base::Error{ErrorCode::invalid_argument, "format '" + base::to_printable(name.substr(0, 100)) + "' is not known",
                                    "Use one of " + std::string(reports::report_format_names()) + "."});
  }
  const ApiDependencies& parts = context.parts();
  context.answer_on(parts.queries, call, [&parts, call, format = *format] { return make_report(parts, call->captured[0], format); });
}

}  // namespace telltale::api
