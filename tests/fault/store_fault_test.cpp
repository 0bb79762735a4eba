// Single faults of the store: short writes, failed syncs, a full disk and its return, flipped bits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/testing/faulty_files.h"
#include "record/gap.h"
#include "tests/fault/store_oracle.h"

namespace telltale::testing {
namespace {

using base::ErrorCode;
using base::nanos_per_second;
using base::testing::FaultyFiles;
using base::testing::FileOperation;
using base::testing::MemoryFiles;
using store::StoreOptions;
using store::testing::lines_of;
using store::testing::position_of;
using store::testing::test_batch;
using store::testing::test_stream;
using store::testing::TestStore;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

StoreOptions plain_options() {
  StoreOptions options;
  options.folder = "data";
  options.compress = false;
  return options;
}

class StoreFaults : public ::testing::Test {
 protected:
  MemoryFiles disk;
  FaultyFiles files{disk};
};

TEST_F(StoreFaults, AShortWriteIsCutOffAndTriedAgain) {
  TestStore store(files, plain_options());
  ASSERT_TRUE(store.open());
  files.fail_next(FileOperation::append, ErrorCode::disk_full);
  store.push(test_batch(test_stream("api"), 1, 2, 1));
  EXPECT_EQ(store.engine->flush(true, 0).error().code, ErrorCode::disk_full);
  EXPECT_TRUE(store.engine->stats().disk_full);
  EXPECT_THAT(lines_of(*store.engine), IsEmpty());
  store.clock.advance(nanos_per_second);
  ASSERT_TRUE(store.engine->flush(true, 0));
  EXPECT_FALSE(store.engine->stats().disk_full);
  EXPECT_THAT(lines_of(*store.engine), ElementsAre("api line 1", "api line 2"));
  ASSERT_TRUE(store.engine->close());
  EXPECT_THAT(store::verify(files, "data")->problems, IsEmpty());
}

TEST_F(StoreFaults, AFailedSyncMovesWhatIsUnsyncedToANewSegment) {
  TestStore store(files, plain_options());
  ASSERT_TRUE(store.open());
  store.push(test_batch(test_stream("api"), 1, 2, 1));
  ASSERT_TRUE(store.engine->flush(true, 0));
  store.push(test_batch(test_stream("api"), 3, 1, 1));
  files.fail_next(FileOperation::sync, ErrorCode::io_error);
  EXPECT_FALSE(store.engine->flush(true, 0)) << "what may be lost must not be acknowledged";
  ASSERT_TRUE(store.engine->flush(true, 0));
  EXPECT_EQ(store.engine->stats().segments, 2u);
  EXPECT_EQ(store.engine->stats().records, 3u);
  EXPECT_THAT(lines_of(*store.engine), ElementsAre("api line 1", "api line 2", "api line 3"));
  // The new segment alone makes it durable.
  store.engine.reset();
  files.reboot({});
  ASSERT_TRUE(store.open());
  EXPECT_THAT(lines_of(*store.engine), ElementsAre("api line 1", "api line 2", "api line 3"));
}

TEST_F(StoreFaults, AFullDiskHoldsBackRecordsButNotGapsAndGoesOnByItself) {
  StoreOptions options = plain_options();
  options.queue_bytes = 8 * 1024;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  files.limit_bytes(disk.used_bytes() + 1000);
  std::uint64_t line = 1;
  while (store.push(test_batch(test_stream("api"), line, 1, 1, 600)) == record::PushOutcome::accepted) {
    ++line;
    store.engine->pump();
  }
  EXPECT_TRUE(store.engine->stats().disk_full);
  record::Gap gap;
  gap.reason = record::GapReason::source_restarted;
  EXPECT_EQ(store.push(record::make_gap_batch(test_stream("pipe"), gap, 5)), record::PushOutcome::accepted)
      << "gaps get in when the queue is full";
  store.clock.advance(nanos_per_second);
  store.engine->pump();
  EXPECT_EQ(store.engine->stats().gaps, 1u) << "and are written from the reserve";
  EXPECT_TRUE(store.engine->stats().disk_full);

  files.limit_bytes({});
  store.clock.advance(nanos_per_second);
  ASSERT_TRUE(store.engine->flush(true, 0));
  EXPECT_FALSE(store.engine->stats().disk_full);
  EXPECT_EQ(store.engine->stats().records, line) << "all lines and the gap";
  EXPECT_EQ(position_of(*store.engine, "api"), std::to_string(line));
  EXPECT_TRUE(files.info("data/reserve")) << "the reserve is there for the next time";
}

TEST_F(StoreFaults, WaitingForSpaceIsToldWhenThereIsSome) {
  StoreOptions options = plain_options();
  options.queue_bytes = 4 * 1024;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  std::uint64_t line = 1;
  while (store.push(test_batch(test_stream("api"), line, 2, 1, 300)) == record::PushOutcome::accepted) line += 2;
  bool told = false;
  store.engine->sink().on_space([&] { told = true; });
  EXPECT_FALSE(told);
  store.engine->pump();
  EXPECT_TRUE(told);
  EXPECT_EQ(store.push(test_batch(test_stream("api"), line, 2, 1, 300)), record::PushOutcome::accepted);
}

// A small store on a disk, closed properly; then one byte of its only segment is damaged.
class FlippedBits : public StoreFaults {
 protected:
  static constexpr const char* segment = "data/segments/00000000000000000001.tts";
  void SetUp() override {
    TestStore store(files, plain_options());
    ASSERT_TRUE(store.open());
    for (std::uint64_t i = 1; i <= 4; ++i) {
      store.push(test_batch(test_stream(i % 2 == 0 ? "web" : "api"), (i + 1) / 2, 1, static_cast<UnixNanos>(i)));
      ASSERT_TRUE(store.engine->flush(true, 0));
    }
    all = lines_of(*store.engine);
    ASSERT_TRUE(store.engine->close());
    good = disk.get(segment);
  }
  using UnixNanos = base::UnixNanos;
  std::vector<std::string> all;
  std::string good;
};

TEST_F(FlippedBits, VerifyFindsEachAndReadingGivesTheRest) {
  ASSERT_THAT(store::verify(files, "data")->problems, IsEmpty());
  for (std::size_t at = 0; at < good.size(); ++at) {
    disk.put(segment, good);
    disk.damage(segment, at, static_cast<std::uint8_t>(1 << at % 8));
    auto report = store::verify(files, "data");
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->problems.empty()) << "byte " << at;
    auto reader = store::open_read_only(files, "data");
    ASSERT_TRUE(reader);
    const std::vector<std::string> left = lines_of(**reader);
    EXPECT_TRUE(std::includes(
        all.begin(), all.end(), left.begin(), left.end(),
        [&](const auto& a, const auto& b) { return std::find(all.begin(), all.end(), a) < std::find(all.begin(), all.end(), b); }))
        << "byte " << at << ": " << ::testing::PrintToString(left);
    EXPECT_GE(left.size() + 3, all.size()) << "byte " << at;
  }
}

TEST_F(FlippedBits, OpeningTellsOfWhatIsMissing) {
  for (std::size_t at = 0; at < good.size(); ++at) {
    disk.put(segment, good);
    disk.damage(segment, at, 0x10);
    TestStore store(files, plain_options());
    ASSERT_TRUE(store.open()) << "byte " << at;
    std::vector<std::string> left = lines_of(*store.engine);
    const auto is_gap = [&](const std::string& line) { return std::find(all.begin(), all.end(), line) == all.end(); };
    const bool told = std::any_of(left.begin(), left.end(), is_gap);
    std::erase_if(left, is_gap);
    EXPECT_TRUE(told || left == all) << "byte " << at;
    EXPECT_EQ(store.engine->stats().gaps, told ? 1u : 0u) << "byte " << at;
    store.push(test_batch(test_stream("api"), 100, 1, 9));
    ASSERT_TRUE(store.engine->flush(true, 0)) << "byte " << at;
    EXPECT_THAT(lines_of(*store.engine), Contains("api line 100"));
    ASSERT_TRUE(store.engine->close());
    for (const std::string& name : *files.list("data/segments")) {
      if (base::join_path("data/segments", name) != segment) ASSERT_TRUE(files.remove(base::join_path("data/segments", name)));
    }
  }
}

}  // namespace
}  // namespace telltale::testing
