#include "base/byte_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace telltale::base {
namespace {

using Queue = ByteQueue<std::unique_ptr<int>>;
constexpr std::chrono::seconds long_time{60};

PushOutcome push(Queue& queue, int value, std::size_t bytes) {
  auto item = std::make_unique<int>(value);
  const PushOutcome outcome = queue.try_push(item, bytes);
  EXPECT_EQ(item == nullptr, outcome == PushOutcome::accepted) << "an item that was refused is untouched";
  return outcome;
}

TEST(ByteQueue, GivesItemsInOrder) {
  Queue queue(100);
  push(queue, 1, 10);
  push(queue, 2, 20);
  EXPECT_EQ(queue.bytes(), 30U);
  EXPECT_EQ(**queue.pop(long_time), 1);
  EXPECT_EQ(**queue.try_pop(), 2);
  EXPECT_FALSE(queue.try_pop().has_value());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(ByteQueue, IsBoundedByBytesButTakesOneItemWhenEmpty) {
  Queue queue(100);
  EXPECT_EQ(push(queue, 1, 1000), PushOutcome::accepted);
  EXPECT_EQ(push(queue, 2, 1), PushOutcome::full);
  queue.try_pop();
  EXPECT_EQ(push(queue, 2, 60), PushOutcome::accepted);
  EXPECT_EQ(push(queue, 3, 41), PushOutcome::full);
  EXPECT_EQ(push(queue, 3, 40), PushOutcome::accepted);
}

TEST(ByteQueue, CallsBackOnceWhenHalfIsFree) {
  Queue queue(100);
  for (int i = 0; i < 4; ++i) push(queue, i, 25);
  int calls = 0;
  queue.on_space([&] { ++calls; });
  queue.try_pop();
  EXPECT_EQ(calls, 0);
  queue.try_pop();
  EXPECT_EQ(calls, 1);
  queue.try_pop();
  EXPECT_EQ(calls, 1);
  queue.on_space([&] { ++calls; });
  EXPECT_EQ(calls, 2) << "at once when there is space";
}

TEST(ByteQueue, AClosedQueueGivesWhatIsInsideAndTakesNothing) {
  Queue queue(100);
  push(queue, 1, 100);
  int calls = 0;
  queue.on_space([&] { ++calls; });
  queue.close();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(push(queue, 2, 1), PushOutcome::closed);
  EXPECT_FALSE(queue.drained());
  EXPECT_EQ(**queue.pop(long_time), 1);
  EXPECT_TRUE(queue.drained());
  EXPECT_FALSE(queue.pop(long_time).has_value());
}

TEST(ByteQueue, AWaitingConsumerIsWokenByAnItemAndByClosing) {
  Queue queue(100);
  std::vector<int> seen;
  std::jthread consumer([&] {
    while (auto item = queue.pop(long_time)) seen.push_back(**item);
  });
  for (int i = 0; i < 100; ++i) {
    while (push(queue, i, 30) == PushOutcome::full) std::this_thread::yield();
  }
  queue.close();
  consumer.join();
  ASSERT_EQ(seen.size(), 100U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(ByteQueue, AWaitingConsumerReturnsWhenItIsWoken) {
  ByteQueue<int> queue(10);
  std::jthread consumer([&] { EXPECT_FALSE(queue.pop(std::chrono::hours(1))); });
  queue.wake();
  consumer.join();
  int item = 1;
  ASSERT_EQ(queue.try_push(item, 1), PushOutcome::accepted);
  EXPECT_EQ(queue.pop(std::chrono::hours(1)), 1);
}

TEST(ByteQueue, PopGivesUpWhenTheTimePassed) {
  Queue queue(100);
  EXPECT_FALSE(queue.pop(std::chrono::milliseconds(1)).has_value());
  EXPECT_FALSE(queue.drained());
}

}  // namespace
}  // namespace telltale::base
