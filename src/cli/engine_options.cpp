#include "cli/engine_options.h"

#include <unistd.h>

#include <filesystem>
#include <string_view>

namespace telltale::cli {

namespace {

std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.lexically_normal().string();
}

// This program, also when its file was replaced since it began.
std::string this_program() {
  static const std::string link = "/proc/self/exe";
  std::error_code failed;
  const auto path = std::filesystem::read_symlink(link, failed);
  return !failed && ::access(path.c_str(), X_OK) == 0 ? path.string() : link;
}

// An engine is nobody's child: it does not look for another one, nor does it belong to a run.
std::vector<std::string> engine_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("TELLTALE_URL=") && !text.starts_with("TELLTALE_RUN=")) all.emplace_back(text);
  }
  return all;
}

}  // namespace

base::Result<app::EngineLifeOptions> engine_life_options(Context& context) {
  auto loaded = context.load_config();
  if (!loaded) return base::pass(loaded);
  app::EngineLifeOptions options;
  options.url = context.options.url ? context.options.url : context.environment("TELLTALE_URL");
  options.token = context.environment("TELLTALE_TOKEN").value_or("");
  options.data_folder = absolute(loaded->config.store.data);
  options.program = this_program();
  if (context.options.config) options.serve_arguments = {"--config", absolute(*context.options.config)};
  // Its `settings` are the engine's.
  if (context.options.env) options.serve_arguments.insert(options.serve_arguments.end(), {"--env", *context.options.env});
  if (context.options.environments) {
    options.serve_arguments.insert(options.serve_arguments.end(), {"--environments", absolute(*context.options.environments)});
  }
  for (const auto& setting : context.options.settings) options.serve_arguments.insert(options.serve_arguments.end(), {"--set", setting});
  options.environment = engine_environment();
  return options;
}

}  // namespace telltale::cli
