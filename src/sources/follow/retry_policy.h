// How long to wait before a server is asked again.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace telltale::sources {

// Doubles from `least_ns` to `most_ns`; each wait is between half of that and all of it, so that many streams of a server that comes back
// do not ask at once. One thread.
class RetryPolicy {
 public:
  RetryPolicy(base::Random& random, std::int64_t least_ns, std::int64_t most_ns) : random_(random), least_(least_ns), most_(most_ns) {}

  std::int64_t next_wait() {
    const std::int64_t full = wait_ == 0 ? least_ : wait_;
    wait_ = full > most_ / 2 ? most_ : full * 2;
    std::array<std::uint8_t, 2> bytes{};
    random_.fill(bytes);
    const std::int64_t share = bytes[0] << 8 | bytes[1];
    return full / 2 + full / 2 * share / 0xFFFF;
  }
  // It went well: the next wait is short again.
  void reset() { wait_ = 0; }

 private:
  base::Random& random_;
  const std::int64_t least_;
  const std::int64_t most_;
  std::int64_t wait_ = 0;
};

}  // namespace telltale::sources
