#include "runs/files/run_files.h"

#include <gtest/gtest.h>

#include "runs/files/testing/run_files_harness.h"

namespace telltale::runs {
namespace {

using base::testing::FaultyFiles;
using base::testing::MemoryFiles;

constexpr const char* logs = "/shop/logs";
constexpr const char* a = "00000000000000aa";
constexpr const char* b = "00000000000000bb";
constexpr const char* c = "00000000000000cc";

std::string service(std::string_view name) {
  return R"({"name":")" + std::string(name) + R"(","files":["/var/log/)" + std::string(name) + R"(*.log"]})";
}

// The first line of a final file.
std::string final_line(std::string_view id, std::string_view counts, std::string_view outcome = "passed",
                       std::string_view worker = "master") {
  return "# final test=" + std::string(id) + " run=run-1 outcome=" + std::string(outcome) + " " + std::string(counts) +
         " attempt=1 worker=" + std::string(worker) + " name=t.py::" + std::string(id) + "\n";
}

std::string provisional_line(std::string_view id, std::string_view outcome = "running", std::string_view worker = "master") {
  return "# provisional test=" + std::string(id) + " run=run-1 outcome=" + std::string(outcome) +
         " attempt=1 worker=" + std::string(worker) + " name=t.py::" + std::string(id) + "\n";
}

// Files that tell when a folder is listed.
class ListedFiles final : public base::Files {
 public:
  explicit ListedFiles(base::Files& inner) : inner_(inner) {}
  std::function<void()> on_list;

  base::Result<std::vector<std::string>> list(const std::string& directory) override {
    if (const auto told = std::exchange(on_list, nullptr)) told();
    return inner_.list(directory);
  }
  base::Result<std::unique_ptr<base::ReadableFile>> open_read(const std::string& path) override { return inner_.open_read(path); }
  base::Result<std::unique_ptr<base::WritableFile>> open_write(const std::string& path, base::OpenMode mode) override {
    return inner_.open_write(path, mode);
  }
  base::Result<base::FileInfo> info(const std::string& path) override { return inner_.info(path); }
  base::Result<base::FileInfo> link_info(const std::string& path) override { return inner_.link_info(path); }
  base::Status rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  base::Status remove(const std::string& path) override { return inner_.remove(path); }
  base::Status make_directories(const std::string& path) override { return inner_.make_directories(path); }
  base::Status sync_directory(const std::string& path) override { return inner_.sync_directory(path); }
  base::Status allocate(const std::string& path, std::uint64_t bytes) override { return inner_.allocate(path, bytes); }
  base::Result<std::unique_ptr<base::FileLock>> lock(const std::string& path, std::string_view content) override {
    return inner_.lock(path, content);
  }

 private:
  base::Files& inner_;
};

class RunFilesTest : public ::testing::Test {
 protected:
  std::string text(const std::string& name) { return run_.text(std::string(logs) + "/" + name); }
  std::string test_text(const std::string& name) { return text("test_logs/" + name); }
  bool exists(const std::string& name) { return run_.exists(std::string(logs) + "/" + name); }
  void log(const std::string& name, std::string_view line, bool error = false) {
    run_.advance(10);
    run_.log(name, line, {}, error);
    run_.advance(10);
  }

