#include "cli/cli.h"

#include <csignal>
#include <cstdlib>

#include "app/version.h"
#include "cli/context.h"

namespace telltale::cli {

namespace {

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--config", options.config, "Settings file (default: telltale.yaml here, in ~/.config/telltale, in /etc/telltale)")
      ->type_name("FILE");
  app.add_option("--data", options.data, "Data folder (default: store.data, ./telltale-data)")->type_name("DIR");
  app.add_option("--url", options.url, "Engine to ask (default: TELLTALE_URL, else the one of the data folder)")->type_name("URL");
  app.add_option("--set", options.settings, "A setting by its path, as in --set server.port=9000")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--json", options.json, "For programs: JSON on standard output");
}

std::optional<std::string> environment_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(), not the end
  Context context;
  context.environment = environment_variable;

  CLI::App app("Telltale: the log lines that give a failing test away.", "telltale");
  app.set_version_flag("--version", app::version_text());
  app.require_subcommand(1);
  app.fallthrough();
  add_common_options(app, context.options);
  add_serve(app, context);
  add_query(app, context);
  add_tail(app, context);
  add_config(app, context);
  add_store(app, context);
  add_token(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? exit_good : exit_usage;
  }
  return context.exit_code;
}

}  // namespace telltale::cli
