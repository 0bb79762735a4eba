// telltale relay: reads the pipes of started programs (docs/reference/process-source.md). This program starts it itself, with the socket
// that controls it at descriptor 3; it is not in the help.
#include "app/relay_main.h"
#include "cli/context.h"
#include "cli/engine_options.h"

namespace telltale::cli {

namespace {

int run_relay(Context& context) {
  auto control = app::relay_control();
  if (!control) return report(control.error());
  auto options = engine_life_options(context);
  if (!options) return report(options.error());
  // Whoever starts a relay and knows where the named engine has its data says so with --data.
  std::string heir = context.options.data ? options->data_folder : "";
  app::EngineFinder finder(context.files, context.clock, std::move(*options), std::move(heir));
  const auto done = app::run_relay(context.clock, context.random, finder, std::move(*control));
  return done ? exit_good : report(done.error());
}

}  // namespace

void add_relay(Command program, Context& context) {
  auto command = program.subcommand("relay", "Read the pipes of started programs; started by this program itself");
  command.hide();
  command.on_run([&context] { context.exit_code = run_relay(context); });
}

}  // namespace telltale::cli
