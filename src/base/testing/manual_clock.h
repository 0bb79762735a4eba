// A clock that moves only when told to.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace telltale::base::testing {

// Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixNanos start = 1'700'000'000 * nanos_per_second) : wall_(start) {}
  UnixNanos wall() const override { return wall_.load(); }
  MonoNanos mono() const override { return mono_.load(); }
  // Both clocks move.
  void advance(std::int64_t nanos) {
    wall_ += nanos;
    mono_ += nanos;
  }
  // Only the wall clock jumps, as when it is set.
  void jump(std::int64_t nanos) { wall_ += nanos; }

 private:
  std::atomic<UnixNanos> wall_;
  std::atomic<MonoNanos> mono_{0};
};

}  // namespace telltale::base::testing
