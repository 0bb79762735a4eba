// Starts programs.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace telltale::base {

// What a program finds set for its signals.
struct SignalSettings {
  sigset_t mask{};
  bool pipe_ignored = false;  // SIGPIPE
};

struct Program {
  enum class Place : std::uint8_t {
    same_group,   // where this process is: the terminal's Ctrl-C reaches both
    own_group,    // of its own, whose number is its pid
    own_session,  // without a terminal
  };
  std::string path;                              // see find_program()
  std::vector<std::string> arguments;            // the first is its name
  std::vector<std::string> environment;          // NAME=value
  std::string folder;                            // it works in; empty: this process's
  std::vector<std::pair<int, int>> descriptors;  // its number (below 10), and what it is here; 0 to 2 that are not named are /dev/null
  Place place = Place::own_group;
  bool orphan = false;                    // nobody's child: it cannot be waited for
  bool keep_others = false;               // descriptors from 3 on that are not closed on exec stay open
  int nice = 0;                           // added to this process's
  std::optional<SignalSettings> signals;  // nothing: all are as in a new process, nothing is blocked or ignored
};

// Its pid. Returns when the program was executed, or could not be: file_not_found, permission_denied, and the folder's errors. A script
// without "#!" is given to /bin/sh, as execvp does. Any thread.
Result<std::int64_t> spawn(const Program& program);

// In lists of NAME=value: replaces or adds one; its value (of the last, as a program sees it), empty when there is none.
void set_variable(std::vector<std::string>& environment, const std::string& name, const std::string& value);
std::string_view variable_of(const std::vector<std::string>& environment, std::string_view name);

// Where a shell would find `name`: as it is when it has a "/", else in the folders of `path` (PATH). file_not_found; permission_denied
// where one is there that may not be executed. Relative ones start in `folder` (empty: this process's).
Result<std::string> find_program(std::string_view name, std::string_view path, const std::string& folder);

// A pipe whose ends are closed on exec. too_many_open_files.
struct Pipe {
  Descriptor read;
  Descriptor write;
};
Result<Pipe> make_pipe();

// A process that no other can be taken for, whatever happens to its number: readable when it has ended.
Descriptor open_process(std::int64_t pid);
// False when it has ended.
bool signal_process(const Descriptor& process, int signal);

}  // namespace telltale::base
