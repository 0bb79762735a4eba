// One thread's waiting: descriptors, times, and what other threads hand in.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/mutex.h"

namespace telltale::sources {

// All but post() from one thread. Callbacks may watch, unwatch, cancel, and let the loop run again.
class Loop {
 public:
  static constexpr base::MonoNanos never = std::numeric_limits<base::MonoNanos>::max();

  // The clock outlives it.
  explicit Loop(const base::Clock& clock);

  // Called whenever the descriptor can be read or has ended, until unwatch(): before the descriptor is closed.
  void watch(int descriptor, std::function<void()> on_readable);
  void unwatch(int descriptor);
  // Called once; its number.
  std::uint64_t at(base::MonoNanos when, std::function<void()> callback);
  std::uint64_t after(std::int64_t nanos, std::function<void()> callback);
  void cancel(std::uint64_t timer);
  // Called soon, on the loop's thread. From any thread.
  void post(std::function<void()> task) TT_EXCLUDES(mutex_);

  // Serves until `done`, which is asked after each round of callbacks. False: the time came first.
  bool run_until(const std::function<bool()>& done, base::MonoNanos deadline = never);

 private:
  void turn(base::MonoNanos deadline);
  void call_readable(const std::vector<int>& readable);
  void call_timers();
  void call_posted() TT_EXCLUDES(mutex_);

  struct Timer {
    base::MonoNanos when;
    std::function<void()> callback;
  };
  const base::Clock& clock_;
  base::Descriptor event_;  // something was posted
  std::map<int, std::function<void()>> watched_;
  std::map<std::uint64_t, Timer> timers_;
  std::uint64_t next_timer_ = 1;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::sources
