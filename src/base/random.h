// Randomness as a parameter.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace telltale::base {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
};

// The operating system's generator (getrandom); ends the program when the kernel cannot give any.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

// `bytes` random bytes as lower-case hexadecimal text.
std::string random_hex(Random& random, std::size_t bytes);

}  // namespace telltale::base
