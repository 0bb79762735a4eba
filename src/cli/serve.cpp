// telltale serve: the engine.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/format.h>

#include "app/engine.h"
#include "app/engine_file.h"
#include "base/descriptor.h"
#include "base/text.h"
#include "cli/context.h"
#include "net/http/client.h"
#include "telemetry/log.h"

namespace telltale::cli {

namespace {

constexpr std::int64_t lock_patience_ns = 8 * base::nanos_per_second;  // for an engine that is about to end
constexpr std::int64_t lock_look_ns = 20 * base::nanos_per_millisecond;

struct ServeOptions {
  std::vector<std::string> files;
  std::optional<std::string> host;
  std::optional<int> port;
  std::optional<int> health_port;
  std::optional<int> metrics_port;
  std::string idle_exit = "0";
  std::optional<int> ready_descriptor;
  bool automatic = false;
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

base::Result<config::Loaded> load_settings(Context& context, const ServeOptions& options) {
  auto request = context.load_request();
  const auto add = [&](const char* key, const auto& value) {
    if (value) request.overrides.emplace_back(key, fmt::format("{}", *value));
  };
  add("server.host", options.host);
  add("server.port", options.port);
  add("server.health_port", options.health_port);
  add("server.metrics_port", options.metrics_port);
  auto loaded = config::load(context.files, request);
  if (loaded) add_files(loaded->config, options.files);
  return loaded;
}

// What an engine that nobody looks after is, whatever the settings say: on this machine alone, with a token. Where the engine before it
// was killed, it takes its port and token, so that programs which were told them find it.
void make_automatic(Context& context, config::Config& config) {
  config::ServerConfig& server = config.server;
  server.host = "127.0.0.1";
  server.port = server.health_port = server.metrics_port = 0;
  server.tls_certificate.clear();
  server.tls_key.clear();
  server.require_token = true;
  const auto before = app::read_engine_file(context.files, config.store.data);
  if (!before || !*before) return;
  if (const auto url = net::parse_url((*before)->url)) server.port = url->port;
  if (server.token.empty()) server.token = config::Secret((*before)->token);
}

base::Result<std::unique_ptr<app::Engine>> start_engine(Context& context, config::Config& config, bool automatic) {
  const auto start = [&] { return app::Engine::start(config, context.files, context.clock, context.random, stop_is_pending); };
  const base::MonoNanos deadline = context.clock.mono() + lock_patience_ns;
  auto engine = start();
  while (automatic && !engine && context.clock.mono() < deadline) {
    if (engine.error().code == base::ErrorCode::address_in_use && config.server.port != 0) {
      config.server.port = 0;
    } else if (engine.error().code == base::ErrorCode::store_locked) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(lock_look_ns));
    } else {
      break;
    }
    engine = start();
  }
  return engine;
}

void say_ready_to_starter(int number) {
  const base::Descriptor descriptor(number);
  // A starter that is gone by now needs no answer.
  static_cast<void>(::write(descriptor.get(), "1", 1));
}

// The signal that asks for the end, or 0 when the engine is idle for the time (0: it may be for ever).
int wait_for_end(app::Engine& engine, const sigset_t& signals, std::int64_t idle_ns) {
  int signal = 0;
  if (idle_ns == 0) {
    sigwait(&signals, &signal);
    return signal;
  }
  const std::int64_t look = std::clamp<std::int64_t>(idle_ns / 10, 20 * base::nanos_per_millisecond, base::nanos_per_second);
  const timespec wait{look / base::nanos_per_second, look % base::nanos_per_second};
  while (!engine.end_if_idle(idle_ns)) {
    signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal > 0) return signal;
  }
  return 0;
}

int run_serve(Context& context, const ServeOptions& options) {
  const auto signals = block_stop_signals();
  const auto idle_exit = base::parse_duration(options.idle_exit);
  if (!idle_exit) return report(idle_exit.error());
  auto loaded = load_settings(context, options);
  if (!loaded) return report(loaded.error());
  if (options.automatic) make_automatic(context, loaded->config);
  telemetry::set_log_level(loaded->config.log.level);

  auto engine = start_engine(context, loaded->config, options.automatic);
  if (!engine) return report(engine.error());
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  say_ready((*engine)->info());
  if (options.ready_descriptor) say_ready_to_starter(*options.ready_descriptor);
  const int signal = wait_for_end(**engine, signals, *idle_exit);
  note(signal == 0 ? fmt::format("telltale: nothing used the engine for {}: stopping", options.idle_exit)
                   : fmt::format("telltale: {}: stopping; a second signal ends at once", signal == SIGINT ? "SIGINT" : "SIGTERM"));
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
  command.option("--idle-exit", options->idle_exit, "End when nothing used the engine for so long, as in 30s; 0: never").show_default();
  command.flag("--automatic", options->automatic, "As `telltale engine start` runs it: on this machine alone, a free port, with a token");
  command.option("--ready-descriptor", options->ready_descriptor, "For programs that start the engine: written to when it is ready")
      .range(3, 1023);
  command.on_run([&context, options] { context.exit_code = run_serve(context, *options); });
}

}  // namespace telltale::cli
