// telltale test start|finish: marks tests from any shell.
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/run_events.h"
#include "cli/test_finder.h"
#include "runs/model/test_identity.h"

namespace telltale::cli {

namespace {

using base::ErrorCode;
using base::fail;
using boost::json::object;

struct TestOptions {
  std::string what;  // start: the name; finish: id, name or part
  std::string run;   // else TELLTALE_RUN
  std::string worker;
  std::uint64_t attempt = 0;  // 0: the next
  std::string outcome;
  std::string message;
};

base::Result<std::string> run_of(Context& context, const TestOptions& options) {
  const std::string run = options.run.empty() ? context.environment("TELLTALE_RUN").value_or("") : options.run;
  if (run.empty()) return fail(ErrorCode::invalid_argument, "no run is named", "Give --run RUN, or work within `telltale run -- COMMAND`.");
  if (runs::is_run_id(run)) return run;
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no run id", base::to_printable(run)),
              "Use 1 to 64 letters, digits and . _ -, beginning with a letter or digit.");
}

// The tests of the run that fit, newest first; none where there is no such run yet.
base::Result<std::vector<object>> tests_of(Remote& engine, const std::string& run, const TestOptions& options, bool running) {
  std::string target = "/api/v1/tests";
  app::add_parameter(target, "run", run);
  app::add_parameter(target, "match", options.what);
  app::add_parameter(target, "worker", options.worker);
  if (running) app::add_parameter(target, "outcome", "running");
  app::add_parameter(target, "limit", "10000");
  const auto response = engine.get(target, app::answer_timeout_ns);
  if (!response && response.error().code == ErrorCode::run_not_found) return std::vector<object>();
  if (!response) return std::unexpected(response.error());
  const auto answer = app::object_of(*response);
  if (!answer) return std::unexpected(answer.error());
  std::vector<object> tests;
  for (const auto& test : app::array_of(*answer, "tests")) {
    if (test.is_object()) tests.push_back(test.get_object());
  }
  return tests;
}

// --- start

base::Result<std::uint32_t> next_attempt(Remote& engine, const std::string& run, const TestOptions& options) {
  if (options.attempt > 0) return static_cast<std::uint32_t>(options.attempt);
  const auto tests = tests_of(engine, run, options, false);
  if (!tests) return std::unexpected(tests.error());
  std::uint64_t last = 0;
  for (const object& test : *tests) {
    if (app::text_of(test, "node_id") == options.what) last = std::max(last, app::count_of(test, "attempt"));
  }
  return static_cast<std::uint32_t>(last + 1);
}

// A run that a shell begins has nobody who stays connected for it. Its event has a fixed id: whoever is first makes the run.
runs::RunStarted shell_run(Context& context, const std::string& run) {
  runs::RunStarted started;
  started.name = run;
  started.framework = "shell";
  started.lifetime = runs::Lifetime::lease;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0) started.host = host;
  started.folder = context.environment("PWD").value_or("");
  return started;
}

base::Result<std::string> start_test(Context& context, Remote& engine, const TestOptions& options) {
  const auto run = run_of(context, options);
  if (!run) return std::unexpected(run.error());
  const auto attempt = next_attempt(engine, *run, options);
  if (!attempt) return std::unexpected(attempt.error());
  const runs::ShellTest test{*run, options.what, options.worker, *attempt};
  runs::TestStarted started;
  started.test = runs::test_id_of(test);
  started.node_id = test.node_id;
  started.name = std::string(runs::test_name_of(test.node_id));
  started.attempt = test.attempt;
  started.worker = test.worker;
  started.file_stem = runs::file_stem_of(test, context.clock.wall());
  const runs::Event event = make_event(context, "start-" + started.test, started);
  auto answer = send_events(engine, *run, {event});
  if (!answer && answer.error().code == ErrorCode::run_not_found) {
    answer = send_events(engine, *run, {make_event(context, "shell-run-started", shell_run(context, *run)), event});
  }
  if (!answer) return std::unexpected(answer.error());
  if (app::count_of(*answer, "duplicates") > 0 && app::count_of(*answer, "accepted") == 0) note("-- it was started already");
  return started.test;
}

int run_start(Context& context, const TestOptions& options) {
  auto engine = find_engine(context);
  if (!engine) return report(engine.error());
  const auto id = start_test(context, **engine, options);
  if (!id) return report(id.error());
  print(context.options.json ? fmt::format("{{\"test\":\"{}\"}}\n", *id) : *id + "\n");
  return exit_good;
}

// --- finish

base::Error several(const std::vector<object>& tests) {
  std::string list = "Name one of them by its id:";
  for (const object& test : tests) {
    list += fmt::format("\n    {}  {} (worker {})", app::text_of(test, "test"), base::to_printable(app::text_of(test, "node_id")),
                        app::text_of(test, "worker"));
  }
  return {ErrorCode::invalid_argument, fmt::format("{} tests run", tests.size()), std::move(list)};
}

