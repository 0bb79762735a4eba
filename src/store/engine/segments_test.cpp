// Rotation, retention and cursors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/engine/testing/test_store.h"

namespace telltale::store {
namespace {

using base::testing::MemoryFiles;
using testing::lines_of;
using testing::position_of;
using ::testing::SizeIs;
using testing::test_batch;
using testing::test_stream;
using testing::TestStore;

constexpr std::int64_t hour = 3600 * base::nanos_per_second;

StoreOptions small_segments() {
  StoreOptions options;
  options.folder = "data";
  options.segment_bytes = 2000;
  options.compress = false;
  return options;
}

void fill(TestStore& store, std::uint64_t batches) {
  for (std::uint64_t i = 0; i < batches; ++i) {
    store.push(test_batch(test_stream("api"), i, 1, store.clock.wall(), 500));
    ASSERT_TRUE(store.engine->flush(false, 0));
  }
}

TEST(Rotation, KeepsOrderPositionsAndFiguresOverSegmentsAndReopening) {
  MemoryFiles files;
  {
    TestStore store(files, small_segments());
    ASSERT_TRUE(store.open());
    fill(store, 20);
    EXPECT_GT(store.engine->stats().segments, 4u);
    ASSERT_TRUE(store.engine->close());
  }
  TestStore store(files, small_segments());
  ASSERT_TRUE(store.open());
  EXPECT_THAT(lines_of(*store.engine), SizeIs(20));
  EXPECT_EQ(position_of(*store.engine, "api"), "20");
  EXPECT_EQ(store.engine->stats().records, 20u);
  EXPECT_THAT(verify(files, "data")->problems, SizeIs(0));
}

TEST(Rotation, ByAge) {
  MemoryFiles files;
  StoreOptions options;
  options.folder = "data";
  options.segment_age_ns = hour;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  fill(store, 2);
  EXPECT_EQ(store.engine->stats().segments, 1u);
  store.clock.advance(hour);
  fill(store, 1);
  EXPECT_EQ(store.engine->stats().segments, 2u);
}

TEST(Retention, BySizeRemovesTheOldestSegments) {
  MemoryFiles files;
  StoreOptions options = small_segments();
  options.retention_bytes = 20'000;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  fill(store, 100);
  const StoreStats stats = store.engine->stats();
  EXPECT_LE(stats.bytes, options.retention_bytes + 2 * options.segment_bytes);
  EXPECT_GT(stats.first_sequence, 1u);
  const std::vector<std::string> lines = lines_of(*store.engine);
  ASSERT_THAT(lines, SizeIs(stats.records));
  EXPECT_TRUE(lines.back().starts_with("api line 99"));
}

TEST(Retention, ByAgeGoesByObservedTimeAndForgetsStreamsThatAreGone) {
  MemoryFiles files;
  StoreOptions options = small_segments();
  options.retention_age_ns = 24 * hour;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  store.push(test_batch(test_stream("old"), 1, 1, store.clock.wall(), 500));
  ASSERT_TRUE(store.engine->flush(true, 0));
  store.clock.advance(25 * hour);
  fill(store, 6);
  EXPECT_GT(store.engine->stats().segments, 1u);
  for (const std::string& line : lines_of(*store.engine)) EXPECT_FALSE(line.starts_with("old")) << line;
  EXPECT_THAT(store.engine->streams(), SizeIs(1));
  EXPECT_EQ(position_of(*store.engine, "old"), "2") << "positions are not retained by age";
}

TEST(Cursor, IsOfOneStore) {
  MemoryFiles files;
  TestStore store(files, small_segments());
  ASSERT_TRUE(store.open());
  const std::string cursor = store.engine->cursor(12345);
  EXPECT_EQ(store.engine->read_cursor(cursor).value(), 12345u);
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(store.engine->read_cursor(changed).error().code, base::ErrorCode::cursor_invalid) << i;
  }
  EXPECT_EQ(store.engine->read_cursor("").error().code, base::ErrorCode::cursor_invalid);
  TestStore other(files, [] {
    StoreOptions options = small_segments();
    options.folder = "other";
    return options;
  }());
  std::array<std::uint8_t, 7> skipped{};
  other.random.fill(skipped);  // another id
  ASSERT_TRUE(other.open());
  EXPECT_EQ(other.engine->read_cursor(cursor).error().code, base::ErrorCode::cursor_invalid);
}

TEST(Cursor, OfAStoreWhoseSegmentsAreGoneIsRefused) {
  MemoryFiles files;
  std::string cursor;
  {
    TestStore store(files, small_segments());
    ASSERT_TRUE(store.open());
    fill(store, 1);
    cursor = store.engine->cursor(1);
  }
  for (const std::string& name : *files.list("data/segments")) ASSERT_TRUE(files.remove("data/segments/" + name));
  TestStore store(files, small_segments());
  ASSERT_TRUE(store.open());
  EXPECT_EQ(store.engine->read_cursor(cursor).error().code, base::ErrorCode::cursor_invalid);
}

}  // namespace
}  // namespace telltale::store
