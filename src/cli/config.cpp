// telltale config: are the settings right, and what are they?
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "cli/context.h"
#include "config/environments.h"
#include "config/load.h"

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

// The problems of the settings and of all environments, each once.
std::vector<config::Problem> all_problems(Context& context, const config::EnvironmentsCheck& environments) {
  auto problems = config::check(context.files, context.load_request());
  for (const auto& problem : environments.problems) {
    const auto is_same = [&](const config::Problem& other) { return other.text() == problem.text(); };
    if (std::none_of(problems.begin(), problems.end(), is_same)) problems.push_back(problem);
  }
  return problems;
}

std::string good_text(const config::EnvironmentsCheck& environments) {
  std::string text = fmt::format("{}: good; environments: {}", environments.path, fmt::join(environments.available, ", "));
  if (environments.chosen.empty()) return text + "; none was chosen (--env NAME), so no secrets were looked for\n";
  return text + fmt::format("; secrets and variables of {} are there\n", environments.chosen);
}

int run_check(Context& context) {
  const auto environments = config::check_environments(context.files, context.load_request());
  const auto problems = all_problems(context, environments);
  if (context.options.json) {
    print(problems_json(problems));
  } else {
    for (const auto& problem : problems) note(problem.text());
  }
  if (!problems.empty()) return exit_usage;
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  for (const auto& warning : environments.warnings) note(fmt::format("warning: {}", warning));
  if (!context.options.json) {
    print(loaded->config.path.empty() ? "No settings file: the defaults are used.\n" : fmt::format("{}: good\n", loaded->config.path));
    if (!environments.path.empty()) print(good_text(environments));
  }
  return exit_good;
}

struct ShowOptions {
  std::string what;
  std::optional<int> secrets_descriptor;
};

// Secrets go to a pipe or socket of the program that asked, and nowhere where they stay or are seen.
base::Status write_secrets(int descriptor, std::string_view text) {
  struct stat info = {};
  const bool is_channel = descriptor > STDERR_FILENO && fstat(descriptor, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
  if (!is_channel) {
    return base::fail(
        base::ErrorCode::invalid_argument,
        fmt::format("--secrets-fd {}: must be an inherited pipe or socket, and not standard input, output or error", descriptor));
  }
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::unexpected(base::system_error(errno, "writing to the pipe of --secrets-fd"));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(descriptor);
  return {};
}

int show_environment(Context& context, const ShowOptions& options) {
  const auto loaded = config::load_environment(context.files, context.load_request());
  if (!loaded) return report(loaded.error());
  if (options.secrets_descriptor) {
    if (const auto sent = write_secrets(*options.secrets_descriptor, config::secrets_json(*loaded)); !sent) return report(sent.error());
  }
  for (const auto& warning : loaded->warnings) note(fmt::format("warning: {}", warning));
  print(context.options.json ? config::show_environment_json(*loaded) : config::show_environment_yaml(*loaded));
  return exit_good;
}

int run_show(Context& context, const ShowOptions& options) {
  if (options.what == "environment" || (options.what.empty() && context.options.env)) return show_environment(context, options);
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  print(context.options.json ? config::show_json(*loaded) : config::show_yaml(*loaded));
  return exit_good;
}

}  // namespace

void add_config(Command program, Context& context) {
  auto command = program.subcommand("config", "Check or show the settings and the environments");
  command.require_subcommand();
  auto check = command.subcommand("check", "Say all that is wrong with the settings and the environments");
  check.on_run([&context] { context.exit_code = run_check(context); });
  auto show = command.subcommand("show", "Every setting, or with --env an environment, and where each comes from; secrets as ***");
  auto options = std::make_shared<ShowOptions>();  // shared: the parser's options and the callback live as long as the app
  show.option("what", options->what, "settings, or environment: the one that --env, TELLTALE_ENV or the file chooses")
      .one_of({"settings", "environment"});
  show.option("--secrets-fd", options->secrets_descriptor,
              "For programs: write the environment's secrets as JSON into this inherited pipe, never anywhere else")
      .type_name("N");
  show.on_run([&context, options] { context.exit_code = run_show(context, *options); });
}

}  // namespace telltale::cli
