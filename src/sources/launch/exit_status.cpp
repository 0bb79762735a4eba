#include "sources/launch/exit_status.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

#include <fmt/format.h>

namespace telltale::sources {

std::string ExitStatus::text() const {
  return by_signal ? fmt::format("signal {} ({})", number, signal_name(number)) : fmt::format("exit code {}", number);
}

std::optional<ExitStatus> exit_status_of(int wait_status) {
  if (WIFEXITED(wait_status)) return ExitStatus{false, WEXITSTATUS(wait_status)};
  if (WIFSIGNALED(wait_status)) return ExitStatus{true, WTERMSIG(wait_status)};
  return std::nullopt;
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

}  // namespace telltale::sources
