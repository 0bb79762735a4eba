// Events of runs in the store, and scans by the time at which records were written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/engine/testing/test_store.h"

namespace telltale::store {
namespace {

using base::testing::MemoryFiles;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::lines_of;
using ::testing::SizeIs;
using testing::test_batch;
using testing::test_stream;
using testing::TestStore;

constexpr UnixNanos second = base::nanos_per_second;

StreamRef run_stream(const std::string& run) {
  return record::make_stream(record::Labels({{"service", "telltale"}, {"source", "lifecycle"}, {"instance", run}}));
}

record::Batch events(const std::string& run, std::uint64_t first, std::size_t count, UnixNanos observed) {
  record::Batch batch = test_batch(run_stream(run), first, count, observed);
  batch.position.reset();
  for (record::Record& record : batch.records) record.flags = record::flag_lifecycle;
  return batch;
}

ScanRange lifecycle_only() {
  ScanRange range;
  range.lifecycle_only = true;
  return range;
}

// Counts the bytes that are read through it.
class CountingFiles final : public base::Files {
 public:
  explicit CountingFiles(base::Files& files) : files_(files) {}
  std::uint64_t bytes() const { return bytes_; }

  base::Result<std::unique_ptr<base::ReadableFile>> open_read(const std::string& path) override {
    auto file = files_.open_read(path);
    if (!file) return base::pass(file);
    return std::make_unique<Counting>(std::move(*file), bytes_);
  }
  base::Result<std::unique_ptr<base::WritableFile>> open_write(const std::string& path, base::OpenMode mode) override {
    return files_.open_write(path, mode);
  }
  base::Result<base::FileInfo> info(const std::string& path) override { return files_.info(path); }
  base::Result<base::FileInfo> link_info(const std::string& path) override { return files_.link_info(path); }
  base::Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }
  base::Status rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  base::Status remove(const std::string& path) override { return files_.remove(path); }
  base::Status make_directories(const std::string& path) override { return files_.make_directories(path); }
  base::Status sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  base::Status allocate(const std::string& path, std::uint64_t bytes) override { return files_.allocate(path, bytes); }
  base::Result<std::unique_ptr<base::FileLock>> lock(const std::string& path, std::string_view content) override {
    return files_.lock(path, content);
  }

 private:
  class Counting final : public base::ReadableFile {
   public:
    Counting(std::unique_ptr<base::ReadableFile> file, std::uint64_t& bytes) : file_(std::move(file)), bytes_(bytes) {}
    base::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
      bytes_ += out.size();
      return file_->read_at(offset, out);
    }
    base::Result<base::FileInfo> info() override { return file_->info(); }

   private:
    std::unique_ptr<base::ReadableFile> file_;
    std::uint64_t& bytes_;
  };
  base::Files& files_;
  std::uint64_t bytes_ = 0;
};