// The one that is named, else the one that runs.
base::Result<object> test_to_finish(Context& context, Remote& engine, const TestOptions& options) {
  const bool by_id = runs::is_test_id(options.what) && options.run.empty();
  const auto run = run_of(context, options);
  if (!run && !by_id) return std::unexpected(run.error());
  if (by_id) {
    const auto response = engine.get("/api/v1/tests/" + options.what, app::answer_timeout_ns);
    if (response) return app::object_of(*response);
    if (!run || response.error().code != ErrorCode::test_not_found) return std::unexpected(response.error());
  }
  auto tests = tests_of(engine, *run, options, true);
  if (!tests) return base::pass(tests);
  if (tests->empty()) {
    return fail(ErrorCode::test_not_found,
                options.what.empty() ? fmt::format("no test runs in the run {}", *run)
                                     : fmt::format("no test that runs in the run {} fits '{}'", *run, base::to_printable(options.what)),
                "Begin one with `telltale test start NAME`, or see `telltale tests`.");
  }
  std::vector<object> exact = *tests;
  std::erase_if(exact, [&](const object& test) {
    return app::text_of(test, "node_id") != options.what && app::text_of(test, "name") != options.what;
  });
  if (!exact.empty()) *tests = std::move(exact);
  if (tests->size() > 1) return std::unexpected(several(*tests));
  return tests->front();
}

base::Result<runs::TestOutcome> outcome_of(const TestOptions& options) {
  if (const auto outcome = runs::parse_test_outcome(options.outcome)) return *outcome;
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no outcome", base::to_printable(options.outcome)),
              "Use passed, failed, error, skipped, xfailed, xpassed, rerun, crashed or interrupted.");
}

base::Result<std::string> finish_test(Context& context, Remote& engine, const TestOptions& options) {
  const auto outcome = outcome_of(options);
  if (!outcome) return std::unexpected(outcome.error());
  const auto test = test_to_finish(context, engine, options);
  if (!test) return std::unexpected(test.error());
  runs::TestFinished finished;
  finished.test = app::text_of(*test, "test");
  finished.outcome = *outcome;
  finished.message = options.message;
  const auto started = base::parse_rfc3339(app::text_of(*test, "started"));
  if (started) finished.duration_ns = std::max<std::int64_t>(context.clock.wall() - *started, 0);
  // Each call is an event of its own: the last word about the outcome counts.
  const std::string id = fmt::format("finish-{}-{}", finished.test, base::random_hex(context.random, 4));
  const auto answer = send_events(engine, std::string(app::text_of(*test, "run")), {make_event(context, id, finished)});
  if (!answer) return std::unexpected(answer.error());
  return finished.test;
}

int run_finish(Context& context, const TestOptions& options) {
  auto engine = find_engine(context);
  if (!engine) return report(engine.error());
  const auto id = finish_test(context, **engine, options);
  if (!id) return report(id.error());
  if (context.options.json) print(fmt::format("{{\"test\":\"{}\"}}\n", *id));
  return exit_good;
}

void add_start(Command parent, Context& context) {
  auto command = parent.subcommand("start", "Begin a test; prints its id. A run that is not there yet is begun too");
  auto options = std::make_shared<TestOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  options->worker = "shell";
  command.option("name", options->what, "Name of the test, as in checkout or shop.sh::checkout").required().type_name("NAME");
  command.option("--run", options->run, "The run (default: TELLTALE_RUN)").type_name("RUN");
  command.option("--worker", options->worker, "Who runs it; tests of one worker come one after the other").show_default();
  command.option("--attempt", options->attempt, "Counts from 1 (default: the next)").range(1, 1'000'000);
  command.on_run([&context, options] { context.exit_code = run_start(context, *options); });
}

void add_finish(Command parent, Context& context) {
  auto command = parent.subcommand("finish", "End a test");
  auto options = std::make_shared<TestOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("test", options->what, "The test: its id, name or a part (default: the one that runs)").type_name("TEST");
  command.option("--outcome", options->outcome, "passed failed error skipped xfailed xpassed rerun crashed interrupted").required();
  command.option("--message", options->message, "What went wrong");
  command.option("--run", options->run, "The run (default: TELLTALE_RUN)").type_name("RUN");
  command.option("--worker", options->worker, "Only of this worker");
  command.on_run([&context, options] { context.exit_code = run_finish(context, *options); });
}

}  // namespace

void add_test(Command program, Context& context) {
  auto command = program.subcommand("test", "Mark tests from a shell, so that lines of the services are tied to them");
  command.require_subcommand();
  add_start(command, context);
  add_finish(command, context);
}

}  // namespace telltale::cli
