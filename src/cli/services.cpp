// telltale services start: runs the environment's services for a program that says when they are to end, by closing standard input
// (docs/reference/services.md).
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/launch.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/engine_options.h"
#include "config/environments.h"
#include "runs/model/run.h"
#include "sources/launch/service_set.h"

namespace telltale::cli {

namespace {

using boost::json::object;

constexpr std::int64_t connect_ns = base::nanos_per_second;              // before the services start, for an engine
constexpr std::int64_t patience_ns = 700 * base::nanos_per_millisecond;  // at the end, for one that takes nothing more
constexpr std::int64_t most_drain_ns = 10 * base::nanos_per_second;      // and for one that takes it slowly

struct ServicesOptions {
  std::string run;
};

// One JSON object a line on standard output. Nobody need be there to read it: standard input says when to end.
void say(const object& event) {
  const std::string line = boost::json::serialize(event) + "\n";
  static_cast<void>(::write(STDOUT_FILENO, line.data(), line.size()));
}

class Reporter final : public sources::ServiceListener {
 public:
  void on_started(const std::string& service, std::int64_t pid) override {
    say({{"event", "started"}, {"service", service}, {"pid", pid}});
  }
  void on_ready(const std::string& service) override { say({{"event", "ready"}, {"service", service}}); }
  void on_failed(const std::string& service, const sources::ServiceFailure& failure) override {
    boost::json::array lines;
    for (const auto& line : failure.lines) lines.emplace_back(line);
    say({{"event", "failed"}, {"service", service}, {"message", base::to_valid_utf8(failure.text())}, {"lines", std::move(lines)}});
  }
  void on_ended(const std::string& service, const sources::ExitStatus& status, bool asked) override {
    object event{{"event", "ended"}, {"service", service}, {"asked", asked}};
    if (status.by_signal)
      event["signal"] = status.number;
    else
      event["exit_code"] = status.number;
    say(event);
  }
};

// Standard input's end, SIGTERM and SIGHUP ask for the end; SIGINT does not, for the terminal sends it to whoever started this too.
class EndRequest {
 public:
  explicit EndRequest(sources::Loop& loop) : loop_(loop) {
    std::signal(SIGINT, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = base::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    loop_.watch(signals_.get(), [this] {
      signalfd_siginfo info{};
      if (::read(signals_.get(), &info, sizeof info) > 0) asked_ = true;
    });
    loop_.watch(STDIN_FILENO, [this] { read_input(); });
  }
  ~EndRequest() {
    loop_.unwatch(signals_.get());
    if (!closed_) loop_.unwatch(STDIN_FILENO);
  }
  EndRequest(const EndRequest&) = delete;
  EndRequest& operator=(const EndRequest&) = delete;

  bool asked() const { return asked_; }

 private:
  void read_input() {
    std::array<char, 4096> text{};
    const ssize_t got = ::read(STDIN_FILENO, text.data(), text.size());
    if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN))) return;
    asked_ = true;
    closed_ = true;
    loop_.unwatch(STDIN_FILENO);
  }

  sources::Loop& loop_;
  base::Descriptor signals_;
  bool asked_ = false;
  bool closed_ = false;
};

// What is to be known before anything is started.
struct Plan {
  std::string run;
  config::Loaded settings;
  config::LoadedEnvironment environment;
  app::EngineLifeOptions engine;
};

base::Result<Plan> plan(Context& context, const ServicesOptions& options) {
  if (!runs::is_run_id(options.run)) {
    return base::fail(base::ErrorCode::invalid_argument, fmt::format("'{}' is no run id", base::to_printable(options.run)),
                      "Use 1 to 64 letters, digits and . _ -, beginning with a letter or digit.");
  }
  auto engine = engine_life_options(context);
  if (!engine) return base::pass(engine);
  auto settings = context.load_config();
  if (!settings) return base::pass(settings);
  auto environment = config::load_environment(context.files, context.load_request());
  if (!environment) return base::pass(environment);
  if (auto missing = config::missing_in(*environment, "monitoring"); !missing) return base::pass(missing);
  return Plan{options.run, std::move(*settings), std::move(*environment), std::move(*engine)};
}

// An engine that is not there holds nobody up.
void wait_for_engine(sources::Loop& loop, const base::Clock& clock, const sources::RelayKeeper& keeper, const EndRequest& request) {
  const auto known = [&] { return keeper.is_connected() || !keeper.trouble().empty() || request.asked(); };
  loop.run_until(known, clock.mono() + connect_ns);
  if (keeper.is_connected() || request.asked()) return;
  const std::string& trouble = keeper.trouble();
  say({{"event", "warning"},
       {"message", base::to_valid_utf8(fmt::format("what the services write is not captured yet: {}",
                                                   trouble.empty() ? "the engine does not answer" : trouble))}});
}

int run_start(Context& context, const ServicesOptions& options) {
  auto planned = plan(context, options);
  if (!planned) return report(planned.error());
  for (const auto& warning : planned->environment.warnings) note(fmt::format("warning: {}", warning));
  sources::Loop loop(context.clock);
  const EndRequest request(loop);
  Reporter reporter;
  app::Redactor redactor(planned->settings.config);
  sources::ServiceSet* set = nullptr;
  sources::RelayKeeper keeper(app::relay_keeper_options(planned->engine, planned->run, context.random),
                              {loop, context.clock, [&set](std::uint32_t stream) {
                                 if (set != nullptr) set->on_ready_line(stream);
                               }});
  if (const auto started = keeper.start(); !started) say({{"event", "warning"}, {"message", started.error().message()}});
  wait_for_engine(loop, context.clock, keeper, request);
  sources::ServiceSet services(
      planned->environment.environment.services, {.environment = app::program_environment(planned->run)},
      {loop, context.clock, context.files, keeper, [&](std::string_view text) { return redactor.redact(text); }, reporter});
  set = &services;
  services.start();
  if (loop.run_until([&] { return services.is_settled() || request.asked(); }) && services.is_settled()) say({{"event", "ready_all"}});
  loop.run_until([&] { return request.asked(); });
  services.end();
  loop.run_until([&] { return services.is_over(); });
  if (keeper.was_connected()) keeper.drain_all(patience_ns, most_drain_ns, [] { return false; });
  keeper.finish();
  set = nullptr;
  return exit_good;
}

}  // namespace

void add_services(Command program, Context& context) {
  auto command = program.subcommand("services", "The services of an environment, for programs that run tests");
  command.require_subcommand();
  auto options = std::make_shared<ServicesOptions>();  // shared: the parser and the callback use it
  auto start = command.subcommand(
      "start", "Start the environment's services, say on standard output what happens to them, end them when standard input closes");
  start.option("--run", options->run, "The run they belong to").required().type_name("RUN");
  start.on_run([&context, options] { context.exit_code = run_start(context, *options); });
}

}  // namespace telltale::cli