TEST(Lifecycle, EventsAreFoundWithoutReadingWhatLiesBetween) {
  MemoryFiles memory;
  CountingFiles files(memory);
  StoreOptions options;
  options.folder = "data";
  options.segment_bytes = 8 << 20;
  options.compress = false;
  TestStore store(files, options);
  ASSERT_TRUE(store.open());
  std::size_t written = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    store.push(test_batch(test_stream("api"), i, 10, store.clock.wall(), 50'000));
    written += 500'000;
    ASSERT_TRUE(store.engine->flush(false, 0));
    if (i % 10 != 0) continue;
    store.push(events("r" + std::to_string(i / 20), i, 1, store.clock.wall()));
    ASSERT_TRUE(store.engine->flush(false, 0));
  }
  EXPECT_THAT(lines_of(*store.engine, lifecycle_only()),
              ElementsAre("telltale line 0", "telltale line 10", "telltale line 20", "telltale line 30"));
  const std::uint64_t before = files.bytes();
  EXPECT_THAT(lines_of(*store.engine, lifecycle_only()), SizeIs(4));
  EXPECT_LT(files.bytes() - before, 100'000u) << "of " << written;
  ScanRange newest = lifecycle_only();
  newest.newest_first = true;
  const auto of_r0 = [](const record::Stream& stream) { return stream.labels.get("instance") == "r0"; };
  EXPECT_THAT(lines_of(*store.engine, newest, of_r0), ElementsAre("telltale line 10", "telltale line 0"));
  EXPECT_THAT(verify(files, "data")->problems, IsEmpty());
}

TEST(Lifecycle, EventsAmongRecordsOfOneCommitAreFoundToo) {
  MemoryFiles files;
  StoreOptions options;
  options.folder = "data";
  options.segment_bytes = 3000;
  for (int round = 0; round < 2; ++round) {  // the second time the segments are sealed and read by their seals
    TestStore store(files, options);
    ASSERT_TRUE(store.open());
    if (round == 0) {
      for (std::uint64_t i = 0; i < 10; ++i) {
        store.push(test_batch(test_stream("api"), i, 3, store.clock.wall(), 200));
        store.push(events("r1", i, 2, store.clock.wall()));
        store.push(test_batch(test_stream("db"), i, 3, store.clock.wall(), 200));
        ASSERT_TRUE(store.engine->flush(false, 0));
      }
    }
    const auto is_event = [](const record::Stream& stream) { return stream.labels.get("source") == "lifecycle"; };
    EXPECT_THAT(lines_of(*store.engine, lifecycle_only(), is_event), SizeIs(20));
    EXPECT_THAT(lines_of(*store.engine), SizeIs(80)) << "an ordinary scan meets all";
    ASSERT_TRUE(store.engine->close());
  }
  auto reader = open_read_only(files, "data");
  ASSERT_TRUE(reader);
  const auto is_event = [](const record::Stream& stream) { return stream.labels.get("source") == "lifecycle"; };
  EXPECT_THAT(lines_of(**reader, lifecycle_only(), is_event), SizeIs(20));
}

// Three batches that were seen at 1000 s, 2000 s and 3000 s; the last may have been written since 1500 s.
class ByWriting : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.folder = "data";
    store_ = std::make_unique<TestStore>(files_, options_);
    ASSERT_TRUE(store_->open());
    for (std::uint64_t i = 1; i <= 3; ++i) {
      record::Batch batch = test_batch(test_stream("api"), i, 1, static_cast<UnixNanos>(i) * 1000 * second);
      batch.written_after = i == 3 ? 1500 * second : batch.records[0].observed_time - second;
      store_->push(std::move(batch));
      ASSERT_TRUE(store_->engine->flush(false, 0));
    }
  }
  std::vector<std::string> lines(UnixNanos from, UnixNanos to, bool by_writing) {
    ScanRange range;
    range.from_time = from * second;
    range.to_time = to * second;
    range.by_writing = by_writing;
    return lines_of(*store_->engine, range);
  }

  MemoryFiles files_;
  StoreOptions options_;
  std::unique_ptr<TestStore> store_;
};

TEST_F(ByWriting, ALateBatchIsVisitedForTheTimeInWhichItWasWritten) {
  EXPECT_THAT(lines(1900, 2100, false), ElementsAre("api line 2"));
  EXPECT_THAT(lines(1900, 2100, true), ElementsAre("api line 2", "api line 3"));
}

TEST_F(ByWriting, TimesAreRightToAMinuteOtherwise) {
  EXPECT_THAT(lines(1010, 1020, false), IsEmpty());
  EXPECT_THAT(lines(1010, 1020, true), ElementsAre("api line 1", "api line 3"));
  EXPECT_THAT(lines(1070, 1080, true), ElementsAre("api line 3"));
  EXPECT_THAT(lines(INT64_MIN / second, INT64_MAX / second, true), SizeIs(3));
}

}  // namespace
}  // namespace telltale::store
