// The law of the file where the world around the store misbehaves: files that vanish, disks that refuse, clocks that jump.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/testing/faulty_files.h"
#include "record/gap.h"
#include "store/engine/testing/test_store.h"
#include "telemetry/log.h"

namespace telltale::testing {
namespace {

using base::ErrorCode;
using base::nanos_per_second;
using base::testing::FaultyFiles;
using base::testing::FileOperation;
using base::testing::MemoryFiles;
using record::Gap;
using store::Sequence;
using store::StoreOptions;
using store::testing::position_of;
using store::testing::test_batch;
using store::testing::test_stream;
using store::testing::TestStore;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t hour = 3600 * nanos_per_second;
constexpr std::int64_t day = 24 * hour;

struct Contents {
  std::vector<std::uint64_t> lines;  // of the service "api", in the order of sequences
  std::vector<Gap> gaps;
};

class StoreLaw : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { telemetry::set_log_level(telemetry::LogLevel::off); }
  StoreLaw() {
    options.folder = "data";
    options.segment_bytes = 3000;
    options.compress = false;
  }
  void open() {
    store = std::make_unique<TestStore>(files, options);
    store->clock.advance(clock_offset);
    const auto opened = store->open();
    ASSERT_TRUE(opened) << opened.error().message();
  }
  void close() {
    ASSERT_TRUE(store->engine->close());
    store.reset();
  }
  void reopen() {
    close();
    open();
  }
  void write(int batches) {
    for (int i = 0; i < batches; ++i) {
      store->push(test_batch(test_stream("api"), next_line++, 1, store->clock.wall(), 400));
      ASSERT_TRUE(store->engine->flush(true, 0));
    }
  }
  Contents read() const {
    Contents out;
    Sequence last = 0;
    const auto status = store->engine->scan({}, {}, [&](const record::CommittedBatchRef& batch) {
      EXPECT_GT(batch->first_sequence, last) << "sequences go up";
      last = batch->last_sequence();
      for (const record::Record& record : batch->batch.records) {
        if (auto gap = record::read_gap(batch->batch, record)) {
          out.gaps.push_back(std::move(*gap));
        } else {
          out.lines.push_back(std::stoull(std::string(batch->batch.line(record).substr(9))));
        }
      }
      return store::ScanStep::go_on;
    });
    EXPECT_TRUE(status) << status.error().message();
    return out;
  }
  std::vector<std::string> segments() {
    std::vector<std::string> out;
    for (const std::string& name : *files.list("data/segments")) out.push_back("data/segments/" + name);
    return out;
  }
  // What is missing is told by the one gap there is.
  void expect_loss_told(std::uint64_t lines) {
    const Contents found = read();
    EXPECT_EQ(found.lines.size() + lines, next_line - 1);
    ASSERT_THAT(found.gaps, SizeIs(1));
    EXPECT_EQ(found.gaps[0].reason, record::GapReason::store_damaged);
    EXPECT_EQ(found.gaps[0].lines, lines);
    ASSERT_TRUE(found.gaps[0].sequences);
    EXPECT_EQ(found.gaps[0].sequences->to - found.gaps[0].sequences->from + 1, lines);
  }

