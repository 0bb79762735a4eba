// telltale runs: which runs there were, and what was found in one.
#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/listing.h"
#include "cli/run_events.h"
#include "cli/table.h"

namespace telltale::cli {

namespace {

using boost::json::object;

struct RunsOptions {
  std::string run;
  std::string state;
  std::string cursor;
  std::uint64_t limit = 20;
  std::string format = "text";
  std::string outcome;
  bool handled = false;  // a subcommand did it
};

double duration_ms(const object& run) {
  const auto started = base::parse_rfc3339(app::text_of(run, "started"));
  const auto finished = base::parse_rfc3339(app::text_of(run, "finished"));
  return started && finished ? static_cast<double>(*finished - *started) / 1e6 : 0;
}

std::uint64_t failures_of(const object& run) {
  const object& by_outcome = app::object_of(app::object_of(run, "tests"), "by_outcome");
  std::uint64_t failures = 0;
  for (const char* outcome : {"failed", "error", "crashed", "interrupted"}) failures += app::count_of(by_outcome, outcome);
  return failures;
}

std::string table_of(const boost::json::array& runs, bool colours) {
  Table table({"RUN", "OUTCOME", "STARTED", "DURATION", "TESTS", "FAILED", "NAME"});
  for (const auto& entry : runs) {
    if (!entry.is_object()) continue;
    const object& run = entry.get_object();
    const std::uint64_t failures = failures_of(run);
    table.add({{std::string(app::text_of(run, "run"))},
               outcome_cell(app::text_of(run, "outcome")),
               {time_text(app::text_of(run, "started"))},
               {duration_text(duration_ms(run))},
               {std::to_string(app::count_of(app::object_of(run, "tests"), "total"))},
               {std::to_string(failures), failures > 0 ? Tone::bad : Tone::plain},
               {std::string(app::text_of(run, "name"))}});
  }
  return table.text(colours);
}

int run_list(Context& context, Endpoint& endpoint, const RunsOptions& options) {
  std::string target = "/api/v1/runs";
  app::add_parameter(target, "state", options.state);
  app::add_parameter(target, "cursor", options.cursor);
  app::add_parameter(target, "limit", std::to_string(options.limit));
  return show(context, endpoint, {target, "runs", "There are no runs.", table_of});
}

// --- one run

void add_line(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out += fmt::format("{:<13}{}\n", name, base::to_printable(value));
}

std::string outcome_text(const object& run, bool colours) {
  const Cell outcome = outcome_cell(app::text_of(run, "outcome"));
  std::string text = coloured(outcome.text, outcome.tone, colours);
  if (const auto* code = run.if_contains("exit_code"); code != nullptr && code->is_int64())
    text += fmt::format(", exit code {}", code->get_int64());
  if (const auto by = app::text_of(run, "ended_by"); !by.empty()) text += fmt::format(" ({})", by);
  return fmt::format("{:<13}{}\n", "outcome", text);
}

std::string tests_text(const object& run) {
  const object& tests = app::object_of(run, "tests");
  std::string text = std::to_string(app::count_of(tests, "total"));
  const object& by_outcome = app::object_of(tests, "by_outcome");
  for (const auto& member : by_outcome) {
    const std::string_view name(member.key().data(), member.key().size());
    if (const std::uint64_t count = app::count_of(by_outcome, name); count > 0) text += fmt::format(", {} {}", count, name);
  }
  if (const std::uint64_t running = app::count_of(tests, "running"); running > 0) text += fmt::format(", {} running", running);
  return text;
}

std::string services_text(const object& run, bool colours) {
  const auto& services = app::array_of(run, "services");
  if (services.empty()) return {};
  Table table({"SERVICE", "STREAMS", "RECORDS", "ERRORS"});
  for (const auto& entry : services) {
    if (!entry.is_object()) continue;
    const object& service = entry.get_object();
    const std::uint64_t errors = app::count_of(service, "errors");
    table.add({{std::string(app::text_of(service, "name"))},
               {std::to_string(app::count_of(service, "streams"))},
               {std::to_string(app::count_of(service, "records"))},
               {std::to_string(errors), errors > 0 ? Tone::bad : Tone::plain}});
  }
  return "\n" + table.text(colours);
}

std::string errors_text(const object& run, bool colours) {
  const auto& tests = app::array_of(run, "tests_with_errors");
  if (tests.empty()) return {};
  Table table({"TEST", "ERRORS", "POSSIBLE", "NODE ID"});
  for (const auto& entry : tests) {
    if (!entry.is_object()) continue;
    const object& test = entry.get_object();
    table.add({{std::string(app::text_of(test, "test"))},
               {std::to_string(app::count_of(test, "errors")), Tone::bad},
               {std::to_string(app::count_of(test, "possible_errors"))},
               {std::string(app::text_of(test, "node_id"))}});
  }
  return "\n" + table.text(colours);
}

std::string gap_tests_text(const object& gap) {
  std::string out;
  for (const auto& entry : app::array_of(gap, "tests")) {
    if (!entry.is_object()) continue;
    out += out.empty() ? "; tests: " : ", ";
    out += base::to_printable(app::text_of(entry.get_object(), "node_id"));
  }
  if (const std::uint64_t more = app::count_of(gap, "more_tests"); more > 0) out += fmt::format(" and {} more", more);
  return out;
}

std::string gaps_text(const object& run) {
  std::string out;
  for (const auto& entry : app::array_of(run, "gaps")) {
    if (!entry.is_object()) continue;
    const object& gap = entry.get_object();
    out += fmt::format("gap in {}: {}{}\n", base::to_printable(app::text_of(gap, "service")), base::to_printable(app::text_of(gap, "text")),
                       gap_tests_text(gap));
  }
  if (const std::uint64_t more = app::count_of(run, "more_gaps"); more > 0) out += fmt::format("and {} more gaps\n", more);
  for (const auto& entry : app::array_of(run, "notes")) {
    if (entry.is_string()) out += fmt::format("note: {}\n", base::to_printable(std::string_view(entry.get_string())));
  }
  return out.empty() ? out : "\n" + out;
}

std::string files_text(const object& run) {
  const object& output = app::object_of(run, "output");
  const std::string_view folder = app::text_of(output, "folder");
  if (folder.empty() || app::text_of(output, "state") == "none") return {};
  const auto* is_final = output.if_contains("final");
  return fmt::format("{}{}", folder, is_final != nullptr && is_final->is_bool() && is_final->get_bool() ? "" : " (provisional)");
}

std::string run_text(const object& run, bool colours) {
  std::string out;
  add_line(out, "run", app::text_of(run, "run"));
  add_line(out, "name", app::text_of(run, "name"));
  out += outcome_text(run, colours);
  add_line(out, "started", time_text(app::text_of(run, "started")));
  if (const double duration = duration_ms(run); duration > 0) add_line(out, "duration", duration_text(duration));
  add_line(out, "framework", fmt::format("{} {}", app::text_of(run, "framework"), app::text_of(run, "framework_version")));
  add_line(out, "command", app::text_of(run, "command"));
  add_line(out, "folder", app::text_of(run, "folder"));
  add_line(out, "host", app::text_of(run, "host"));
  add_line(out, "environment", app::text_of(run, "environment"));
  add_line(out, "tests", tests_text(run));
  add_line(out, "records", std::to_string(app::count_of(run, "records")));
  add_line(out, "errors",
           fmt::format("{}, {} of them with several possible tests", app::count_of(run, "errors"), app::count_of(run, "possible_errors")));
  add_line(out, "files", files_text(run));
  return out + services_text(run, colours) + errors_text(run, colours) + gaps_text(run);
}

int run_one(Context& context, Endpoint& endpoint, const std::string& id) {
  const auto response = endpoint.get("/api/v1/runs/" + net::url_encode(id), app::answer_timeout_ns);
  if (!response) return report(response.error());
  if (context.options.json) {
    print(response->body);
    return exit_good;
  }
  const auto run = app::object_of(*response);
  if (!run) return report(run.error());
  print(run_text(*run, wants_colours(context)));
  return exit_good;
}

int run_runs(Context& context, const RunsOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  return options.run.empty() ? run_list(context, **endpoint, options) : run_one(context, **endpoint, options.run);
}

int run_report(Context& context, const RunsOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  std::string target = fmt::format("/api/v1/runs/{}/report", net::url_encode(options.run));
  app::add_parameter(target, "format", context.options.json ? "json" : options.format);
  const auto response = (*endpoint)->get(target, app::answer_timeout_ns);
  if (!response) return report(response.error());
  print(response->body);
  return exit_good;
}

// --- ending one that a shell began

int run_finish(Context& context, const RunsOptions& options) {
  const auto outcome = runs::parse_run_outcome(options.outcome);
  if (!outcome) {
    return report({base::ErrorCode::invalid_argument, fmt::format("'{}' is no outcome of a run", base::to_printable(options.outcome)),
                   "Use passed, failed, error, interrupted or no_tests."});
  }
  auto engine = find_engine(context);
  if (!engine) return report(engine.error());
  const std::string id = fmt::format("finish-{}", base::random_hex(context.random, 4));
  const auto answer = send_events(**engine, options.run, {make_event(context, id, runs::RunFinished{*outcome, std::nullopt})});
  return answer ? exit_good : report(answer.error());
}

}  // namespace

void add_runs(Command program, Context& context) {
  auto command = program.subcommand("runs", "Show runs, newest first, or one run; works without an engine too");
  auto options = std::make_shared<RunsOptions>();  // shared: the parser and the callbacks use it, as long as the command line lives
  command.option("run", options->run, "One run in detail").type_name("RUN");
  command.option("--state", options->state, "Only running or finished ones");
  command.option("--limit", options->limit, "At most so many").range(1, 1000).show_default();
  command.option("--cursor", options->cursor, "Go on where the answer before ended");
  command.on_run([&context, options] {
    if (!options->handled) context.exit_code = run_runs(context, *options);
  });
  auto finish = command.subcommand("finish", "End a run that was begun by `telltale test start`");
  finish.option("run", options->run, "The run").required().type_name("RUN");
  finish.option("--outcome", options->outcome, "passed failed error interrupted no_tests").required();
  finish.on_run([&context, options] {
    options->handled = true;
    context.exit_code = run_finish(context, *options);
  });
  auto report = command.subcommand("report", "A run as text, Markdown, JUnit XML, CTRF or JSON");
  report.option("run", options->run, "The run").required().type_name("RUN");
  report.option("--format", options->format, "text, markdown, junit, ctrf or json").show_default();
  report.on_run([&context, options] {
    options->handled = true;
    context.exit_code = run_report(context, *options);
  });
}

}  // namespace telltale::cli
