#include "runs/summary/tally.h"

#include <gtest/gtest.h>

#include "runs/files/testing/run_files_harness.h"

namespace telltale::runs {
namespace {

constexpr const char* a = "00000000000000aa";
constexpr const char* b = "00000000000000bb";

class TallyTest : public ::testing::Test {
 protected:
  TallyTest() {
    run_.start_run("run-1", "/logs", R"({"name":"api","files":["/var/log/api*.log"]},{"name":"db","files":["/var/log/db.log"]})");
  }

  void log(const std::string& service, std::string_view line, bool error = false) {
    run_.advance(10);
    run_.log(service, line, {}, error);
    run_.advance(10);
  }
  RunTally tally_now(const TallyOptions& options = {}) {
    const Attributor attributor(run_.registry());
    auto counted = tally(run_.registry(), attributor, run_.store(), "run-1", options);
    EXPECT_TRUE(counted) << counted.error().message();
    return counted.value_or(RunTally());
  }

  base::testing::MemoryFiles disk_;
  RunFilesHarness run_{disk_, disk_};
};

TEST_F(TallyTest, CountsEachRecordOnceAndForEachCandidate) {
  log("api", "at the beginning");
  run_.start_test("run-1", a, {}, "gw0");
  log("api", "of a", true);
  run_.start_test("run-1", b, {}, "gw1");
  log("api-2", "of a or b", true);
  log("other", "of no service of the run", true);
  run_.finish_test("run-1", a);
  log("db", "of b");
  run_.finish_test("run-1", b);
  log("db", "of no test", true);
  run_.finish_run("run-1");
  log("api", "after the run", true);

  const RunTally counted = tally_now();
  EXPECT_EQ(counted.records, 5U);
  EXPECT_EQ(counted.errors, 3U);
  EXPECT_EQ(counted.possible_errors, 1U);
  EXPECT_EQ(counted.services.at("api").streams, 2U);
  EXPECT_EQ(counted.services.at("api").records, 3U);
  EXPECT_EQ(counted.services.at("api").errors, 2U);
  EXPECT_EQ(counted.services.at("db").errors, 1U);
  EXPECT_FALSE(counted.services.contains("other"));
  const TestTally& of_a = counted.test(a);
  EXPECT_EQ(of_a.records, 2U);
  EXPECT_EQ(of_a.shared, 1U);
  EXPECT_EQ(of_a.errors, 1U);
  EXPECT_EQ(of_a.possible_errors, 1U);
  EXPECT_EQ(counted.test(b).records, 2U);
  EXPECT_EQ(counted.test(b).errors, 0U);
  EXPECT_EQ(counted.test("none").records, 0U);
}

TEST_F(TallyTest, TheErrorPatternsOfARunsServicesCount) {
  run_.start_run("run-2", "/logs-2",
                 R"({"name":"api","files":["/var/log/api*.log"],"error_patterns":{"add":["refused"],"ignore":["known"]}})");
  run_.start_test("run-2", b);
  log("api", "connection refused");
  log("api", "known noise failed", true);
  log("api", "payment failed", true);
  run_.finish_test("run-2", b);
  run_.event("run-2", "watch", R"("services":[{"name":"db","files":["/var/log/db.log"],"error_patterns":{"replace":["deadlock"]}}])");
  log("db", "Deadlock found");
  run_.finish_run("run-2");
  const Attributor attributor(run_.registry());
  const auto counted = tally(run_.registry(), attributor, run_.store(), "run-2");
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->services.at("api").errors, 2U);
  EXPECT_EQ(counted->services.at("db").errors, 1U);
  EXPECT_EQ(counted->test(b).errors, 2U);
  EXPECT_EQ(tally_now().errors, 2U) << "the other run has none: what capture found";
  run_.pump();
  const std::string expected = "[api] connection refused\n[api] payment failed\n";
  EXPECT_EQ(run_.text("/logs-2/api_errors.log"), expected);
  EXPECT_TRUE(run_.text("/logs-2/test_logs/" + std::string(b) + "_ERRORS.log")
                  .ends_with("errors=2 possible_errors=0 attempt=1 worker=master name=t.py::" + std::string(b) + "\n" + expected));
}

TEST_F(TallyTest, ErrorsThatSayTheSameAreOneGroup) {
  run_.start_test("run-1", a);
  log("api", "order 17 failed after 30 ms", true);
  log("api", "order 18 failed after 3 ms", true);
  log("db", "order 19 failed after 3 ms", true);
  run_.finish_test("run-1", a);
  log("api", "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'", true);
  const RunTally counted = tally_now();
  ASSERT_EQ(counted.error_groups.size(), 3U);
  EXPECT_EQ(counted.error_groups[0].count, 2U);
  EXPECT_EQ(counted.error_groups[0].service, "api");
  EXPECT_EQ(counted.error_groups[0].sample, "order 17 failed after 30 ms");
  EXPECT_EQ(counted.error_groups[0].tests, std::vector<std::string>{a});
  EXPECT_LT(counted.error_groups[0].first, counted.error_groups[0].last);
  EXPECT_EQ(counted.error_groups[1].service, "db");
  EXPECT_EQ(counted.error_groups[2].sample, "KeyError: 'x'") << "the line of a traceback that tells most";
  EXPECT_TRUE(counted.error_groups[2].tests.empty());
}

TEST_F(TallyTest, ListsAreBounded) {
  for (int i = 0; i < 5; ++i) {
    log("api", "failed: " + std::string(static_cast<std::size_t>(i) + 1, 'x') + " \xC3\xBC and a long text", true);
    record::Gap gap;
    gap.from_time = gap.to_time = run_.now();
    run_.commit(record::make_gap_batch(store::testing::test_stream("api"), gap, run_.now()));
  }
  const RunTally counted = tally_now({.max_error_groups = 2, .max_sample_bytes = 11, .max_group_tests = 1, .max_gaps = 3});
  EXPECT_EQ(counted.error_groups.size(), 2U);
  EXPECT_EQ(counted.more_error_groups, 3U);
  EXPECT_EQ(counted.error_groups[0].sample, "failed: x …") << "cut between characters";
  EXPECT_EQ(counted.gaps.size(), 3U);
  EXPECT_EQ(counted.more_gaps, 2U);
  EXPECT_EQ(counted.records, 5U) << "gaps are no records";
  EXPECT_EQ(counted.gaps[0].service, "api");
  EXPECT_TRUE(tally_now({.max_error_groups = 0}).error_groups.empty());
}

TEST_F(TallyTest, AnUnknownRunIsAnError) {
  const Attributor attributor(run_.registry());
  const auto counted = tally(run_.registry(), attributor, run_.store(), "run-9");
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, base::ErrorCode::run_not_found);
}

}  // namespace
}  // namespace telltale::runs
