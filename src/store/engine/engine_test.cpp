#include "store/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/engine/testing/test_store.h"

namespace telltale::store {
namespace {

using base::testing::MemoryFiles;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::lines_of;
using testing::position_of;
using testing::test_batch;
using testing::test_stream;
using testing::TestStore;

constexpr UnixNanos noon = 1'700'000'000 * base::nanos_per_second;

TEST(Engine, KeepsWhatWasPushedOverAReopening) {
  MemoryFiles files;
  {
    TestStore store(files);
    ASSERT_TRUE(store.open());
    EXPECT_EQ(store.push(test_batch(test_stream("api"), 1, 2, noon)), record::PushOutcome::accepted);
    EXPECT_EQ(store.push(test_batch(test_stream("web"), 1, 1, noon)), record::PushOutcome::accepted);
    ASSERT_TRUE(store.engine->flush(true, 0));
    EXPECT_THAT(lines_of(*store.engine), ElementsAre("api line 1", "api line 2", "web line 1"));
    ASSERT_TRUE(store.engine->close());
  }
  TestStore store(files);
  ASSERT_TRUE(store.open());
  EXPECT_THAT(lines_of(*store.engine), ElementsAre("api line 1", "api line 2", "web line 1"));
  EXPECT_EQ(position_of(*store.engine, "api"), "3");
  EXPECT_EQ(position_of(*store.engine, "web"), "2");
  EXPECT_EQ(store.engine->streams().size(), 2u);
  EXPECT_EQ(store.engine->stats().records, 3u);
}

TEST(Engine, GivesSequencesWithoutGapsAndLeavesRoomAtEachOpening) {
  MemoryFiles files;
  Sequence next = 0;
  {
    TestStore store(files);
    ASSERT_TRUE(store.open());
    store.push(test_batch(test_stream("api"), 1, 5, noon));
    store.push(test_batch(test_stream("api"), 6, 5, noon));
    auto committed = store.engine->flush(false, 0);
    ASSERT_TRUE(committed);
    next = committed->next_sequence;
    EXPECT_EQ(next, 11u);
  }
  TestStore store(files);
  ASSERT_TRUE(store.open());
  EXPECT_GE(store.engine->stats().next_sequence, next - 1 + sequences_skipped_at_opening);
  EXPECT_EQ(store.engine->stats().first_sequence, 1u);
}

TEST(Engine, NewestFirstTurnsBatchesAround) {
  MemoryFiles files;
  TestStore store(files);
  ASSERT_TRUE(store.open());
  for (int i = 0; i < 4; ++i) {
    store.push(test_batch(test_stream("api"), static_cast<std::uint64_t>(i), 1, noon + i));
    if (i == 1) ASSERT_TRUE(store.engine->flush(false, 0));
  }
  ASSERT_TRUE(store.engine->flush(false, 0));
  ScanRange range;
  range.newest_first = true;
  EXPECT_THAT(lines_of(*store.engine, range), ElementsAre("api line 3", "api line 2", "api line 1", "api line 0"));
  range.to_time = noon + 2;
  range.from_sequence = 2;
  EXPECT_THAT(lines_of(*store.engine, range), ElementsAre("api line 2", "api line 1"));
}

TEST(Engine, FilterSkipsStreams) {
  MemoryFiles files;
  TestStore store(files);
  ASSERT_TRUE(store.open());
  store.push(test_batch(test_stream("api"), 1, 1, noon));
  store.push(test_batch(test_stream("web"), 1, 1, noon));
  store.push(test_batch(test_stream("api"), 2, 1, noon));
  ASSERT_TRUE(store.engine->flush(false, 0));
  const auto only_web = [](const record::Stream& stream) { return stream.labels.get("service") == "web"; };
  EXPECT_THAT(lines_of(*store.engine, {}, only_web), ElementsAre("web line 1"));
}

}  // namespace
}  // namespace telltale::store
