// How a process ended.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telltale::sources {

struct ExitStatus {
  bool by_signal = false;
  int number = 0;  // the exit code, or the signal's

  // "exit code 3", "signal 9 (SIGKILL)".
  std::string text() const;
  // As shells tell it: 128 and the signal's number.
  int shell_code() const { return by_signal ? 128 + number : number; }
  bool operator==(const ExitStatus&) const = default;
};

// Of what waitpid() gave; nothing when the process has not ended.
std::optional<ExitStatus> exit_status_of(int wait_status);
// "SIGTERM"; "signal 99" for numbers without a name.
std::string signal_name(int number);

}  // namespace telltale::sources
