#include "sources/launch/child.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace telltale::sources {

Child::~Child() {
  if (process_.valid()) loop_.unwatch(process_.get());
}

base::Status Child::start(const base::Program& program, std::function<void(const ExitStatus&)> on_exit) {
  const auto pid = base::spawn(program);
  if (!pid) return std::unexpected(pid.error());
  process_ = base::open_process(*pid);
  if (!process_.valid()) {
    const int cause = errno;
    ::kill(static_cast<pid_t>(*pid), SIGKILL);
    ::waitpid(static_cast<pid_t>(*pid), nullptr, 0);
    return std::unexpected(base::system_error(cause, "watching a process"));
  }
  pid_ = *pid;
  on_exit_ = std::move(on_exit);
  loop_.watch(process_.get(), [this] { reap(); });
  return {};
}

void Child::reap() {
  int status = 0;
  const pid_t got = ::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return;
  loop_.unwatch(process_.get());
  process_.reset();
  // Somebody else waited for it: how it ended is not known.
  exit_ = got > 0 ? exit_status_of(status).value_or(ExitStatus()) : ExitStatus();
  on_exit_(*exit_);
}

void Child::signal(int number) const {
  if (process_.valid()) base::signal_process(process_, number);
}

}  // namespace telltale::sources
