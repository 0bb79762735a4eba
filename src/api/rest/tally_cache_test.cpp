#include "api/rest/tally_cache.h"

#include <gtest/gtest.h>

#include "runs/files/testing/run_files_harness.h"

namespace telltale::api {
namespace {

// Passes on to a store and counts how often records are asked for.
class CountingReader final : public store::StoreReader {
 public:
  explicit CountingReader(const store::StoreReader& inner) : inner_(inner) {}
  base::Status scan(const store::ScanRange& range, const store::StreamFilter& filter, const store::BatchVisitor& visitor) const override {
    if (range.from_sequence == 0) ++whole_scans;
    return inner_.scan(range, filter, visitor);
  }
  std::vector<record::StreamRef> streams() const override { return inner_.streams(); }
  store::StoreStats stats() const override { return inner_.stats(); }
  std::string cursor(record::Sequence sequence) const override { return inner_.cursor(sequence); }
  base::Result<record::Sequence> read_cursor(std::string_view text) const override { return inner_.read_cursor(text); }

  mutable int whole_scans = 0;

 private:
  const store::StoreReader& inner_;
};

class TallyCacheTest : public ::testing::Test {
 protected:
  TallyCacheTest() {
    run_.start_run("run-1", "/logs", R"({"name":"api","files":["/var/log/api.log"]})");
    run_.start_test("run-1", "t");
    log("api", "during the run", true);
  }
  void finish() {
    run_.finish_test("run-1", "t");
    run_.advance(10);
    run_.finish_run("run-1");
    run_.advance(10);
  }
  void log(const std::string& service, std::string_view line, bool error, std::optional<base::UnixNanos> time = {}) {
    run_.advance(10);
    run_.log(service, line, time, error);
    run_.advance(10);
  }
  // The errors that are counted, and how many scans of all records that took.
  std::pair<std::uint64_t, int> errors_and_scans() {
    const int before = reader_.whole_scans;
    const auto run = run_.registry().run("run-1");
    EXPECT_TRUE(run);
    const auto tally = cache_.tally(*run);
    EXPECT_TRUE(tally);
    return {(*tally)->errors, reader_.whole_scans - before};
  }
  using Seen = std::pair<std::uint64_t, int>;

  base::testing::MemoryFiles disk_;
  runs::RunFilesHarness run_{disk_, disk_};
  CountingReader reader_{run_.store()};
  runs::Attributor attributor_{run_.registry()};
  TallyCache cache_{run_.registry(), attributor_, reader_};
};

TEST_F(TallyCacheTest, AFinishedRunIsCountedOnce) {
  finish();
  EXPECT_EQ(errors_and_scans(), Seen(1, 1));
  EXPECT_EQ(errors_and_scans(), Seen(1, 0));
  log("other", "of no run", true);
  log("api", "after the run", true);
  EXPECT_EQ(errors_and_scans(), Seen(1, 0));
  EXPECT_EQ(errors_and_scans(), Seen(1, 0));
}

TEST_F(TallyCacheTest, ARunningRunIsCountedEachTime) {
  EXPECT_EQ(errors_and_scans(), Seen(1, 1));
  log("api", "another", true);
  EXPECT_EQ(errors_and_scans(), Seen(2, 1));
}

TEST_F(TallyCacheTest, ALateLineIsCounted) {
  const base::UnixNanos during = run_.now();
  finish();
  EXPECT_EQ(errors_and_scans(), Seen(1, 1));
  log("api", "late", true, during);
  EXPECT_EQ(errors_and_scans(), Seen(2, 1));
  EXPECT_EQ(errors_and_scans(), Seen(2, 0));
}

TEST_F(TallyCacheTest, AnEventThatMayChangeWhoseALineIsCountsAnew) {
  finish();
  EXPECT_EQ(errors_and_scans(), Seen(1, 1));
  run_.event("run-1", "trace", R"("test":"t","trace_id":"0af7651916cd43dd8448eb211c80319c")");
  EXPECT_EQ(errors_and_scans(), Seen(1, 1));
  EXPECT_EQ(errors_and_scans(), Seen(1, 0));
}

}  // namespace
}  // namespace telltale::api
