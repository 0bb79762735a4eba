// telltale config: are the settings right, and what are they?
#include "config/load.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/context.h"

namespace telltale::cli {

namespace {

std::string problems_json(const std::vector<config::Problem>& problems) {
  std::string out = "{\"problems\":[";
  for (const auto& problem : problems) {
    if (out.back() != '[') out += ',';
    out += "{\"file\":";
    base::append_json_string(out, problem.file);
    out += fmt::format(",\"line\":{},\"key\":", problem.line);
    base::append_json_string(out, problem.key);
    out += ",\"message\":";
    base::append_json_string(out, problem.message);
    out += '}';
  }
  return out + "]}\n";
}

int run_check(Context& context) {
  const auto problems = config::check(context.files, context.load_request());
  if (context.options.json) {
    print(problems_json(problems));
  } else {
    for (const auto& problem : problems) note(problem.text());
  }
  if (!problems.empty()) return exit_usage;
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  if (!context.options.json) {
    print(loaded->config.path.empty() ? "No settings file: the defaults are used.\n" : fmt::format("{}: good\n", loaded->config.path));
  }
  return exit_good;
}

int run_show(Context& context) {
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  print(context.options.json ? config::show_json(*loaded) : config::show_yaml(*loaded));
  return exit_good;
}

}  // namespace

void add_config(Command program, Context& context) {
  auto command = program.subcommand("config", "Check or show the settings");
  command.require_subcommand();
  auto check = command.subcommand("check", "Say all that is wrong with the settings");
  check.on_run([&context] { context.exit_code = run_check(context); });
  auto show = command.subcommand("show", "Every setting and where it comes from; secrets as ***");
  show.on_run([&context] { context.exit_code = run_show(context); });
}

}  // namespace telltale::cli
