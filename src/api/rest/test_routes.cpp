// GET /api/v1/tests, /api/v1/tests/{test}.
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/page_cursor.h"
#include "api/wire/parameters.h"
#include "api/wire/run_json.h"
#include "base/text.h"
#include "runs/registry/registry.h"

namespace telltale::api {

using base::Result;

namespace {

constexpr std::uint64_t default_limit = 100;
constexpr std::uint64_t max_limit = 10'000;

Result<runs::TestFilter> read_filter(const net::Request& request) {
  runs::TestFilter filter;
  filter.run = request.parameter("run").value_or(std::string_view());
  filter.match = request.parameter("match").value_or(std::string_view());
  filter.worker = request.parameter("worker").value_or(std::string_view());
  if (const auto outcome = request.parameter("outcome")) {
    filter.outcome = *outcome == "running" ? runs::TestOutcome::none : runs::parse_test_outcome(*outcome);
    if (!filter.outcome) {
      return base::fail(base::ErrorCode::invalid_argument, "outcome '" + base::to_printable(outcome->substr(0, 100)) + "' is not known",
                        "Use running, passed, failed, error, skipped, xfailed, xpassed, rerun, crashed or interrupted.");
    }
  }
  const auto limit = number_parameter(request, "limit", default_limit, 1, max_limit);
  if (!limit) return std::unexpected(limit.error());
  filter.limit = *limit;
  auto after = read_page_cursor("tests", request.parameter("cursor").value_or(std::string_view()));
  if (!after) return base::pass(after);
  filter.after = *std::move(after);
  return filter;
}

std::string page_json(const runs::TestPage& page) {
  std::string body;
  JsonObject object(body);
  append_json_array(object.key("tests"), page.tests, [&](const runs::Test& test) { append_test(body, test); });
  object.text_or_null("next_cursor", make_page_cursor("tests", page.next));
  object.end();
  return body;
}

}  // namespace

void handle_tests(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {"run", "match", "outcome", "worker", "limit", "cursor"}); !known) {
    return answer(call, known.error());
  }
  auto filter = read_filter(call->request);
  if (!filter) return answer(call, filter.error());
  const runs::Registry& registry = context.parts().registry;
  context.answer_on(context.parts().queries, call, [&registry, filter = *std::move(filter)]() -> Result<net::Response> {
    const auto page = registry.tests(filter);
    if (!page) return std::unexpected(page.error());
    return json_response(page_json(*page));
  });
}

void handle_test(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {}); !known) return answer(call, known.error());
  const runs::Registry& registry = context.parts().registry;
  context.answer_on(context.parts().queries, call, [&registry, call]() -> Result<net::Response> {
    const auto test = registry.test(call->captured[0]);
    if (!test) return std::unexpected(test.error());
    std::string body;
    append_test(body, *test);
    return json_response(std::move(body));
  });
}

}  // namespace telltale::api