  MemoryFiles disk;
  FaultyFiles files{disk};
  StoreOptions options;
  std::unique_ptr<TestStore> store;
  std::uint64_t next_line = 1;
  std::int64_t clock_offset = 0;
};

// Files that vanish.

TEST_F(StoreLaw, ASegmentRemovedByHandIsAGapWhileRunning) {
  open();
  write(30);
  const auto before = segments();
  ASSERT_GE(before.size(), 4u);
  ASSERT_TRUE(disk.remove(before[1]));
  EXPECT_LT(read().lines.size(), 30u) << "a reader passes over it";
  store->engine->look();
  ASSERT_TRUE(store->engine->flush(true, 0));
  expect_loss_told(30 - read().lines.size());
  store->engine->look();
  reopen();
  expect_loss_told(30 - read().lines.size());
  EXPECT_EQ(position_of(*store->engine, "api"), "31");
}

TEST_F(StoreLaw, ASegmentRemovedByHandIsAGapAtTheNextOpening) {
  for (const std::size_t which : {0, 1}) {
    open();
    write(30);
    const auto before = segments();
    close();
    ASSERT_TRUE(disk.remove(before[which]));
    open();
    const Contents found = read();
    ASSERT_THAT(found.gaps, SizeIs(which + 1)) << "one more each time";
    write(3);
    reopen();
    EXPECT_THAT(read().gaps, SizeIs(which + 1)) << "told once";
    close();
  }
}

TEST_F(StoreLaw, TheSegmentThatIsWrittenIsRemovedAndCaptureGoesOnInAnother) {
  open();
  write(3);
  ASSERT_TRUE(disk.remove(segments().back()));
  store->clock.advance(2 * nanos_per_second);
  write(1);  // into the file that nobody will see any more
  store->clock.advance(2 * nanos_per_second);
  store->engine->pump();
  write(2);
  store->engine->look();
  ASSERT_TRUE(store->engine->flush(true, 0));
  reopen();
  const Contents found = read();
  EXPECT_THAT(found.lines, ::testing::ElementsAre(5, 6));
  ASSERT_THAT(found.gaps, SizeIs(1));
  EXPECT_EQ(found.gaps[0].lines, 4u);
}

TEST_F(StoreLaw, TheStoreIdIsMadeAgainWithTheIdentityThatTheSegmentsName) {
  open();
  write(3);
  const std::string cursor = store->engine->cursor(2);
  close();
  ASSERT_TRUE(disk.remove("data/store.id"));
  open();
  EXPECT_EQ(store->engine->read_cursor(cursor).value(), 2u);
  EXPECT_THAT(read().lines, SizeIs(3));
  EXPECT_THAT(read().gaps, IsEmpty());
}

TEST_F(StoreLaw, TheStoreIdOfAnotherStoreIsRefusedAndNothingIsTouched) {
  open();
  write(3);
  close();
  const std::string own = disk.get("data/store.id");
  std::string other = own;
  const std::size_t digit = other.find("id ") + 3;
  other[digit] = other[digit] == '0' ? '1' : '0';
  disk.put("data/store.id", other);
  const auto before = segments();
  TestStore wrong(files, options);
  const auto opened = wrong.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::store_corrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr("store.id"));
  EXPECT_EQ(segments(), before);
  disk.put("data/store.id", own);
  open();
  EXPECT_THAT(read().lines, SizeIs(3));
}

// Disks that refuse.

TEST_F(StoreLaw, BlocksThatCannotBeReadAreAGapAndTheRestIsRead) {
  options.segment_bytes = 64 * 1024;
  open();
  write(400);
  const auto all = segments();
  ASSERT_GE(all.size(), 3u);
  files.refuse_reads(all[1], 8192, 12288);
  EXPECT_GT(read().lines.size(), 370u) << "a reader passes over them";
  store->engine->look();
  ASSERT_TRUE(store->engine->flush(true, 0));
  const std::uint64_t lost = 400 - read().lines.size();
  EXPECT_GT(lost, 0u);
  expect_loss_told(lost);
  EXPECT_THAT(store::verify(files, "data", 0)->problems, SizeIs(1));
  reopen();
  expect_loss_told(lost);
}

TEST_F(StoreLaw, TheNewestSegmentWithBlocksThatCannotBeReadIsLeftAsItIs) {
  options.segment_bytes = 1 << 20;
  open();
  write(100);
  close();
  const std::string newest = segments().back();
  const std::string before = disk.get(newest);
  files.refuse_reads(newest, 8192, 12288);
  open();
  EXPECT_EQ(disk.get(newest), before) << "nothing is cut";
  EXPECT_THAT(segments(), SizeIs(2));
  const std::uint64_t lost = 100 - read().lines.size();
  EXPECT_GT(lost, 0u);
  expect_loss_told(lost);
  EXPECT_EQ(position_of(*store->engine, "api"), "101");
}

TEST_F(StoreLaw, ADiskThatTurnsReadOnlyIsSaidAndNothingIsLost) {
  open();
  write(3);
  files.set_read_only(true);
  store->push(test_batch(test_stream("api"), next_line++, 1, store->clock.wall()));
  EXPECT_FALSE(store->engine->flush(true, 0));
  EXPECT_THAT(store->engine->stats().trouble, HasSubstr("failed by plan"));
  EXPECT_FALSE(store->engine->stats().disk_full);
  EXPECT_THAT(read().lines, SizeIs(3)) << "what is there can be read";
  store->clock.advance(2 * nanos_per_second);
  store->engine->pump();
  files.set_read_only(false);
  store->clock.advance(2 * nanos_per_second);
  ASSERT_TRUE(store->engine->flush(true, 0));
  EXPECT_THAT(store->engine->stats().trouble, IsEmpty());
  EXPECT_THAT(read().lines, ::testing::ElementsAre(1, 2, 3, 4));
  reopen();
  EXPECT_THAT(read().lines, ::testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read().gaps, IsEmpty());
}

