// What the files of a run are after the file system failed: as if it had not.
#include <gtest/gtest.h>

#include "runs/files/testing/run_files_harness.h"
#include "telemetry/log.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using base::testing::FaultyFiles;
using base::testing::MemoryFiles;

constexpr const char* logs = "/shop/logs";
constexpr const char* a = "00000000000000aa";
constexpr const char* b = "00000000000000bb";

const std::string services = R"({"name":"api","files":["/var/log/api*.log"]},{"name":"db","files":["/var/log/db*.log"]})";

// A small run with everything in it; `between` is called after each step, when all that is due was done.
void run_suite(RunFilesHarness& run, const std::function<void(int step)>& between) {
  int step = 0;
  const auto next = [&] {
    run.pump();
    between(++step);
    run.advance(2100);  // tried again by now
    run.pump();
  };
  run.start_run("run-1", logs, services);
  next();
  run.start_test("run-1", a, "test_x");
  run.log("api", "one");
  run.log("db", "two failed", {}, true);
  next();
  run.start_test("run-1", b, "test_x", "gw1");
  run.advance(5);
  run.log("api", "three failed", {}, true);
  run.log("api-2", "four");
  next();
  run.advance(5);
  run.finish_test("run-1", a, "failed");
  run.advance(5);
  run.log("db", "five");
  next();
  run.finish_test("run-1", b);
  run.finish_run("run-1");
  next();
  next();
  next();
}

std::string without(std::string text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) text.erase(at, what.size());
  return text;
}

// All files with their text; the client's mark left out, and which instance of a service wrote a line: from when on that is told depends on
// what was known when the line was written.
std::map<std::string, std::string> files_of(RunFilesHarness& run, MemoryFiles& disk) {
  std::map<std::string, std::string> found;
  for (const std::string& folder : {std::string(logs), std::string(logs) + "/test_logs"}) {
    const auto names = disk.list(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name != "test_logs" && !name.starts_with('.')) {
        found[folder + "/" + name] = without(without(run.text(folder + "/" + name), "/api.log"), "/api-2.log");
      }
    }
  }
  return found;
}

std::map<std::string, std::string> expected_files() {
  MemoryFiles disk;
  RunFilesHarness run(disk, disk);
  run_suite(run, [](int) {});
  return files_of(run, disk);
}

class RunFilesFaults : public ::testing::Test {
 protected:
  RunFilesFaults() { telemetry::set_log_level(telemetry::LogLevel::off); }
  ~RunFilesFaults() override { telemetry::set_log_level(telemetry::LogLevel::info); }
};

TEST_F(RunFilesFaults, WhateverOperationFailsOnceTheFilesAreRightInTheEnd) {
  const auto expected = expected_files();
  ASSERT_EQ(expected.size(), 8U) << "two of each service and of each test";
  std::uint64_t operations = 0;
  for (std::uint64_t n = 1; n == 1 || n <= operations; ++n) {
    for (const ErrorCode code : {ErrorCode::disk_full, ErrorCode::io_error, ErrorCode::permission_denied}) {
      MemoryFiles disk;
      FaultyFiles output(disk);
      RunFilesHarness run(output, disk);
      output.restart_count();
      output.fail_at(n, code);
      run_suite(run, [](int) {});
      operations = std::max(operations, output.operations());
      EXPECT_EQ(files_of(run, disk), expected) << "operation " << n << ": " << output.journal()[n - 1];
      EXPECT_EQ(run.status("run-1").state, FilesState::final);
    }
  }
  EXPECT_GT(operations, 20U);
}

TEST_F(RunFilesFaults, AFullDiskIsSaidAndTheFilesAreMadeRightWhenThereIsRoom) {
  const auto expected = expected_files();
  for (int full_from = 1; full_from <= 4; ++full_from) {
    for (int full_to = full_from + 1; full_to <= 6; ++full_to) {
      MemoryFiles disk;
      RunFilesHarness run(disk, disk);
      bool failing = false;
      run_suite(run, [&](int step) {
        failing = failing || run.status("run-1").state == FilesState::failing;
        if (step == full_from) disk.set_capacity(disk.used_bytes() + 30);
        if (step == full_to) disk.set_capacity(std::nullopt);
      });
      EXPECT_TRUE(failing) << full_from << " to " << full_to;
      EXPECT_EQ(run.status("run-1").state, FilesState::final) << full_from << " to " << full_to;
      EXPECT_EQ(files_of(run, disk), expected) << full_from << " to " << full_to;
    }
  }
}

TEST_F(RunFilesFaults, FilesThatSomebodyRemovedAreMadeAgain) {
  const auto expected = expected_files();
  for (int step_of_removal = 1; step_of_removal <= 4; ++step_of_removal) {
    for (const std::string victim : {"api_realtime.log", "db_errors.log", "test_logs/test_x.log", "test_logs/test_x_ERRORS.log"}) {
      MemoryFiles disk;
      RunFilesHarness run(disk, disk);
      run_suite(run, [&](int step) {
        if (step == step_of_removal) static_cast<void>(disk.remove(std::string(logs) + "/" + victim));
      });
      EXPECT_EQ(files_of(run, disk), expected) << victim << " at step " << step_of_removal;
    }
  }
}

TEST_F(RunFilesFaults, WithTheStoresHelpNothingIsMissedWhenTheHubIsTooSmall) {
  const auto expected = expected_files();
  MemoryFiles disk;
  RunFilesHarness run(disk, disk, 1);  // the ring holds the newest batch alone
  run_suite(run, [](int) {});
  EXPECT_EQ(files_of(run, disk), expected);
}

TEST_F(RunFilesFaults, ARestartAtAnyStepChangesNothing) {
  const auto expected = expected_files();
  for (int restart = 1; restart <= 4; ++restart) {
    MemoryFiles disk;
    RunFilesHarness run(disk, disk);
    run_suite(run, [&](int step) {
      if (step != restart) return;
      run.restart();
      run.pump();
    });
    EXPECT_EQ(files_of(run, disk), expected) << "after step " << restart;
  }
}

TEST_F(RunFilesFaults, AFolderThatIsGoneForGoodIsGivenUp) {
  MemoryFiles disk;
  RunFilesHarness run(disk, disk);
  run.start_run("run-1", logs, services);
  run.start_test("run-1", a);
  run.log("api", "one");
  run.pump();
  ASSERT_TRUE(disk.remove(std::string(logs) + "/.telltale-run"));
  run.advance(2100);
  run.pump();
  EXPECT_EQ(run.status("run-1").state, FilesState::failing);
  EXPECT_NE(run.status("run-1").problem.find(".telltale-run"), std::string::npos) << run.status("run-1").problem;
  EXPECT_TRUE(run.files().trouble().starts_with("The files of run run-1 are not written now: ")) << run.files().trouble();
  run.finish_run("run-1");
  for (int i = 0; i < 20; ++i) {
    run.advance(2100);
    run.pump();
  }
  EXPECT_EQ(run.status("run-1").state, FilesState::failing);
  EXPECT_FALSE(run.files().busy());
  EXPECT_EQ(run.files().trouble(), "") << "it was given up";
  EXPECT_FALSE(run.files().wait_until_final("run-1", base::nanos_per_second));
}

}  // namespace
}  // namespace telltale::runs
