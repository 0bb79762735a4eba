#include "sources/launch/program_group.h"

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
  loop_.cancel(look_timer_);
}

base::Status ProgramGroup::start(const base::Program& program, std::function<void(const ExitStatus&)> on_exit) {
  base::Program own = program;
  own.place = base::Program::Place::own_group;
  return child_.start(own, [this, on_exit = std::move(on_exit)](const ExitStatus& status) {
    on_exit(status);
    if (on_over_) look();
  });
}

void ProgramGroup::signal(int number) const {
  ::kill(static_cast<pid_t>(-pid()), number);
}

// While a member is left, no other group can get the number.
bool ProgramGroup::is_over() const {
  return exit_status().has_value() && ::kill(static_cast<pid_t>(-pid()), 0) != 0 && errno == ESRCH;
}

void ProgramGroup::end(std::int64_t grace_ns, std::function<void()> on_over) {
  on_over_ = std::move(on_over);
  if (pid() != 0 && !is_over()) {
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
  if (pid() == 0 || is_over() || (killed_ && exit_status() && now >= give_up_at_)) {
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
