#include "live/hub.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace telltale::live {
namespace {

// `records` records from `first` on, about `text_bytes` large.
CommittedBatchRef make_batch(Sequence first, std::size_t records, std::size_t text_bytes = 100) {
  static const record::StreamRef stream = record::make_stream(record::Labels({{"service", "api"}}));
  auto batch = std::make_shared<record::CommittedBatch>();
  batch->first_sequence = first;
  batch->batch.stream = stream;
  batch->batch.text.assign(text_bytes, 'x');
  batch->batch.records.resize(records);
  return batch;
}

constexpr std::size_t no_limit = ~std::size_t{0};

TEST(Hub, GivesWhatIsNewerThanTheReader) {
  Hub hub(1 << 20);
  EXPECT_EQ(hub.newest(), 0U);
  EXPECT_TRUE(hub.read(0, no_limit).batches.empty());
  EXPECT_FALSE(hub.read(7, no_limit).missed);
  hub.on_commit(make_batch(1, 3));
  hub.on_commit(make_batch(4, 2));
  hub.on_commit(make_batch(6, 1));
  EXPECT_EQ(hub.newest(), 6U);

  const ReadResult all = hub.read(0, no_limit);
  EXPECT_EQ(all.batches.size(), 3U);
  EXPECT_EQ(all.next, 6U);
  EXPECT_FALSE(all.missed);

  const ReadResult within = hub.read(4, no_limit);  // in the middle of the second batch
  ASSERT_EQ(within.batches.size(), 2U);
  EXPECT_EQ(within.batches[0]->first_sequence, 4U);

  const ReadResult none = hub.read(6, no_limit);
  EXPECT_TRUE(none.batches.empty());
  EXPECT_EQ(none.next, 6U);
  EXPECT_FALSE(none.missed);
}

TEST(Hub, AReadIsBoundedByBytesButNeverEmpty) {
  Hub hub(1 << 20);
  for (Sequence i = 1; i <= 10; ++i) hub.on_commit(make_batch(i, 1, 10'000));
  const ReadResult some = hub.read(0, 35'000);
  EXPECT_EQ(some.batches.size(), 3U);
  EXPECT_EQ(some.next, 3U);
  const ReadResult one = hub.read(3, 1);
  EXPECT_EQ(one.batches.size(), 1U);
  EXPECT_EQ(one.next, 4U);
}

TEST(Hub, SaysWhatFellOutOfTheRing) {
  Hub hub(50'000);
  for (Sequence i = 1; i <= 10; ++i) hub.on_commit(make_batch(i, 1, 10'000));
  const ReadResult late = hub.read(2, no_limit);
  ASSERT_TRUE(late.missed);
  ASSERT_FALSE(late.batches.empty());
  EXPECT_EQ(late.missed_to + 1, late.batches[0]->first_sequence);
  EXPECT_GT(late.missed_to, 2U);
  EXPECT_FALSE(hub.read(late.missed_to, no_limit).missed);
}

TEST(Hub, KeepsTheNewestBatchHoweverLarge) {
  Hub hub(10);
  hub.on_commit(make_batch(1, 1));
  hub.on_commit(make_batch(2, 1, 1 << 20));
  const ReadResult result = hub.read(1, no_limit);
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_FALSE(result.missed);
}

TEST(Hub, EvictedBatchesLiveAsLongAsTheirReaders) {
  Hub hub(10);
  hub.on_commit(make_batch(1, 1, 500));
  const ReadResult held = hub.read(0, no_limit);
  hub.on_commit(make_batch(2, 1));
  EXPECT_EQ(held.batches[0]->batch.text.size(), 500U);
}

TEST(Hub, WakesAtMostOnceUntilRearmed) {
  Hub hub(1 << 20);
  int wakes = 0;
  const auto subscription = hub.subscribe([&] { ++wakes; });
  hub.on_commit(make_batch(1, 1));
  hub.on_commit(make_batch(2, 1));
  EXPECT_EQ(wakes, 1);
  subscription->rearm();
  EXPECT_EQ(wakes, 1);
  hub.on_commit(make_batch(3, 1));
  EXPECT_EQ(wakes, 2);
}

TEST(Hub, AnEndedSubscriptionIsNotWoken) {
  Hub hub(1 << 20);
  int wakes = 0;
  auto subscription = hub.subscribe([&] { ++wakes; });
  subscription.reset();
  hub.on_commit(make_batch(1, 1));
  EXPECT_EQ(wakes, 0);
}

// A reader that waits for its wake-up alone: it ends only when none is lost.
void read_all(Hub& hub, Sequence last, std::atomic<bool>& failed) {
  std::atomic<bool> woken{true};
  const auto subscription = hub.subscribe([&] {
    woken.store(true);
    woken.notify_one();
  });
  Sequence after = 0;
  while (after < last) {
    woken.wait(false);
    woken.store(false);
    subscription->rearm();
    for (;;) {
      const ReadResult result = hub.read(after, 100'000);
      if (result.missed) after = result.missed_to;
      if (result.batches.empty()) break;
      for (const auto& batch : result.batches) {
        if (batch->first_sequence != after + 1) failed = true;
        after = batch->last_sequence();
      }
    }
  }
}

TEST(Hub, ReadersThatComeAndGoMissNothingUnderLoad) {
  constexpr Sequence last = 20'000;
  Hub hub(200'000);
  std::atomic<bool> failed{false};
  std::atomic<bool> done{false};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { read_all(hub, last, failed); });
    threads.emplace_back([&] {
      while (!done) {
        auto alive = std::make_unique<std::atomic<int>>(0);
        auto subscription = hub.subscribe([&counter = *alive] { ++counter; });
        subscription->rearm();
        subscription.reset();
        alive.reset();  // a wake-up after the end would touch freed memory
      }
    });
    for (Sequence i = 1; i <= last; i += 4) hub.on_commit(make_batch(i, 4));
    done = true;
  }
  EXPECT_FALSE(failed);
  EXPECT_EQ(hub.newest(), last);
}

}  // namespace
}  // namespace telltale::live
