#include "sources/launch/program_group.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace telltale::sources {

namespace {

constexpr std::int64_t look_ns = 10 * base::nanos_per_millisecond;
// What was killed may stay listed where nobody waits for orphans, as in many containers.
constexpr std::int64_t patience_after_kill_ns = 2 * base::nanos_per_second;

}  // namespace

ProgramGroup::~ProgramGroup() {
  if (process_.valid()) loop_.unwatch(process_.get());
  loop_.cancel(look_timer_);
}

base::Status ProgramGroup::start(const base::Program& program, std::function<void(const ExitStatus&)> on_exit) {
  base::Program own = program;
  own.place = base::Program::Place::own_group;
  const auto pid = base::spawn(own);
  if (!pid) return std::unexpected(pid.error());
  pid_ = *pid;
  on_exit_ = std::move(on_exit);
  process_ = base::open_process(pid_);
  if (!process_.valid()) {
    const int cause = errno;
    signal(SIGKILL);
    ::waitpid(static_cast<pid_t>(pid_), nullptr, 0);
    return std::unexpected(base::system_error(cause, "watching a process"));
  }
  loop_.watch(process_.get(), [this] { reap(); });
  return {};
}

void ProgramGroup::reap() {
  int status = 0;
  const pid_t got = ::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return;
  loop_.unwatch(process_.get());
  process_.reset();
  // Somebody else waited for it: how it ended is not known.
  exit_ = got > 0 ? exit_status_of(status).value_or(ExitStatus()) : ExitStatus();
  if (on_exit_) on_exit_(*exit_);
  if (on_over_) look();
}

void ProgramGroup::signal(int number) const {
  ::kill(static_cast<pid_t>(-pid_), number);
}

// While a member is left, no other group can get the number.
bool ProgramGroup::is_over() const {
  return exit_.has_value() && ::kill(static_cast<pid_t>(-pid_), 0) != 0 && errno == ESRCH;
}

void ProgramGroup::end(std::int64_t grace_ns, std::function<void()> on_over) {
  on_over_ = std::move(on_over);
  if (pid_ != 0 && !is_over()) {
    signal(SIGTERM);
    signal(SIGCONT);  // one that is stopped would not see the other
  }
  kill_at_ = clock_.mono() + grace_ns;
  look_timer_ = loop_.after(0, [this] { look(); });
}

void ProgramGroup::kill() {
  kill_at_ = 0;
}

void ProgramGroup::look() {
  loop_.cancel(look_timer_);
  const base::MonoNanos now = clock_.mono();
  if (pid_ == 0 || is_over() || (killed_ && exit_ && now >= give_up_at_)) {
    const auto on_over = std::exchange(on_over_, nullptr);
    if (on_over) on_over();
    return;
  }
  if (!killed_ && now >= kill_at_) {
    signal(SIGKILL);
    killed_ = true;
    give_up_at_ = now + patience_after_kill_ns;
  }
  look_timer_ = loop_.after(look_ns, [this] { look(); });
}

}  // namespace telltale::sources
