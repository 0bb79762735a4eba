#include "store/catalog/commit_queue.h"

#include <thread>

#include <gtest/gtest.h>

namespace telltale::store {
namespace {

constexpr std::chrono::nanoseconds at_once{0};

CommittedBatch batch_at(Sequence first, std::size_t records = 1) {
  CommittedBatch batch;
  batch.first_sequence = first;
  batch.batch.stream = record::make_stream(record::Labels({{"service", "api"}}));
  batch.batch.records.resize(records);
  return batch;
}

TEST(CommitQueue, BeginsWithAScanOfWhatWasThereBefore) {
  CommitQueue queue(10);
  queue.push(batch_at(1));
  const CommitWork work = queue.take(at_once);
  EXPECT_TRUE(work.scan);
  EXPECT_TRUE(work.digests.empty()) << "the scan meets it";
}

TEST(CommitQueue, GivesDigestsInOrder) {
  CommitQueue queue(10);
  queue.take(at_once);
  queue.push(batch_at(1, 5));
  queue.push(batch_at(6, 2));
  const CommitWork work = queue.take(at_once);
  EXPECT_FALSE(work.scan);
  ASSERT_EQ(work.digests.size(), 2u);
  EXPECT_EQ(work.digests[0].last_sequence, 5u);
  EXPECT_EQ(work.digests[1].records, 2u);
}

TEST(CommitQueue, ABatchOverThreePartsGivesThreeDigests) {
  CommitQueue queue(10);
  queue.take(at_once);
  const Sequence part = Sequence{1} << part_bits;
  queue.push(batch_at(part - 1, part + 2));
  const CommitWork work = queue.take(at_once);
  ASSERT_EQ(work.digests.size(), 3u);
  EXPECT_EQ(work.digests[0].records, 1u);
  EXPECT_EQ(work.digests[1].records, part);
  EXPECT_EQ(work.digests[2].first_sequence, 2 * part);
}

TEST(CommitQueue, AsksForAScanInsteadOfGrowing) {
  CommitQueue queue(3);
  queue.take(at_once);
  for (Sequence i = 1; i <= 10; ++i) queue.push(batch_at(i));
  const CommitWork work = queue.take(at_once);
  EXPECT_TRUE(work.scan);
  EXPECT_TRUE(work.digests.empty());
  queue.push(batch_at(11));
  EXPECT_EQ(queue.take(at_once).digests.size(), 1u);
}

TEST(CommitQueue, FlushWaitsForTheOtherSide) {
  CommitQueue queue(10);
  EXPECT_FALSE(queue.flush(at_once)) << "nobody works";
  std::thread worker([&queue] {
    for (;;) {
      const CommitWork work = queue.take(std::chrono::hours(1));
      queue.done(work.asked);
      if (work.stop) return;
    }
  });
  EXPECT_TRUE(queue.flush(std::chrono::minutes(1)));
  queue.stop();
  worker.join();
}

}  // namespace
}  // namespace telltale::store