  MemoryFiles disk_;
  FaultyFiles output_{disk_};
  RunFilesHarness run_{output_, disk_};
};

TEST_F(RunFilesTest, LinesGoToTheirServiceAndTheirTestWhileItRuns) {
  EXPECT_EQ(run_.start_run("run-1", logs, service("api") + "," + service("db")).output, OutputState::local);
  run_.pump();
  EXPECT_EQ(text("db_realtime.log"), "") << "services have their files from the beginning";
  log("api", "before any test");
  run_.start_test("run-1", a);
  log("api", "in the test");
  log("db", "query failed", true);
  log("other", "nobody watches this");
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] before any test\n[api] in the test\n");
  EXPECT_EQ(text("api_errors.log"), "");
  EXPECT_EQ(text("db_realtime.log"), "[db] query failed\n");
  EXPECT_EQ(text("db_errors.log"), "[db] query failed\n");
  EXPECT_EQ(test_text(std::string(a) + ".log"), provisional_line(a) + "[api] in the test\n[db] query failed\n");
  EXPECT_EQ(test_text(std::string(a) + "_ERRORS.log"), provisional_line(a) + "[db] query failed\n");
  EXPECT_FALSE(exists("other_realtime.log"));
  EXPECT_EQ(run_.status("run-1").state, FilesState::writing);
  EXPECT_EQ(run_.status("run-1").folder, logs);
  EXPECT_TRUE(run_.files().busy());
}

// The registry knows of a test, and its records are in the store, before its start was told to the thread that writes.
TEST(RunFiles, LinesOfATestThatStartedWhileTheFilesWereOpenedAreInItsProvisionalFile) {
  MemoryFiles disk;
  ListedFiles output(disk);
  RunFilesHarness run(output, disk);
  run.start_run("run-1", logs, service("api"));
  output.on_list = [&] {
    run.start_test("run-1", a);
    run.advance(10);
    run.log("api", "in the test", {}, true);
    run.advance(10);
  };
  run.pump();
  ASSERT_EQ(output.on_list, nullptr) << "files of earlier runs were looked for";
  EXPECT_EQ(run.text("/shop/logs/test_logs/" + std::string(a) + ".log"), provisional_line(a) + "[api] in the test\n");
  EXPECT_EQ(run.text("/shop/logs/test_logs/" + std::string(a) + "_ERRORS.log"), provisional_line(a) + "[api] in the test\n");
  run.log("api", "and more");
  run.pump();
  EXPECT_EQ(run.text("/shop/logs/test_logs/" + std::string(a) + ".log"), provisional_line(a) + "[api] in the test\n[api] and more\n");
}

TEST_F(RunFilesTest, LinesOfATestWhoseFileWasNotBegunOutlastTheLossOfTheServicesFiles) {
  run_.start_run("run-1", logs, service("api"));
  run_.pump();
  run_.start_test("run-1", a);
  log("api", "in the test");
  ASSERT_TRUE(disk_.remove(std::string(logs) + "/api_realtime.log"));
  run_.pump();
  run_.advance(2100);
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] in the test\n");
  EXPECT_EQ(test_text(std::string(a) + ".log"), provisional_line(a) + "[api] in the test\n");
}

TEST_F(RunFilesTest, TwoSecondsAfterItsEndATestsFilesAreFinal) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "in the test");
  const auto during = run_.now();
  run_.advance(10);
  run_.finish_test("run-1", a, "failed");
  run_.advance(1500);
  run_.log("api", "late, failed", during, true);
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log").substr(0, 14), "# provisional ");
  run_.advance(600);
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"),
            final_line(a, "lines=2 shared=0 errors=1 possible_errors=0", "failed") + "[api] in the test\n[api] late, failed\n");
  EXPECT_EQ(test_text(std::string(a) + "_ERRORS.log"),
            final_line(a, "lines=2 shared=0 errors=1 possible_errors=0", "failed") + "[api] late, failed\n");
}

TEST_F(RunFilesTest, LinesThatComeLaterStillReachTheFinalFormAtTheRunsEnd) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "in the test");
  const auto during = run_.now();
  run_.advance(10);
  run_.finish_test("run-1", a);
  run_.advance(3000);
  run_.pump();
  run_.log("api", "very late", during);
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"), final_line(a, "lines=1 shared=0 errors=0 possible_errors=0") + "[api] in the test\n");
  run_.finish_run("run-1");
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"),
            final_line(a, "lines=2 shared=0 errors=0 possible_errors=0") + "[api] in the test\n[api] very late\n");
  EXPECT_EQ(run_.status("run-1").state, FilesState::final);
  EXPECT_TRUE(run_.files().wait_until_final("run-1", 0));
  // After the run's end too, as long as its folder is its own.
  run_.log("api", "latest", during);
  run_.pump();
  run_.advance(2100);
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"),
            final_line(a, "lines=3 shared=0 errors=0 possible_errors=0") + "[api] in the test\n[api] very late\n[api] latest\n");
  EXPECT_EQ(text("api_realtime.log"), "[api] in the test\n[api] very late\n[api] latest\n");
  EXPECT_FALSE(run_.files().busy());
}

