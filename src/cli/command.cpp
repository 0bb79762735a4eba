#include "cli/command.h"

#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace telltale::cli {

Option& Option::type_name(const std::string& name) {
  option_.type_name(name);
  return *this;
}

Option& Option::range(std::int64_t from, std::int64_t to) {
  option_.check(CLI::Range(from, to));
  return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
  option_.check(CLI::IsMember(std::move(words)));
  return *this;
}

Option& Option::required() {
  option_.required();
  return *this;
}

Option& Option::show_default() {
  option_.capture_default_str();
  return *this;
}

Option& Option::one_value() {
  option_.allow_extra_args(false);
  return *this;
}

Command Command::subcommand(const std::string& name, const std::string& help) {
  return Command(*app_.add_subcommand(name, help));
}

void Command::require_subcommand() {
  app_.require_subcommand(1);
}

void Command::hide() {
  app_.group("");
}

Option Command::option(const std::string& name, std::string& target, const std::string& help) {
  return Option(*app_.add_option(name, target, help));
}
Option Command::option(const std::string& name, std::optional<std::string>& target, const std::string& help) {
  return Option(*app_.add_option(name, target, help));
}
Option Command::option(const std::string& name, std::vector<std::string>& target, const std::string& help) {
  return Option(*app_.add_option(name, target, help));
}
Option Command::option(const std::string& name, std::optional<int>& target, const std::string& help) {
  return Option(*app_.add_option(name, target, help));
}
Option Command::option(const std::string& name, std::uint64_t& target, const std::string& help) {
  return Option(*app_.add_option(name, target, help));
}

void Command::flag(const std::string& name, bool& target, const std::string& help) {
  app_.add_flag(name, target, help);
}

void Command::on_run(std::function<void()> callback) {
  app_.callback(std::move(callback));
}

CommandLine::CommandLine(const std::string& name, const std::string& help, const std::string& version)
    : app_(std::make_unique<CLI::App>(help, name)) {
  app_->set_version_flag("--version", version);
  app_->fallthrough();
}

CommandLine::~CommandLine() = default;

std::optional<int> CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? exit_good : exit_usage;
  }
  return std::nullopt;
}

}  // namespace telltale::cli
