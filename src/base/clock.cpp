#include "base/clock.h"

#include <ctime>

#include "base/assert.h"

namespace telltale::base {

namespace {

std::int64_t read_clock(clockid_t id) {
  timespec now{};
  TT_ASSERT(::clock_gettime(id, &now) == 0, "the kernel has this clock");
  return static_cast<std::int64_t>(now.tv_sec) * nanos_per_second + now.tv_nsec;
}

}  // namespace

UnixNanos SystemClock::wall() const {
  return read_clock(CLOCK_REALTIME);
}
MonoNanos SystemClock::mono() const {
  return read_clock(CLOCK_MONOTONIC);
}

}  // namespace telltale::base
