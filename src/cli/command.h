// The command line as subcommands describe it. CLI11 does the work, and command.cpp alone includes it: its header costs every file that
// does four seconds. What another subcommand needs of it is added here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace telltale::cli {

// One option, while it is described.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}
  Option& type_name(const std::string& name);         // stands for the value in the help
  Option& range(std::int64_t from, std::int64_t to);  // both belong to it
  Option& one_of(std::vector<std::string> words);
  Option& required();
  Option& show_default();  // in the help: what the target holds now
  Option& one_value();     // of a list: one each time the option is given, so that a word after it is not taken

 private:
  CLI::Option& option_;
};

// The program or a subcommand, while it is described. Targets and callbacks are used by CommandLine::parse.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(app) {}
  Command subcommand(const std::string& name, const std::string& help);
  void require_subcommand();
  void hide();  // from the help: it is for this program itself
  // Names begin with "--"; one without dashes is a word at its place.
  Option option(const std::string& name, std::string& target, const std::string& help);
  Option option(const std::string& name, std::optional<std::string>& target, const std::string& help);
  Option option(const std::string& name, std::vector<std::string>& target, const std::string& help);
  Option option(const std::string& name, std::optional<int>& target, const std::string& help);
  Option option(const std::string& name, std::uint64_t& target, const std::string& help);
  void flag(const std::string& name, bool& target, const std::string& help);
  // What the command does.
  void on_run(std::function<void()> callback);

 private:
  CLI::App& app_;
};

// One a process. Options of the program may also stand behind a subcommand.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& help, const std::string& version);
  ~CommandLine();
  Command program() { return Command(*app_); }
  // Runs the chosen subcommand's callback. Help, version and what is wrong are printed here: then the exit code, else nothing.
  std::optional<int> parse(int argc, char** argv);

 private:
  const std::unique_ptr<CLI::App> app_;
};

}  // namespace telltale::cli
