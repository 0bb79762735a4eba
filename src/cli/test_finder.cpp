#include "cli/test_finder.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"
#include "runs/model/run.h"

namespace telltale::cli {

namespace {

using boost::json::object;

constexpr std::string_view page_limit = "1000";
constexpr std::size_t max_shown = 20;

// How well a test fits; only the best count.
enum class Fit : std::uint8_t { part, name, node_id };

Fit fit_of(const object& test, std::string_view what) {
  const std::string_view node_id = app::text_of(test, "node_id");
  if (node_id == what) return Fit::node_id;
  const bool last_part =
      node_id.size() > what.size() + 2 && node_id.ends_with(what) && node_id.substr(0, node_id.size() - what.size()).ends_with("::");
  return last_part || app::text_of(test, "name") == what ? Fit::name : Fit::part;
}

base::Result<std::vector<object>> matching(Endpoint& endpoint, const TestWanted& wanted) {
  std::string target = "/api/v1/tests";
  app::add_parameter(target, "match", wanted.what);
  app::add_parameter(target, "run", wanted.run);
  app::add_parameter(target, "worker", wanted.worker);
  app::add_parameter(target, "limit", page_limit);
  std::vector<object> tests;
  std::string cursor;
  do {
    std::string page = target;
    app::add_parameter(page, "cursor", cursor);
    const auto response = endpoint.get(page, app::answer_timeout_ns);
    if (!response) return std::unexpected(response.error());
    auto answer = app::object_of(*response);
    if (!answer) return base::pass(answer);
    for (const auto& test : app::array_of(*answer, "tests")) {
      if (test.is_object()) tests.push_back(test.get_object());
    }
    cursor = app::text_of(*answer, "next_cursor");
  } while (!cursor.empty());
  return tests;
}

void keep_best(std::vector<object>& tests, std::string_view what) {
  Fit best = Fit::part;
  for (const object& test : tests) best = std::max(best, fit_of(test, what));
  std::erase_if(tests, [&](const object& test) { return fit_of(test, what) != best; });
}

// Newest first, as they came.
std::vector<const object*> newest_of_each_node_id(const std::vector<object>& tests) {
  std::vector<const object*> newest;
  for (const object& test : tests) {
    const bool known = std::any_of(newest.begin(), newest.end(),
                                   [&](const object* one) { return app::text_of(*one, "node_id") == app::text_of(test, "node_id"); });
    if (!known) newest.push_back(&test);
    if (newest.size() > max_shown) break;
  }
  return newest;
}

base::Error ambiguous(const TestWanted& wanted, const std::vector<const object*>& tests) {
  std::string list = "Name one of them, by its id or more of its name:";
  for (std::size_t i = 0; i < tests.size() && i < max_shown; ++i) {
    list += fmt::format("\n    {}  {}", app::text_of(*tests[i], "test"), base::to_printable(app::text_of(*tests[i], "node_id")));
  }
  if (tests.size() > max_shown) list += "\n    ... and more";
  return {base::ErrorCode::invalid_argument,
          fmt::format("'{}' fits {} tests", base::to_printable(wanted.what),
                      tests.size() > max_shown ? fmt::format("more than {}", max_shown) : std::to_string(tests.size())),
          std::move(list)};
}

void say_which(const object& test, std::size_t executions) {
  note(fmt::format("-- the newest of {} executions: {} (run {}, worker {}, attempt {})", executions, app::text_of(test, "test"),
                   app::text_of(test, "run"), app::text_of(test, "worker"), app::count_of(test, "attempt")));
}

}  // namespace

base::Result<object> find_test(Endpoint& endpoint, const TestWanted& wanted) {
  if (runs::is_test_id(wanted.what)) {
    const auto response = endpoint.get("/api/v1/tests/" + wanted.what, app::answer_timeout_ns);
    if (response) return app::object_of(*response);
    if (response.error().code != base::ErrorCode::test_not_found) return std::unexpected(response.error());
  }
  auto tests = matching(endpoint, wanted);
  if (!tests) return base::pass(tests);
  if (tests->empty()) {
    return base::fail(base::ErrorCode::test_not_found,
                      fmt::format("no test fits '{}'{}", base::to_printable(wanted.what),
                                  wanted.run.empty() ? "" : fmt::format(" in the run {}", base::to_printable(wanted.run))));
  }
  keep_best(*tests, wanted.what);
  const auto newest = newest_of_each_node_id(*tests);
  if (newest.size() > 1) return std::unexpected(ambiguous(wanted, newest));
  if (tests->size() > 1) say_which(tests->front(), tests->size());
  return tests->front();
}

}  // namespace telltale::cli
