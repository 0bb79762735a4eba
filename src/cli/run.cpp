// telltale run -- COMMAND: captures what a command and its services write, as one run (docs/reference/run-command.md).
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>

#include <fmt/format.h>

#include "app/run_session.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/engine_options.h"
#include "config/environments.h"

namespace telltale::cli {

namespace {

using base::ErrorCode;
using base::fail;

constexpr std::size_t run_id_bytes = 3;
constexpr const char* default_output = "logs/pod_logs";

struct RunOptions {
  std::string name;
  std::string output;
  bool no_audit = false;
  std::vector<std::string> words;  // a command without "--" before it
};

// UTC to the second, and something that tells runs of one second apart.
std::string new_run_id(Context& context) {
  const std::time_t seconds = context.clock.wall() / base::nanos_per_second;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &utc);
  return fmt::format("{}-{}", text, base::random_hex(context.random, run_id_bytes));
}

base::Status check_words(const Context& context, const RunOptions& options) {
  if (!options.words.empty()) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' stands before '--'", base::to_printable(options.words.front())),
                "Put -- before the command: telltale run [OPTIONS] -- COMMAND [WORDS].");
  }
  if (context.command.empty() || context.command.front().empty())
    return fail(ErrorCode::invalid_argument, "there is no command", "Name it behind --, as in: telltale run -- make test");
  return {};
}

bool is_asked_for(Context& context) {
  return context.options.env || context.options.environments || context.environment("TELLTALE_ENV") ||
         context.environment("TELLTALE_ENVIRONMENTS");
}

// Nothing: there is no file, or it does not say which of its environments counts, and nobody asked for one.
base::Result<std::optional<config::EnvironmentConfig>> environment_of(Context& context) {
  const auto request = context.load_request();
  const bool asked = is_asked_for(context);
  if (!asked && !config::has_environments(context.files, request)) return std::nullopt;
  auto loaded = config::load_environment(context.files, request);
  if (!loaded && !asked && loaded.error().code == ErrorCode::environment_not_found) {
    note(fmt::format("telltale: no environment: {}", loaded.error().cause));
    return std::nullopt;
  }
  if (!loaded) return base::pass(loaded);
  if (auto missing = config::missing_in(*loaded, "monitoring"); !missing) return base::pass(missing);
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  std::string selected;
  for (const auto& service : loaded->environment.services)
    if (!service.selector.empty()) selected += (selected.empty() ? "" : ", ") + service.name;
  if (!selected.empty()) {
    note(fmt::format(
        "telltale: services chosen by a selector are not watched, the source for pods is not there yet; name their files or a command: {}",
        selected));
  }
  return std::move(loaded->environment);
}

std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.lexically_normal().string();
}

std::string output_of(Context& context, const RunOptions& options, bool has_environment) {
  if (!options.output.empty()) return absolute(options.output);
  if (const auto named = context.environment("TELLTALE_OUTPUT")) return absolute(*named);
  return has_environment ? absolute(default_output) : std::string();
}

base::Result<app::RunPlan> plan(Context& context, const RunOptions& options) {
  if (auto good = check_words(context, options); !good) return base::pass(good);
  auto engine = engine_life_options(context);
  if (!engine) return base::pass(engine);
  auto settings = context.load_config();
  if (!settings) return base::pass(settings);
  auto environment = environment_of(context);
  if (!environment) return base::pass(environment);
  app::RunPlan plan;
  plan.run = new_run_id(context);
  plan.name = options.name;
  plan.command = context.command;
  plan.folder = context.load_request().working_folder;
  plan.settings = std::move(settings->config);
  plan.environment = std::move(*environment);
  plan.output = output_of(context, options, plan.environment.has_value());
  plan.audit = !options.no_audit && context.environment("TELLTALE_AUDIT") != "off";
  plan.engine = std::move(*engine);
  plan.signals.pipe_ignored = context.pipe_ignored;
  pthread_sigmask(SIG_BLOCK, nullptr, &plan.signals.mask);
  return plan;
}

// Before any service is started for it.
base::Status check_program(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status))
    return fail(ErrorCode::file_not_found, fmt::format("{} is not there", base::to_printable(path)), "Check the path.");
  if (std::filesystem::is_directory(status)) {
    return fail(ErrorCode::permission_denied, fmt::format("{} is a folder", base::to_printable(path)), "Name a program.");
  }
  if (::access(path.c_str(), X_OK) == 0) return {};
  return fail(ErrorCode::permission_denied, fmt::format("{} may not be executed", base::to_printable(path)),
              "Give the right to (chmod +x).");
}

int own_code(const base::Error& error) {
  report(error);
  if (error.code == ErrorCode::file_not_found) return 127;
  return error.code == ErrorCode::permission_denied ? 126 : app::exit_not_run;
}

int run_run(Context& context, const RunOptions& options) {
  auto planned = plan(context, options);
  if (!planned) {
    report(planned.error());
    return app::exit_not_run;
  }
  auto path = base::find_program(planned->command.front(), context.environment("PATH").value_or(""), {});
  if (!path) return own_code(path.error());
  if (auto usable = check_program(*path); !usable) return own_code(usable.error());
  planned->path = std::move(*path);
  app::RunSession session(std::move(*planned), {context.files, context.clock, context.random, [](std::string_view line) { note(line); }});
  const auto result = session.run();
  if (result.status.by_signal) context.end_signal = result.status.number;
  return result.status.shell_code();
}

}  // namespace

bool take_command(int& argc, char** argv, std::vector<std::string>& command) {
  bool is_run = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    is_run = is_run || word == "run";
    if (word != "--") continue;
    if (is_run) {
      command.assign(argv + i + 1, argv + argc);
      argc = i;
    }
    break;
  }
  return is_run;
}

void end_by_signal(int number) {
  const rlimit no_core{0, 0};  // there is one of the command already
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  // It may be blocked, or be waiting here already because it was sent to this process too.
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(number);
}

void add_run(Command program, Context& context) {
  auto command = program.subcommand("run", "Run a command and capture what it and its services write, as one run: telltale run -- COMMAND");
  auto options = std::make_shared<RunOptions>();  // shared: the parser and the callback use it
  command.option("--name", options->name, "A name for the run").type_name("NAME");
  command.option("--output", options->output, "Folder of the log files (default: logs/pod_logs when there is an environment)")
      .type_name("FOLDER");
  command.flag("--no-audit", options->no_audit, "Do not compare at the end what is stored with what the services' files hold");
  command.option("command", options->words, "-- and the command with its words").type_name("-- COMMAND");
  command.on_run([&context, options] { context.exit_code = run_run(context, *options); });
}

}  // namespace telltale::cli
