#include "sources/launch/loop.h"

#include <unistd.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/spawn.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

class LoopTest : public ::testing::Test {
 protected:
  bool serve_until(const std::function<bool()>& done) { return loop.run_until(done, clock.mono() + long_time); }
  base::SystemClock clock;
  Loop loop{clock};
};

TEST_F(LoopTest, CallsWhatIsReadableUntilItIsUnwatched) {
  auto pipe = base::make_pipe().value();
  ASSERT_EQ(::write(pipe.write.get(), "abc", 3), 3);
  std::string got;
  loop.watch(pipe.read.get(), [&] {
    char c = 0;
    ASSERT_EQ(::read(pipe.read.get(), &c, 1), 1);
    got += c;
    if (got.size() == 2) loop.unwatch(pipe.read.get());
  });
  EXPECT_TRUE(serve_until([&] { return got.size() == 2; }));
  EXPECT_FALSE(loop.run_until([&] { return got.size() > 2; }, clock.mono() + 10 * base::nanos_per_millisecond));
}

TEST_F(LoopTest, TimesComeInTurnAndCanBeCancelled) {
  std::vector<int> order;
  loop.after(3 * base::nanos_per_millisecond, [&] { order.push_back(3); });
  loop.after(base::nanos_per_millisecond, [&] {
    order.push_back(1);
    loop.after(3600 * base::nanos_per_second, [&] { order.push_back(0); });
  });
  loop.after(2 * base::nanos_per_millisecond, [&] { order.push_back(2); });
  const auto cancelled = loop.after(2 * base::nanos_per_millisecond, [&] { order.push_back(0); });
  loop.cancel(cancelled);
  EXPECT_TRUE(serve_until([&] { return order.size() == 3; }));
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(LoopTest, OtherThreadsHandIn) {
  int sum = 0;
  std::jthread other([this, &sum] {
    for (int i = 0; i < 1000; ++i) loop.post([&sum] { ++sum; });
  });
  EXPECT_TRUE(serve_until([&] { return sum == 1000; }));
}

TEST_F(LoopTest, ACallbackMayUnwatchAnother) {
  auto first = base::make_pipe().value();
  auto second = base::make_pipe().value();
  ASSERT_EQ(::write(first.write.get(), "x", 1), 1);
  ASSERT_EQ(::write(second.write.get(), "x", 1), 1);
  int calls = 0;
  const auto take_both = [&] {
    ++calls;
    loop.unwatch(first.read.get());
    loop.unwatch(second.read.get());
  };
  loop.watch(first.read.get(), take_both);
  loop.watch(second.read.get(), take_both);
  EXPECT_TRUE(serve_until([&] { return calls > 0; }));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace telltale::sources
