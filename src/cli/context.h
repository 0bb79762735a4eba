// What every subcommand is given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "cli/command.h"
#include "config/load.h"

namespace telltale::cli {

inline constexpr int exit_good = 0;
inline constexpr int exit_tool_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_check_failed = 3;
inline constexpr int exit_inconclusive = 4;

// Options that every subcommand knows.
struct CommonOptions {
  std::optional<std::string> config;
  std::optional<std::string> data;
  std::optional<std::string> url;           // of an engine; else TELLTALE_URL, else DATA/engine.json
  std::vector<std::string> settings;        // --set server.port=9000
  std::optional<std::string> env;           // an environment of environments.yaml
  std::optional<std::string> environments;  // the file of environments
  bool json = false;
};

// One a process.
struct Context {
  base::PosixFiles files;
  base::SystemClock clock;
  base::SystemRandom random;
  config::Environment environment;
  CommonOptions options;
  int exit_code = exit_good;  // what run() gives
  // Of `telltale run`:
  std::vector<std::string> command;  // what stands behind "--"
  bool pipe_ignored = false;         // SIGPIPE, when this program began
  std::optional<int> end_signal;     // the program is to die of it, as its command did

  // The settings as this command line asks for them.
  config::LoadRequest load_request() const;
  base::Result<config::Loaded> load_config();
};

// Prints an error to standard error (its cause, then its remedy) and gives its exit code.
int report(const base::Error& error);
void note(std::string_view text);   // one line on standard error
void print(std::string_view text);  // standard output, as it is; a closed pipe ends the program quietly

// Each adds one subcommand; its callback sets context.exit_code.
void add_serve(Command program, Context& context);
void add_query(Command program, Context& context);
void add_tail(Command program, Context& context);
void add_runs(Command program, Context& context);
void add_tests(Command program, Context& context);
void add_audit(Command program, Context& context);
void add_logs(Command program, Context& context);
void add_test(Command program, Context& context);
void add_config(Command program, Context& context);
void add_store(Command program, Context& context);
void add_token(Command program, Context& context);
void add_engine(Command program, Context& context);
void add_relay(Command program, Context& context);
void add_services(Command program, Context& context);
void add_run(Command program, Context& context);

// Takes the words behind "--" out of the command line of `telltale run`, whatever they are. False: it is another command's.
bool take_command(int& argc, char** argv, std::vector<std::string>& command);
// Ends this program as the signal ends one that does nothing about it; returns where it does not.
void end_by_signal(int number);

}  // namespace telltale::cli
