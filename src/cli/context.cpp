#include "cli/context.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

namespace telltale::cli {

namespace {

// Writes all of it; false when the reader is gone or the disk is full.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

config::LoadRequest Context::load_request() const {
  config::LoadRequest request;
  request.path = options.config;
  request.environment = environment;
  if (options.data) request.overrides.emplace_back("store.data", *options.data);
  for (const auto& setting : options.settings) {
    const auto equals = setting.find('=');
    request.overrides.emplace_back(setting.substr(0, equals), equals == std::string::npos ? "" : setting.substr(equals + 1));
  }
  request.home = environment("HOME").value_or("");
  request.env_name = options.env;
  request.env_file = options.environments;
  std::error_code error;  // a working folder that was removed: relative paths stay relative
  request.working_folder = std::filesystem::current_path(error).string();
  return request;
}

base::Result<config::Loaded> Context::load_config() {
  return config::load(files, load_request());
}

int report(const base::Error& error) {
  note(fmt::format("telltale: {}", error.cause));
  note(fmt::format("  {}", error.remedy_text()));
  return base::info_of(error.code).exit_code;
}

void note(std::string_view text) {
  const std::string line = fmt::format("{}\n", text);
  write_all(STDERR_FILENO, line);
}

void print(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return;
  if (errno == EPIPE) std::_Exit(exit_good);
  report(base::system_error(errno, "writing to standard output"));
  std::_Exit(exit_tool_failed);
}

}  // namespace telltale::cli
