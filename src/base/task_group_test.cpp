#include "base/task_group.h"

#include <gtest/gtest.h>

#include <csignal>

#include <pthread.h>

namespace telltale::base {
namespace {

// Returns when the token asks to stop.
void wait_for_stop(const std::stop_token& token) {
  Mutex mutex;
  Condition stopped;
  const std::stop_callback wake(token, [&] {
    MutexLock lock(mutex);
    stopped.notify_all();
  });
  MutexLock lock(mutex);
  while (!token.stop_requested()) stopped.wait(mutex);
}

TEST(TaskGroup, CloseStopsAndAwaitsItsThreads) {
  std::atomic<int> ended = 0;
  TaskGroup group("test");
  for (int i = 0; i < 3; ++i) {
    group.spawn("waiter", [&](const std::stop_token& token) {
      wait_for_stop(token);
      ++ended;
    });
  }
  EXPECT_EQ(group.size(), 3U);
  group.close();
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(group.size(), 0U);
  group.close();
}

TEST(TaskGroup, CloseWaitsForWhoEnteredElsewhere) {
  TaskGroup group("test");
  ASSERT_TRUE(group.enter());
  std::atomic<bool> left = false;
  std::jthread elsewhere([&] {
    wait_for_stop(group.token());
    left = true;
    group.leave();
  });
  group.close();
  EXPECT_TRUE(left);
}

TEST(TaskGroup, NothingBeginsInAClosedGroup) {
  TaskGroup group("test");
  group.close();
  EXPECT_FALSE(group.enter());
  bool ran = false;
  group.spawn("late", [&](const std::stop_token&) { ran = true; });
  group.close();
  EXPECT_FALSE(ran);
}

TEST(TaskGroup, ThreadsHaveTheirNameAndBlockSignals) {
  TaskGroup group("test");
  std::string name;
  sigset_t blocked;
  sigemptyset(&blocked);
  group.spawn("a name that is too long", [&](const std::stop_token&) {
    char buffer[16];
    pthread_getname_np(pthread_self(), buffer, sizeof buffer);
    name = buffer;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  });
  group.close();
  EXPECT_EQ(name, "a name that is ");
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE}) EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) EXPECT_EQ(sigismember(&blocked, signal), 0) << signal;
}

TEST(TaskGroup, TheSpawningThreadKeepsItsSignals) {
  TaskGroup group("test");
  group.spawn("short", [](const std::stop_token&) {});
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
  group.close();
}

TEST(TaskGroup, ManyShortThreadsDoNotPileUp) {
  TaskGroup group("test");
  std::atomic<int> ran = 0;
  for (int i = 0; i < 500; ++i) group.spawn("short", [&](const std::stop_token&) { ++ran; });
  group.close();
  EXPECT_EQ(ran, 500);
}

TEST(TaskGroupDeathTest, MustBeClosedBeforeItIsDestroyed) {
  EXPECT_DEATH(
      {
        TaskGroup group("forgotten");
        static_cast<void>(group.enter());
      },
      "close\\(\\) the task group.*forgotten");
}

}  // namespace
}  // namespace telltale::base
