// A program in a process group of its own, until the group has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/spawn.h"
#include "sources/launch/child.h"
#include "sources/launch/exit_status.h"
#include "sources/launch/loop.h"

namespace telltale::sources {

// The loop's thread alone; the loop and the clock outlive it.
class ProgramGroup {
 public:
  ProgramGroup(Loop& loop, const base::Clock& clock) : loop_(loop), clock_(clock), child_(loop) {}
  ~ProgramGroup();
  ProgramGroup(const ProgramGroup&) = delete;
  ProgramGroup& operator=(const ProgramGroup&) = delete;

  // `on_exit` is called once, when the program itself ended; others of its group may still be there.
  base::Status start(const base::Program& program, std::function<void(const ExitStatus&)> on_exit);
  std::int64_t pid() const { return child_.pid(); }
  // Of the program itself; nothing while it runs.
  const std::optional<ExitStatus>& exit_status() const { return child_.exit_status(); }

  // SIGTERM to the whole group, SIGKILL after `grace_ns`; `on_over` is called when all of it has ended.
  void end(std::int64_t grace_ns, std::function<void()> on_over);
  // SIGKILL now; for a group that is being ended.
  void kill();

 private:
  void look();
  bool is_over() const;
  void signal(int number) const;

  Loop& loop_;
  const base::Clock& clock_;
  Child child_;
  std::function<void()> on_over_;
  std::uint64_t look_timer_ = 0;
  base::MonoNanos kill_at_ = 0;
  base::MonoNanos give_up_at_ = 0;
  bool killed_ = false;
};

}  // namespace telltale::sources
