#include "reports/collect.h"

#include <gtest/gtest.h>

#include "reports/render.h"
#include "runs/files/testing/run_files_harness.h"

namespace telltale::reports {
namespace {

constexpr const char* a = "00000000000000aa";
constexpr const char* b = "00000000000000bb";

class CollectTest : public ::testing::Test {
 protected:
  base::Result<RunReport> collect_now(const std::string& run = "run-1") {
    const runs::Attributor attributor(run_.registry());
    return collect({run_.registry(), attributor, run_.store(), clock_, "1.2.3", &run_.files()}, run);
  }

  base::testing::MemoryFiles disk_;
  base::testing::ManualClock clock_;
  runs::RunFilesHarness run_{disk_, disk_};
};

TEST_F(CollectTest, BringsTogetherWhatIsKnownOfARun) {
  run_.start_run("run-1", "/logs", R"({"name":"api","files":["/var/log/api.log"]})");
  run_.start_test("run-1", a);
  run_.advance(10);
  run_.log("api", "payment failed", {}, true);
  run_.advance(10);
  run_.finish_test("run-1", a, "failed");
  run_.start_test("run-1", b);
  run_.finish_test("run-1", b);
  run_.pump();
  auto report = collect_now();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->outcome, "running");
  ASSERT_EQ(report->notes.size(), 1U);
  run_.finish_run("run-1");
  run_.pump();
  report = collect_now();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->outcome, "passed");
  EXPECT_TRUE(report->notes.empty());
  EXPECT_EQ(report->exit_code, 0);
  EXPECT_EQ(report->engine_version, "1.2.3");
  EXPECT_EQ(report->output_folder, "/logs");
  EXPECT_EQ(report->output_state, "local");
  ASSERT_EQ(report->tests.size(), 2U);
  EXPECT_EQ(report->tests[0].id, a) << "in order of their start";
  EXPECT_EQ(report->tests[0].errors, 1U);
  EXPECT_EQ(report->tests[0].log, "/logs/test_logs/" + std::string(a) + ".log");
  EXPECT_EQ(report->tests[0].error_log, "/logs/test_logs/" + std::string(a) + "_ERRORS.log");
  EXPECT_EQ(report->tests[1].error_log, "");
  ASSERT_EQ(report->services.size(), 1U);
  ASSERT_EQ(report->error_groups.size(), 1U);
  EXPECT_EQ(report->error_groups[0].sample, "payment failed");
  EXPECT_EQ(render_text(*report), "Monitored 2 tests\nDetected 1 error in pod logs\nTests with pod errors: 1\n  - t.py::" + std::string(a) +
                                      "\nErrors by message:\n      1x [api] payment failed\n");
}

TEST_F(CollectTest, SaysWhyThereAreNoFiles) {
  run_.start_run("run-1", "/logs", R"({"name":"api","files":["/var/log/api.log"]})");
  run_.pump();
  ASSERT_TRUE(disk_.remove("/logs/.telltale-run"));
  run_.advance(3000);
  run_.pump();
  run_.finish_run("run-1");
  const auto report = collect_now();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->notes.size(), 1U);
  EXPECT_NE(report->notes[0].find("/logs/.telltale-run"), std::string::npos) << report->notes[0];
}

TEST_F(CollectTest, AnUnknownRunIsAnError) {
  EXPECT_EQ(collect_now("run-9").error().code, base::ErrorCode::run_not_found);
}

}  // namespace
}  // namespace telltale::reports