TEST_F(RunFilesTest, ALineOfSeveralCandidatesIsInEachFileAndMarked) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a, {}, "gw0");
  run_.start_test("run-1", b, {}, "gw1");
  log("api", "whose? failed", true);
  run_.finish_test("run-1", a);
  log("api", "of b alone");
  run_.finish_test("run-1", b);
  run_.finish_run("run-1");
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"),
            final_line(a, "lines=1 shared=1 errors=0 possible_errors=1", "passed", "gw0") + "[api] [shared] whose? failed\n");
  EXPECT_EQ(test_text(std::string(b) + ".log"), final_line(b, "lines=2 shared=1 errors=0 possible_errors=1", "passed", "gw1") +
                                                    "[api] [shared] whose? failed\n[api] of b alone\n");
  EXPECT_EQ(test_text(std::string(b) + "_ERRORS.log"),
            final_line(b, "lines=2 shared=1 errors=0 possible_errors=1", "passed", "gw1") + "[api] [shared] whose? failed\n");
  EXPECT_EQ(text("api_realtime.log"), "[api] whose? failed\n[api] of b alone\n") << "services' files know no tests";
}

TEST_F(RunFilesTest, TestsWithoutLinesHaveAFileThatSaysSo) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  run_.finish_test("run-1", a, "skipped");
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"), provisional_line(a, "skipped"));
  run_.finish_run("run-1");
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"), final_line(a, "lines=0 shared=0 errors=0 possible_errors=0", "skipped"));
  EXPECT_FALSE(exists("test_logs/" + std::string(a) + "_ERRORS.log"));
}

TEST_F(RunFilesTest, TestsWithEqualOrHostileStemsNeverShareAFile) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a, "test_x");
  log("api", "of a");
  run_.finish_test("run-1", a);
  run_.start_test("run-1", b, "TEST_X");
  log("api", "of b");
  run_.finish_test("run-1", b);
  run_.start_test("run-1", c, "-rf *");
  log("api", "of c");
  run_.finish_test("run-1", c);
  run_.finish_run("run-1");
  run_.pump();
  const std::string counts = "lines=1 shared=0 errors=0 possible_errors=0";
  EXPECT_EQ(test_text("test_x.log"), final_line(a, counts) + "[api] of a\n");
  EXPECT_EQ(test_text("TEST_X-00000000.log"), final_line(b, counts) + "[api] of b\n");
  EXPECT_EQ(test_text("_rf__-00000000.log"), final_line(c, counts) + "[api] of c\n");
  EXPECT_EQ(disk_.list(std::string(logs) + "/test_logs")->size(), 3U);
  const auto known = run_.registry().run("run-1");
  EXPECT_EQ(run_.files().files_of(*known, *run_.registry().test(b)).log, std::string(logs) + "/test_logs/TEST_X-00000000.log");
}

TEST_F(RunFilesTest, FilesOfEarlierRunsAreRotatedAndTheirTestsStay) {
  disk_.put(std::string(logs) + "/api_realtime.log", "[2025-01-01 00:00:00.000] [api] of the run before\n");
  disk_.put(std::string(logs) + "/test_logs/" + a + ".log", "# final test=00000000000000ff run=run-0 …\n");
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "now");
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] now\n");
  const auto names = *disk_.list(logs);
  EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("api_realtime_20"); }));
  EXPECT_EQ(test_text(std::string(a) + ".log"), "# final test=00000000000000ff run=run-0 …\n");
  EXPECT_EQ(test_text(std::string(a) + "-00000000.log"), provisional_line(a) + "[api] now\n");
}

