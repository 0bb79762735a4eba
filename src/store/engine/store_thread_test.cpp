// The store as the program uses it: with its own writer thread, on real files, with readers beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "base/testing/temp_directory.h"
#include "store/engine/testing/test_store.h"

namespace telltale::store {
namespace {

using ::testing::IsEmpty;
using testing::lines_of;
using testing::test_batch;
using testing::test_stream;

constexpr std::int64_t long_enough = 60 * base::nanos_per_second;

class Listener final : public record::CommitListener {
 public:
  void on_commit(const record::CommittedBatchRef& batch) override {
    if (batch->first_sequence != next.load() && next.load() != 0) ++out_of_order;
    next = batch->last_sequence() + 1;
    records += batch->batch.records.size();
  }
  void on_position(const record::Position& position) override {
    base::MutexLock lock(mutex);
    positions.push_back(position);
  }
  base::Mutex mutex;
  std::vector<record::Position> positions TT_GUARDED_BY(mutex);
  std::atomic<Sequence> next{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<int> out_of_order{0};
};

class StoreThread : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open(std::vector<record::CommitListener*> listeners = {}) {
    auto store = Store::open(files, clock, random, metrics, options, std::move(listeners));
    EXPECT_TRUE(store) << store.error().message();
    return store ? std::move(*store) : nullptr;
  }
  StoreThread() { options.folder = folder.path("data"); }

  // Pushes until it is taken, waiting for space as a source does.
  static void push(Store& store, record::Batch batch) {
    while (store.sink().try_push(batch) != record::PushOutcome::accepted) {
      std::atomic_flag space;
      store.sink().on_space([&] {
        space.test_and_set();
        space.notify_all();
      });
      space.wait(false);
    }
  }

  base::testing::TempDirectory folder;
  base::PosixFiles files;
  base::SystemClock clock;
  base::SystemRandom random;
  telemetry::Metrics metrics;
  StoreOptions options;
};

TEST_F(StoreThread, PositionsWithoutRecordsAreToldToo) {
  Listener listener;
  auto store = open({&listener});
  ASSERT_NE(store, nullptr);
  const StreamRef stream = test_stream("api");
  record::Batch with_records = test_batch(stream, 0, 1, clock.wall(), 80);
  with_records.position = record::Position{"a", "1"};
  record::Batch without;
  without.stream = stream;
  without.position = record::Position{"b", ""};
  record::Batch nothing;
  nothing.stream = stream;
  push(*store, std::move(with_records));
  push(*store, std::move(without));
  push(*store, std::move(nothing));
  ASSERT_TRUE(store->flush(false, long_enough));
  EXPECT_EQ(listener.records, 1u);
  base::MutexLock lock(listener.mutex);
  EXPECT_THAT(listener.positions, ::testing::ElementsAre(record::Position{"b", ""}));
}

TEST_F(StoreThread, ManyProducersReadersAndAListenerSeeEachLineOnce) {
  constexpr std::uint64_t batches = 150;
  constexpr std::uint64_t per_batch = 20;
  constexpr int producers = 3;
  options.segment_bytes = 32 * 1024;
  options.queue_bytes = 64 * 1024;
  Listener listener;
  auto store = open({&listener});
  ASSERT_NE(store, nullptr);
  std::atomic<bool> done{false};
  std::atomic<int> disorder{0};
  const auto reading = [&](const StoreReader& reader) {
    while (!done) {
      Sequence last = 0;
      const auto status = reader.scan({}, {}, [&](const record::CommittedBatchRef& batch) {
        if (batch->first_sequence <= last) ++disorder;
        last = batch->last_sequence();
        return ScanStep::go_on;
      });
      if (!status) ++disorder;
      static_cast<void>(reader.stats());
    }
  };
  auto outside = open_read_only(files, options.folder);
  ASSERT_TRUE(outside);
  std::thread inner_reader([&] { reading(*store); });
  std::thread outer_reader([&] { reading(**outside); });
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      const StreamRef stream = test_stream("service-" + std::to_string(p));
      for (std::uint64_t i = 0; i < batches; ++i) push(*store, test_batch(stream, i * per_batch, per_batch, clock.wall(), 80));
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(store->flush(true, long_enough));
  done = true;
  inner_reader.join();
  outer_reader.join();

  EXPECT_EQ(disorder, 0);
  EXPECT_EQ(listener.out_of_order, 0);
  EXPECT_EQ(listener.records, producers * batches * per_batch);
  EXPECT_EQ(lines_of(*store).size(), producers * batches * per_batch);
  EXPECT_EQ(lines_of(**outside).size(), producers * batches * per_batch) << "a reader without the lock sees what is committed";
  EXPECT_GT(store->stats().segments, 1u);
  EXPECT_EQ(store->stats().records, (*outside)->stats().records);
  ASSERT_TRUE(store->close());
  EXPECT_THAT(verify(files, options.folder)->problems, IsEmpty());
}

TEST_F(StoreThread, ASecondEngineIsRefusedAndReadingIsNot) {
  auto store = open();
  ASSERT_NE(store, nullptr);
  auto second = Store::open(files, clock, random, metrics, options, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::store_locked);
  EXPECT_NE(second.error().message().find(std::to_string(getpid())), std::string::npos) << second.error().message();
  EXPECT_TRUE(open_read_only(files, options.folder));
}

TEST_F(StoreThread, ClosingWritesWhatWasAcceptedAndAcceptsNothingMore) {
  auto store = open();
  ASSERT_NE(store, nullptr);
  push(*store, test_batch(test_stream("api"), 1, 3, clock.wall()));
  ASSERT_TRUE(store->close());
  ASSERT_TRUE(store->close()) << "closing again is fine";
  record::Batch late = test_batch(test_stream("api"), 4, 1, clock.wall());
  EXPECT_EQ(store->sink().try_push(late), record::PushOutcome::closed);
  EXPECT_EQ(late.records.size(), 1u) << "the batch is untouched";
  EXPECT_EQ(lines_of(*store).size(), 3u);
}

TEST_F(StoreThread, WithoutAStoreReadingSaysSo) {
  auto reader = open_read_only(files, folder.path("nothing"));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, base::ErrorCode::not_found);
}

}  // namespace
}  // namespace telltale::store
