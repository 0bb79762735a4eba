#include "app/pool.h"

#include <atomic>
#include <latch>

#include <gtest/gtest.h>

namespace telltale::app {
namespace {

TEST(Pool, RunsWhatWasPosted) {
  std::latch done(50);  // outlives the pool, whose threads may still be in it when the wait is over
  Pool pool("test", 2, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.post([&] { done.count_down(); }));
  done.wait();
}

TEST(Pool, RefusesWhatWouldWaitTooLong) {
  std::latch running(1);
  std::latch go_on(1);
  Pool pool("test", 1, 1);
  ASSERT_TRUE(pool.post([&] {
    running.count_down();
    go_on.wait();
  }));
  running.wait();
  EXPECT_TRUE(pool.post([] {}));
  EXPECT_FALSE(pool.post([] {}));
  go_on.count_down();
}

TEST(Pool, ClosingDropsWhatWaitsAndAwaitsWhatRuns) {
  std::latch running(1);
  std::atomic<bool> finished = false;
  std::atomic<bool> waited_ran = false;
  std::latch closing(1);
  Pool pool("test", 1, 1'000'000'000);  // posting fails for no other reason
  ASSERT_TRUE(pool.post([&] {
    running.count_down();
    closing.wait();
    finished = true;
  }));
  running.wait();
  ASSERT_TRUE(pool.post([&] { waited_ran = true; }));
  std::jthread closer([&] { pool.close(); });
  while (pool.post([] {})) std::this_thread::yield();  // until close() has begun
  closing.count_down();
  closer.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(waited_ran);
}

}  // namespace
}  // namespace telltale::app
