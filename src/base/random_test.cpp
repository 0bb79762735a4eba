#include "base/random.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace telltale::base {
namespace {

class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = next_ += 0x2F;
  }

 private:
  std::uint8_t next_ = 0;
};

TEST(Random, HexadecimalTextHasTwoDigitsAByte) {
  CountingRandom random;
  EXPECT_EQ(random_hex(random, 4), "2f5e8dbc");
  EXPECT_EQ(random_hex(random, 0), "");
}

TEST(Random, TheSystemsIsNeverTheSame) {
  SystemRandom random;
  const std::string one = random_hex(random, 32);
  EXPECT_EQ(one.size(), 64U);
  EXPECT_NE(one, random_hex(random, 32));
}

TEST(Clock, TheSystemsMovesOn) {
  const SystemClock clock;
  const MonoNanos before = clock.mono();
  EXPECT_GT(clock.wall(), 1'600'000'000 * nanos_per_second);
  EXPECT_GE(clock.mono(), before);
}

}  // namespace
}  // namespace telltale::base
