// A started process, until it has ended and its exit status was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/spawn.h"
#include "sources/launch/exit_status.h"
#include "sources/launch/loop.h"

namespace telltale::sources {

// The loop's thread alone; the loop outlives it. A child that is let go of while it runs goes on, and is never asked.
class Child {
 public:
  explicit Child(Loop& loop) : loop_(loop) {}
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Once. `on_exit` is called when it has ended. Errors as spawn()'s; one that cannot be watched is killed.
  base::Status start(const base::Program& program, std::function<void(const ExitStatus&)> on_exit);
  // 0: it was not started.
  std::int64_t pid() const { return pid_; }
  // Nothing while it runs.
  const std::optional<ExitStatus>& exit_status() const { return exit_; }
  // To the process alone; nothing when it has ended.
  void signal(int number) const;

 private:
  void reap();

  Loop& loop_;
  std::int64_t pid_ = 0;
  base::Descriptor process_;
  std::optional<ExitStatus> exit_;
  std::function<void(const ExitStatus&)> on_exit_;
};

}  // namespace telltale::sources