TEST_F(StoreLaw, AFullDiskAtEachStepOfANewSegmentLosesNothing) {
  for (const FileOperation operation : {FileOperation::create, FileOperation::append, FileOperation::sync, FileOperation::rename,
                                        FileOperation::sync_directory, FileOperation::allocate}) {
    open();
    const std::size_t had = segments().size();
    files.fail_next(operation, ErrorCode::disk_full);
    for (int i = 0; i < 20; ++i) {
      store->push(test_batch(test_stream("api"), next_line++, 1, store->clock.wall(), 400));
      for (int tries = 0; tries < 5 && !store->engine->flush(true, 0); ++tries) store->clock.advance(2 * nanos_per_second);
      store->clock.advance(2 * nanos_per_second);
    }
    EXPECT_GT(segments().size(), had) << to_string(operation);
    reopen();
    EXPECT_THAT(read().lines, SizeIs(next_line - 1)) << to_string(operation);
    EXPECT_THAT(read().gaps, IsEmpty()) << to_string(operation);
    EXPECT_EQ(position_of(*store->engine, "api"), std::to_string(next_line));
    close();
  }
  EXPECT_THAT(store::verify(files, "data", 0)->problems, IsEmpty());
}

// Clocks that jump.

class JumpingClock : public StoreLaw, public ::testing::WithParamInterface<std::int64_t> {};

TEST_P(JumpingClock, KeepsOrderCursorsAndTimesWhileRunningAndBetweenRuns) {
  open();
  write(5);
  const base::UnixNanos before = store->clock.wall();
  const Sequence place = store->engine->stats().next_sequence;
  const std::string cursor = store->engine->cursor(place);
  store->clock.jump(GetParam());
  write(10);
  const base::UnixNanos after = store->clock.wall();
  close();
  clock_offset = GetParam() / 2;
  if (clock_offset < 0) clock_offset = 0;  // the test's clock begins anew at each opening: back again
  open();
  write(5);
  const Contents found = read();
  ASSERT_THAT(found.lines, SizeIs(20));
  EXPECT_TRUE(std::ranges::is_sorted(found.lines)) << "the order is that of sequences";
  EXPECT_THAT(found.gaps, IsEmpty());
  EXPECT_EQ(store->engine->read_cursor(cursor).value(), place);
  store::ScanRange range;
  range.from_time = range.to_time = after;
  std::size_t at_that_time = 0;
  ASSERT_TRUE(store->engine->scan(range, {}, [&](const record::CommittedBatchRef& batch) {
    for (const record::Record& record : batch->batch.records) at_that_time += record.index_time() == after ? 1 : 0;
    return store::ScanStep::go_on;
  }));
  EXPECT_EQ(at_that_time, 10u) << "a time chooses what was observed then";
  EXPECT_NE(before, after);
  EXPECT_THAT(store::verify(files, "data", 0)->problems, IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(ByHours, JumpingClock, ::testing::Values(5 * hour, -5 * hour, 4000 * day, -4000 * day));

TEST_F(StoreLaw, AClockThatRunsYearsAheadRemovesNothingAndThenRetentionGoesOn) {
  options.retention_age_ns = 30 * day;
  open();
  const auto live = [&](int days) {
    for (int i = 0; i < days; ++i) {
      write(2);
      store->clock.advance(day);
      store->engine->pump();
    }
  };
  live(20);
  store->clock.jump(4000 * day);
  live(3);
  EXPECT_THAT(read().lines, SizeIs(46)) << "nothing is removed while the clock is wrong";
  store->clock.jump(-4000 * day);
  live(4);
  EXPECT_THAT(read().lines, SizeIs(54)) << "nor after";
  live(60);
  const Contents found = read();
  EXPECT_LE(found.lines.size(), 2u * 36);
  EXPECT_GE(found.lines.size(), 2u * 30) << "nothing younger than the limit is removed";
  EXPECT_EQ(found.lines.back(), next_line - 1);
  EXPECT_THAT(found.gaps, IsEmpty()) << "what retention removes is no gap";
  reopen();
  EXPECT_THAT(read().gaps, IsEmpty());
}

// Retention while others write and read.

TEST_F(StoreLaw, RetentionRemovesTheOldestAndTellsNobodyOfAGap) {
  options.retention_bytes = 20'000;
  open();
  for (int round = 0; round < 20; ++round) {
    write(10);
    Sequence first = 0;
    std::vector<std::uint64_t> seen;
    ASSERT_TRUE(store->engine->scan({}, {}, [&](const record::CommittedBatchRef& batch) {
      if (first == 0) first = batch->first_sequence;
      if (seen.size() == 3) write(8);  // retention goes on below the reader
      for (const record::Record& record : batch->batch.records) {
        seen.push_back(std::stoull(std::string(batch->batch.line(record).substr(9))));
      }
      return store::ScanStep::go_on;
    }));
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    store->engine->look();
    EXPECT_EQ(store->engine->stats().gaps, 0u);
    if (round % 5 == 4) reopen();
    EXPECT_EQ(store->engine->stats().gaps, 0u);
  }
  EXPECT_LE(store->engine->stats().bytes, options.retention_bytes + 2 * options.segment_bytes);
  EXPECT_THAT(store::verify(files, "data", 0)->problems, IsEmpty());
}

}  // namespace
}  // namespace telltale::testing
