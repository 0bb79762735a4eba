// telltale engine: finds, starts and ends the engine of a data folder; for people, and for clients in any language.
#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/engine_life.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/engine_options.h"

namespace telltale::cli {

namespace {

struct EngineCommandOptions {
  std::string idle_exit = "30s";
};

// Programs that start an engine are to talk to it: the token is for them alone, on standard output.
std::string start_json(const app::EngineAddress& engine) {
  const boost::json::object object{{"url", engine.url},          {"token", engine.token},     {"pid", engine.pid},
                                   {"data", engine.data_folder}, {"started", engine.started}, {"version", engine.version}};
  return boost::json::serialize(object) + "\n";
}

std::string about(const app::EngineAddress& engine, std::string_view state) {
  return fmt::format("telltale {} {}: {}\n  data     {}\n  pid      {}\n", engine.version, state, engine.url, engine.data_folder,
                     engine.pid);
}

int run_start(Context& context, const EngineCommandOptions& options) {
  auto life_options = engine_life_options(context);
  if (!life_options) return report(life_options.error());
  const auto idle_exit = base::parse_duration(options.idle_exit);
  if (!idle_exit) return report(idle_exit.error());
  life_options->idle_exit_ns = *idle_exit;
  const auto engine = app::EngineLife(context.files, context.clock, std::move(*life_options)).start();
  if (!engine) return report(engine.error());
  if (const auto warning = app::version_warning(*engine)) note(fmt::format("telltale: {}", *warning));
  print(context.options.json ? start_json(*engine) : about(*engine, engine->started ? "was started" : "runs"));
  return exit_good;
}

int run_status(Context& context) {
  auto life_options = engine_life_options(context);
  if (!life_options) return report(life_options.error());
  const std::string data = life_options->data_folder;
  const auto engine = app::EngineLife(context.files, context.clock, std::move(*life_options)).attach();
  if (!engine && engine.error().code != base::ErrorCode::engine_not_found) return report(engine.error());
  if (!engine) {
    if (context.options.json) print(boost::json::serialize(boost::json::object{{"running", false}, {"data", data}}) + "\n");
    note(fmt::format("telltale: {}", engine.error().cause));
    return exit_check_failed;
  }
  if (const auto warning = app::version_warning(*engine)) note(fmt::format("telltale: {}", *warning));
  const boost::json::object object{
      {"running", true}, {"url", engine->url}, {"pid", engine->pid}, {"data", engine->data_folder}, {"version", engine->version}};
  print(context.options.json ? boost::json::serialize(object) + "\n" : about(*engine, "runs"));
  return exit_good;
}

int run_stop(Context& context) {
  auto life_options = engine_life_options(context);
  if (!life_options) return report(life_options.error());
  const auto engine = app::EngineLife(context.files, context.clock, std::move(*life_options)).stop();
  if (!engine) return report(engine.error());
  const boost::json::object object{{"pid", engine->pid}, {"data", engine->data_folder}};
  print(context.options.json ? boost::json::serialize(object) + "\n" : fmt::format("the engine with pid {} has ended\n", engine->pid));
  return exit_good;
}

}  // namespace

void add_engine(Command program, Context& context) {
  auto command = program.subcommand("engine", "Find, start or end the engine of a data folder");
  command.require_subcommand();
  auto options = std::make_shared<EngineCommandOptions>();  // shared: the parser and the callback use it
  auto start = command.subcommand("start", "Attach to the engine that runs, or start one in the background; --json has its token");
  start.option("--idle-exit", options->idle_exit, "A started engine ends when nothing used it for so long; 0: never").show_default();
  start.on_run([&context, options] { context.exit_code = run_start(context, *options); });
  auto status = command.subcommand("status", "The engine that runs; exit code 3 when there is none");
  status.on_run([&context] { context.exit_code = run_status(context); });
  auto stop = command.subcommand("stop", "End the engine, and wait until it has stored everything");
  stop.on_run([&context] { context.exit_code = run_stop(context); });
}

}  // namespace telltale::cli
