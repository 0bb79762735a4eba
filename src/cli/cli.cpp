#include "cli/cli.h"

#include <csignal>
#include <cstdlib>

#include "app/run_session.h"
#include "app/version.h"
#include "cli/context.h"

namespace telltale::cli {

namespace {

void add_common_options(Command program, CommonOptions& options) {
  program.option("--config", options.config, "Settings file (default: telltale.yaml here, in ~/.config/telltale, in /etc/telltale)")
      .type_name("FILE");
  program.option("--data", options.data, "Data folder (default: store.data, ./telltale-data)").type_name("DIR");
  program.option("--url", options.url, "Engine to ask (default: TELLTALE_URL, else the one of the data folder)").type_name("URL");
  program.option("--set", options.settings, "A setting by its path, as in --set server.port=9000").type_name("KEY=VALUE").one_value();
  program.option("--env", options.env, "Environment of the systems under test (default: TELLTALE_ENV, else the file's choice)")
      .type_name("NAME");
  program.option("--environments", options.environments, "File of environments (default: TELLTALE_ENVIRONMENTS, config/environments.yaml)")
      .type_name("FILE");
  program.flag("--json", options.json, "For programs: JSON on standard output");
}

// An empty variable of ours is one that is not set: `TELLTALE_URL= telltale …` asks nobody in particular.
std::optional<std::string> environment_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value != nullptr && *value == '\0' && name.starts_with("TELLTALE_")) value = nullptr;
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

int run(int argc, char** argv) {
  Context context;
  context.pipe_ignored = std::signal(SIGPIPE, SIG_IGN) == SIG_IGN;  // a closed pipe is an error of write(), not the end
  context.environment = environment_variable;
  const bool is_run = take_command(argc, argv, context.command);

  CommandLine command_line("telltale", "Telltale: the log lines that give a failing test away.", app::version_text());
  Command program = command_line.program();
  program.require_subcommand();
  add_common_options(program, context.options);
  add_serve(program, context);
  add_query(program, context);
  add_tail(program, context);
  add_runs(program, context);
  add_tests(program, context);
  add_logs(program, context);
  add_audit(program, context);
  add_test(program, context);
  add_config(program, context);
  add_store(program, context);
  add_token(program, context);
  add_engine(program, context);
  add_run(program, context);
  add_services(program, context);
  add_relay(program, context);
  const auto refused = command_line.parse(argc, argv);
  if (refused) return is_run && *refused != exit_good ? app::exit_not_run : *refused;
  if (context.end_signal) end_by_signal(*context.end_signal);
  return context.exit_code;
}

}  // namespace telltale::cli
