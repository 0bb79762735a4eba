// telltale tests: which tests ran, and how they ended.
#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/listing.h"
#include "cli/table.h"

namespace telltale::cli {

namespace {

struct TestsOptions {
  std::string run;
  std::string match;
  std::string outcome;
  std::string worker;
  std::string cursor;
  std::uint64_t limit = 100;
};

std::string target_of(const TestsOptions& options) {
  std::string target = "/api/v1/tests";
  app::add_parameter(target, "run", options.run);
  app::add_parameter(target, "match", options.match);
  app::add_parameter(target, "outcome", options.outcome);
  app::add_parameter(target, "worker", options.worker);
  app::add_parameter(target, "cursor", options.cursor);
  app::add_parameter(target, "limit", std::to_string(options.limit));
  return target;
}

std::string table_of(const boost::json::array& tests, bool colours) {
  Table table({"TEST", "OUTCOME", "STARTED", "DURATION", "WORKER", "ATTEMPT", "NODE ID"});
  for (const auto& entry : tests) {
    if (!entry.is_object()) continue;
    const auto& test = entry.get_object();
    table.add({{std::string(app::text_of(test, "test"))},
               outcome_cell(app::text_of(test, "outcome")),
               {time_text(app::text_of(test, "started"))},
               {duration_text(app::number_of(test, "duration_ms"))},
               {std::string(app::text_of(test, "worker"))},
               {std::to_string(app::count_of(test, "attempt"))},
               {std::string(app::text_of(test, "node_id"))}});
  }
  return table.text(colours);
}

int run_tests(Context& context, const TestsOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  return show(context, **endpoint, {target_of(options), "tests", "No test fits.", table_of});
}

}  // namespace

void add_tests(Command program, Context& context) {
  auto command = program.subcommand("tests", "Show tests, newest first, from the running engine or, without one, from the data folder");
  auto options = std::make_shared<TestsOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("--run", options->run, "Only of this run").type_name("RUN");
  command.option("--match", options->match, "Only with this id, node id, or part of it").type_name("TEXT");
  command.option("--outcome", options->outcome,
                 "Only with this outcome: running passed failed error skipped xfailed xpassed rerun crashed interrupted");
  command.option("--worker", options->worker, "Only of this worker");
  command.option("--limit", options->limit, "At most so many").range(1, 10000).show_default();
  command.option("--cursor", options->cursor, "Go on where the answer before ended");
  command.on_run([&context, options] { context.exit_code = run_tests(context, *options); });
}

}  // namespace telltale::cli