TEST_F(RunFilesTest, OnlyAProvenFolderIsWrittenTo) {
  run_.put_mark("run-2", logs);
  const auto applied = run_.event("run-1", "run_started", R"("name":"x","output":{"folder":"/shop/logs","nonce":"n0nce"},"services":[])");
  EXPECT_EQ(applied.output, OutputState::remote);
  log("api", "line");
  run_.pump();
  EXPECT_EQ(disk_.list(logs)->size(), 1U) << "the mark alone";
  EXPECT_EQ(run_.status("run-1").state, FilesState::none);
  EXPECT_FALSE(run_.files().wait_until_final("run-1", 0));
  EXPECT_EQ(run_.event("run-3", "run_started", R"("name":"x","services":[])").output, OutputState::none);
}

TEST_F(RunFilesTest, GapsAndJoinedRecordsAreReadable) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", b);
  log("api", "long before the gap");
  run_.finish_test("run-1", b);
  run_.advance(10);
  run_.start_test("run-1", a);
  log("api", "Traceback:\n  File \"x.py\"\nKeyError: 1", true);
  record::Gap gap;
  gap.reason = record::GapReason::rotated_away;
  gap.from_time = gap.to_time = run_.now();
  run_.commit(record::make_gap_batch(store::testing::test_stream("api"), gap, run_.now()));
  run_.advance(10);
  run_.finish_test("run-1", a);
  run_.finish_run("run-1");
  run_.pump();
  const std::string joined = "[api] Traceback:\n  File \"x.py\"\nKeyError: 1\n";
  EXPECT_TRUE(text("api_realtime.log").starts_with("[api] long before the gap\n" + joined + "[api] gap: rotated_away"))
      << text("api_realtime.log");
  EXPECT_TRUE(
      test_text(std::string(a) + ".log").starts_with(final_line(a, "lines=1 shared=0 errors=1 possible_errors=0") + joined + "[api] gap: "))
      << test_text(std::string(a) + ".log");
  EXPECT_EQ(text("api_errors.log"), joined);
  EXPECT_EQ(test_text(std::string(b) + ".log"),
            final_line(b, "lines=1 shared=0 errors=0 possible_errors=0") + "[api] long before the gap\n")
      << "only tests from which something may be missing tell of a gap";
}

TEST_F(RunFilesTest, AServiceWithSeveralInstancesNamesThem) {
  run_.start_run("run-1", logs, service("api"));
  log("api", "one alone");
  log("api-2", "a second");
  log("api", "then the first");
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] one alone\n[api/api-2.log] a second\n[api/api.log] then the first\n");
}

TEST_F(RunFilesTest, TwoRunsAtOnceHaveTheirOwnFiles) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_run("run-2", "/shop/logs-2", service("db"));
  run_.start_test("run-1", a);
  run_.start_test("run-2", b);
  log("api", "of the first");
  log("db", "of the second");
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"), provisional_line(a) + "[api] of the first\n");
  EXPECT_EQ(text("api_realtime.log"), "[api] of the first\n");
  EXPECT_FALSE(exists("db_realtime.log"));
  EXPECT_EQ(run_.text("/shop/logs-2/db_realtime.log"), "[db] of the second\n");
  EXPECT_FALSE(run_.exists("/shop/logs-2/test_logs/" + std::string(a) + ".log"));
}

TEST_F(RunFilesTest, AFolderThatAnotherRunTookIsLeftAlone) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "first");
  const auto during = run_.now();
  run_.finish_test("run-1", a);
  run_.finish_run("run-1");
  run_.pump();
  const std::string before = test_text(std::string(a) + ".log");
  run_.start_run("run-2", logs, service("api"));
  run_.log("api", "late", during);
  run_.pump();
  run_.advance(3000);
  run_.pump();
  EXPECT_EQ(test_text(std::string(a) + ".log"), before);
  EXPECT_EQ(run_.status("run-1").state, FilesState::final);
}

