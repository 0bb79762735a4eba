// Time as a parameter: nothing but SystemClock asks the machine what time it is.
#pragma once

#include <cstdint>

namespace telltale::base {

using UnixNanos = std::int64_t;  // nanoseconds since 1970-01-01T00:00:00Z
using MonoNanos = std::int64_t;  // nanoseconds on a clock that never jumps; only differences mean anything

inline constexpr std::int64_t nanos_per_second = 1'000'000'000;
inline constexpr std::int64_t nanos_per_millisecond = 1'000'000;

// Thread-safe. Called on hot paths once per batch, never once per record.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixNanos wall() const = 0;
  virtual MonoNanos mono() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixNanos wall() const override;
  MonoNanos mono() const override;
};

}  // namespace telltale::base
