// telltale serve: the engine.
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>

#include "app/engine.h"
#include "cli/context.h"
#include "telemetry/log.h"

namespace telltale::cli {

namespace {

struct ServeOptions {
  std::vector<std::string> files;
  std::optional<std::string> host;
  std::optional<int> port;
  std::optional<int> health_port;
  std::optional<int> metrics_port;
};

// SIGINT and SIGTERM stay blocked in all threads; the main thread takes them when it is ready, so that none is lost while starting.
sigset_t block_stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

bool stop_is_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

// From the first signal on a second one ends the program at once: what was stored survives that by design.
void end_at_once_on_second_signal(const sigset_t& set) {
  std::signal(SIGINT, [](int) { std::_Exit(130); });
  std::signal(SIGTERM, [](int) { std::_Exit(143); });
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void add_files(config::Config& config, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  config::FileSource source;
  source.name = "--file";
  source.paths = patterns;
  config.files.push_back(std::move(source));
}

void say_ready(const app::EngineInfo& info) {
  note(fmt::format("telltale {} is ready: {}", info.version, info.url));
  note(fmt::format("  data     {}", info.data_folder));
  note(fmt::format("  token    {}", info.token_hint));
  for (const auto& warning : info.warnings) note(fmt::format("  warning  {}", warning));
}

int run_serve(Context& context, const ServeOptions& options) {
  const auto signals = block_stop_signals();
  auto request = context.load_request();
  const auto add = [&](const char* key, const auto& value) {
    if (value) request.overrides.emplace_back(key, fmt::format("{}", *value));
  };
  add("server.host", options.host);
  add("server.port", options.port);
  add("server.health_port", options.health_port);
  add("server.metrics_port", options.metrics_port);
  auto loaded = config::load(context.files, request);
  if (!loaded) return report(loaded.error());
  add_files(loaded->config, options.files);
  telemetry::set_log_level(loaded->config.log.level);

  auto engine = app::Engine::start(loaded->config, context.files, context.clock, context.random, stop_is_pending);
  if (!engine) return report(engine.error());
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  say_ready((*engine)->info());
  int signal = 0;
  sigwait(&signals, &signal);
  note(fmt::format("telltale: {}: stopping; a second signal ends at once", signal == SIGINT ? "SIGINT" : "SIGTERM"));
  end_at_once_on_second_signal(signals);
  const auto stopped = (*engine)->stop();
  return stopped ? exit_good : report(stopped.error());
}

}  // namespace

void add_serve(Command program, Context& context) {
  auto command = program.subcommand("serve", "Run the engine: capture, keep, stream, answer");
  auto options = std::make_shared<ServeOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("--file", options->files, "Watch the files of this pattern (* ? [..] **); may be repeated").type_name("GLOB").one_value();
  command.option("--host", options->host, "Address to listen on");
  command.option("--port", options->port, "Port for everything; 0: any").range(0, 65535);
  command.option("--health-port", options->health_port, "Port for health and REST; 0: none").range(0, 65535);
  command.option("--metrics-port", options->metrics_port, "Port for metrics; 0: none").range(0, 65535);
  command.on_run([&context, options] { context.exit_code = run_serve(context, *options); });
}

}  // namespace telltale::cli
