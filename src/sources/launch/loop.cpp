#include "sources/launch/loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace telltale::sources {

namespace {

constexpr std::int64_t longest_wait_ns = 3600 * base::nanos_per_second;

// Rounded up: a time that has not come yet is not looked at again and again.
int poll_milliseconds(std::int64_t nanos) {
  const std::int64_t wait = std::clamp<std::int64_t>(nanos, 0, longest_wait_ns);
  return static_cast<int>((wait + base::nanos_per_millisecond - 1) / base::nanos_per_millisecond);
}

}  // namespace

Loop::Loop(const base::Clock& clock) : clock_(clock), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(event_.get(), [this] {
    std::uint64_t count = 0;
    static_cast<void>(::read(event_.get(), &count, sizeof count));
  });
}

void Loop::watch(int descriptor, std::function<void()> on_readable) {
  watched_[descriptor] = std::move(on_readable);
}

void Loop::unwatch(int descriptor) {
  watched_.erase(descriptor);
}

std::uint64_t Loop::at(base::MonoNanos when, std::function<void()> callback) {
  timers_.emplace(next_timer_, Timer{when, std::move(callback)});
  return next_timer_++;
}

std::uint64_t Loop::after(std::int64_t nanos, std::function<void()> callback) {
  return at(clock_.mono() + nanos, std::move(callback));
}

void Loop::cancel(std::uint64_t timer) {
  timers_.erase(timer);
}

void Loop::post(std::function<void()> task) {
  {
    base::MutexLock lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  // Full means that it is raised already.
  static_cast<void>(::write(event_.get(), &one, sizeof one));
}

bool Loop::run_until(const std::function<bool()>& done, base::MonoNanos deadline) {
  while (!done()) {
    if (clock_.mono() >= deadline) return false;
    turn(deadline);
  }
  return true;
}

void Loop::turn(base::MonoNanos deadline) {
  base::MonoNanos until = deadline;
  for (const auto& [number, timer] : timers_) until = std::min(until, timer.when);
  std::vector<pollfd> waits;
  for (const auto& [descriptor, callback] : watched_) waits.push_back({descriptor, POLLIN, 0});
  const int wait = until == never ? -1 : poll_milliseconds(until - clock_.mono());
  std::vector<int> readable;
  if (::poll(waits.data(), waits.size(), wait) > 0)
    for (const pollfd& one : waits)
      if (one.revents != 0) readable.push_back(one.fd);
  call_readable(readable);
  call_timers();
  call_posted();
}

void Loop::call_readable(const std::vector<int>& readable) {
  for (const int descriptor : readable) {
    // One callback may have unwatched the next one's.
    const auto found = watched_.find(descriptor);
    if (found == watched_.end()) continue;
    const auto callback = found->second;
    callback();
  }
}

void Loop::call_timers() {
  const base::MonoNanos now = clock_.mono();
  std::vector<std::pair<base::MonoNanos, std::uint64_t>> due;
  for (const auto& [number, timer] : timers_)
    if (timer.when <= now) due.emplace_back(timer.when, number);
  std::ranges::sort(due);
  for (const auto& [when, number] : due) {
    const auto found = timers_.find(number);
    if (found == timers_.end()) continue;
    const auto callback = std::move(found->second.callback);
    timers_.erase(found);
    callback();
  }
}

void Loop::call_posted() {
  std::vector<std::function<void()>> posted;
  {
    base::MutexLock lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& task : posted) task();
}

}  // namespace telltale::sources