TEST_F(RunFilesTest, FilesGoOnAfterARestartOfTheEngine) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a, "test_x");
  log("api", "of a");
  run_.finish_test("run-1", a);
  run_.start_test("run-1", b, "test_x");
  log("api", "before the restart");
  run_.pump();
  run_.restart();
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] of a\n[api] before the restart\n");
  log("api", "after the restart");
  run_.pump();
  EXPECT_EQ(text("api_realtime.log"), "[api] of a\n[api] before the restart\n[api] after the restart\n");
  EXPECT_EQ(test_text("test_x-00000000.log"), provisional_line(b) + "[api] before the restart\n[api] after the restart\n");
  run_.finish_test("run-1", b);
  run_.finish_run("run-1");
  run_.pump();
  const std::string counts = "lines=2 shared=0 errors=0 possible_errors=0";
  EXPECT_EQ(test_text("test_x-00000000.log"), final_line(b, counts) + "[api] before the restart\n[api] after the restart\n");
  EXPECT_EQ(test_text("test_x.log"), final_line(a, "lines=1 shared=0 errors=0 possible_errors=0") + "[api] of a\n");
  EXPECT_EQ(disk_.list(std::string(logs) + "/test_logs")->size(), 2U);
}

TEST_F(RunFilesTest, FilesThatAnEngineLeftUnfinishedAreMadeFinalByTheNext) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "in the test");
  run_.pump();
  ASSERT_TRUE(disk_.remove(std::string(logs) + "/.telltale-run"));
  run_.finish_test("run-1", a);
  run_.finish_run("run-1");
  run_.pump();
  run_.restart();
  EXPECT_EQ(test_text(std::string(a) + ".log"), provisional_line(a) + "[api] in the test\n");
  EXPECT_EQ(run_.status("run-1").state, FilesState::writing);
  EXPECT_TRUE(run_.files().busy());
  run_.put_mark("run-1", logs);
  run_.pump();
  const std::string made_final = final_line(a, "lines=1 shared=0 errors=0 possible_errors=0") + "[api] in the test\n";
  EXPECT_EQ(test_text(std::string(a) + ".log"), made_final);
  EXPECT_EQ(text("api_realtime.log"), "[api] in the test\n");
  EXPECT_EQ(run_.status("run-1").state, FilesState::final);
  EXPECT_EQ(run_.status("run-1").folder, logs);
  EXPECT_EQ(run_.registry().run("run-1")->output_state, OutputState::local);
  run_.restart();
  EXPECT_EQ(run_.status("run-1").state, FilesState::none) << "what is final is not made again";
  EXPECT_FALSE(run_.files().busy());
}

TEST_F(RunFilesTest, FilesThatCannotBeFinishedAreGivenUpForGood) {
  run_.start_run("run-1", logs, service("api"));
  run_.start_test("run-1", a);
  log("api", "in the test");
  run_.pump();
  ASSERT_TRUE(disk_.remove(std::string(logs) + "/.telltale-run"));
  run_.finish_run("run-1");
  run_.restart();
  for (int i = 0; i < 20; ++i) {
    run_.pump();
    EXPECT_EQ(run_.files().busy(), i < 16) << i;
    run_.advance(2000);
  }
  run_.restart();
  EXPECT_FALSE(run_.files().busy());
  EXPECT_EQ(run_.status("run-1").state, FilesState::none);
}

TEST_F(RunFilesTest, ManyTestsAreMadeFinalInOnePass) {
  run_.start_run("run-1", logs, service("api"));
  for (int i = 0; i < 300; ++i) {
    const std::string id = "t" + std::to_string(1000 + i);
    run_.start_test("run-1", id);
    run_.advance(5);
    run_.log("api", "line of " + id);
    run_.advance(5);
    run_.finish_test("run-1", id);
    run_.advance(5);
  }
  const auto passes = run_.counter("telltale_run_files_passes_total");
  run_.finish_run("run-1");
  run_.pump();
  EXPECT_LE(run_.counter("telltale_run_files_passes_total"), passes + 2) << "one more for what was there before the first round";
  EXPECT_EQ(run_.counter("telltale_run_files_finals_total"), 300U);
  for (int i = 0; i < 300; ++i) {
    const std::string id = "t" + std::to_string(1000 + i);
    ASSERT_EQ(test_text(id + ".log"), final_line(id, "lines=1 shared=0 errors=0 possible_errors=0") + "[api] line of " + id + "\n");
  }
}

}  // namespace
}  // namespace telltale::runs
