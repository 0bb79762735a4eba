// telltale logs: what the services wrote during one test.
#include <fmt/format.h>

#include "app/answer.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/test_finder.h"

namespace telltale::cli {

namespace {

constexpr std::uint64_t page_records = 5000;

struct LogsOptions {
  TestWanted test;
  bool errors = false;
  bool certain = false;
  std::string format = "file";
  std::uint64_t limit = 0;  // 0: all
};

std::string target_of(const LogsOptions& options, const std::string& test, bool json) {
  std::string target = fmt::format("/api/v1/tests/{}/logs", test);
  app::add_parameter(target, "format", json || options.format == "json" ? "ndjson" : options.format);
  if (options.errors) app::add_parameter(target, "errors", "true");
  if (options.certain) app::add_parameter(target, "candidates", "false");
  return target;
}

// Page by page, so that a long log begins to show at once.
base::Status show_pages(Endpoint& endpoint, const std::string& target, std::uint64_t limit) {
  std::uint64_t shown = 0;
  std::string cursor;
  do {
    const std::uint64_t wanted = limit == 0 ? page_records : std::min(limit - shown, page_records);
    std::string page = target;
    app::add_parameter(page, "limit", std::to_string(wanted));
    app::add_parameter(page, "cursor", cursor);
    const auto response = endpoint.get(page, app::answer_timeout_ns);
    if (!response) return std::unexpected(response.error());
    print(response->body);
    shown += wanted;
    cursor = app::header_of(*response, "telltale-next-cursor");
  } while (!cursor.empty() && (limit == 0 || shown < limit));
  if (!cursor.empty()) note(fmt::format("-- there is more than the {} records of --limit", limit));
  return {};
}

int run_logs(Context& context, const LogsOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  const auto test = find_test(**endpoint, options.test);
  if (!test) return report(test.error());
  const std::string id(app::text_of(*test, "test"));
  const auto shown = show_pages(**endpoint, target_of(options, id, context.options.json), options.limit);
  if (!shown) return report(shown.error());
  if (app::text_of(*test, "finished").empty()) note("-- the test still runs: more may come");
  return exit_good;
}

}  // namespace

void add_logs(Command program, Context& context) {
  auto command = program.subcommand("logs", "Show what the services wrote during a test, oldest first; works without an engine too");
  auto options = std::make_shared<LogsOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("test", options->test.what, "The test: its id, node id, name, or a part of them").required().type_name("TEST");
  command.option("--run", options->test.run, "Of this run; default: the newest").type_name("RUN");
  command.option("--worker", options->test.worker, "Of this worker");
  command.flag("--errors", options->errors, "Only errors");
  command.flag("--certain", options->certain, "Without the lines that may be another test's as well ([shared])");
  command.option("--format", options->format, "file ([time] [service] line), text or ndjson").show_default();
  command.option("--limit", options->limit, "At most so many records; 0: all").show_default();
  command.on_run([&context, options] { context.exit_code = run_logs(context, *options); });
}

}  // namespace telltale::cli
