#include "runs/files/test_log.h"

#include <gtest/gtest.h>

#include "base/testing/faulty_files.h"
#include "runs/files/appended_file.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using base::testing::FaultyFiles;
using base::testing::FileOperation;
using base::testing::MemoryFiles;

const base::FixedTimeZone utc(0);

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() : files_(disk_), folder_(files_, "run-1", {"/logs", "n0nce"}) {
    disk_.put("/logs/.telltale-run", R"({"run":"run-1","nonce":"n0nce"})");
    EXPECT_TRUE(folder_.make_test_folder());
  }

  const FormattedLine& line(std::string_view text) {
    record::Batch batch;
    batch.stream = record::make_stream(record::Labels());
    batch.text = text;
    record::Record record;
    record.line = {0, static_cast<std::uint32_t>(text.size())};
    line_.assign({&batch, &record, 1}, {"api", "", 0}, utc);
    return line_;
  }
  static std::string shown(std::string_view text) { return "[1970-01-01 00:00:00.000] [api] " + std::string(text) + "\n"; }

  MemoryFiles disk_;
  FaultyFiles files_;
  OutputFolder folder_;
  FormattedLine line_;
};

TEST_F(FilesTest, ATestsFilesComeInPlaceAtOnce) {
  TestLog log;
  log.add(line("one"), false, false, false);
  log.add(line("two failed"), false, true, true);
  log.add(line("gap"), true, false, false);
  EXPECT_EQ(log.counts().records, 2U);
  EXPECT_EQ(log.counts().possible_errors, 1U);
  ASSERT_TRUE(log.place(folder_, "t", "# final\n"));
  EXPECT_EQ(disk_.get("/logs/test_logs/t.log"), "# final\n" + shown("one") + shown("[shared] two failed") + shown("gap"));
  EXPECT_EQ(disk_.get("/logs/test_logs/t_ERRORS.log"), "# final\n" + shown("[shared] two failed"));
  EXPECT_EQ(disk_.list("/logs/test_logs")->size(), 2U) << "nothing is left over";
  // Without errors there is no file of errors.
  TestLog clean;
  ASSERT_TRUE(clean.place(folder_, "t", "# final\n"));
  EXPECT_EQ(*disk_.list("/logs/test_logs"), std::vector<std::string>{"t.log"});
}

TEST_F(FilesTest, WhatIsTooMuchForMemoryGoesThroughFiles) {
  TestLog log;
  TestLog same;
  std::string expected = "# final\n";
  std::string errors = "# final\n";
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = "line " + std::to_string(i);
    const bool error = i % 1000 == 0;
    log.add(line(text), false, error, false);
    same.add(line(text), false, error, false);
    expected += shown(text);
    if (error) errors += shown(text);
    if (i % 30'000 == 29'999) {
      ASSERT_TRUE(log.spill(folder_, "t"));
      EXPECT_LT(log.memory(), 100U);
    }
  }
  EXPECT_EQ(log.digest(), same.digest());
  ASSERT_TRUE(log.place(folder_, "t", "# final\n"));
  EXPECT_TRUE(disk_.get("/logs/test_logs/t.log") == expected);
  EXPECT_TRUE(disk_.get("/logs/test_logs/t_ERRORS.log") == errors);
  EXPECT_EQ(disk_.list("/logs/test_logs")->size(), 2U);
}

TEST_F(FilesTest, AFailureLeavesTheFileThatWasThere) {
  TestLog first;
  first.add(line("first"), false, false, false);
  ASSERT_TRUE(first.place(folder_, "t", "# final\n"));
  for (const auto operation : {FileOperation::create, FileOperation::append, FileOperation::rename}) {
    TestLog second;
    second.add(line("second"), false, false, false);
    files_.fail_next(operation, ErrorCode::disk_full);
    const auto placed = second.place(folder_, "t", "# final\n");
    ASSERT_FALSE(placed);
    EXPECT_EQ(placed.error().code, ErrorCode::disk_full);
    EXPECT_EQ(disk_.get("/logs/test_logs/t.log"), "# final\n" + shown("first"));
    EXPECT_EQ(*disk_.list("/logs/test_logs"), std::vector<std::string>{"t.log"});
  }
}

TEST_F(FilesTest, DigestsTellOrderMarksAndErrors) {
  const auto digest = [this](std::vector<std::pair<std::string, bool>> lines, bool error) {
    TestLog log;
    for (const auto& [text, shared] : lines) log.add(line(text), false, error, shared);
    return log.digest();
  };
  const auto base_digest = digest({{"a", false}, {"b", false}}, false);
  EXPECT_NE(base_digest, digest({{"b", false}, {"a", false}}, false));
  EXPECT_NE(base_digest, digest({{"a", true}, {"b", false}}, false));
  EXPECT_NE(base_digest, digest({{"a", false}, {"b", false}}, true));
  EXPECT_EQ(base_digest, digest({{"a", false}, {"b", false}}, false));
}

TEST_F(FilesTest, AnAppendedFileGoesBackToWhatCounts) {
  AppendedFile file("/logs/api_realtime.log");
  ASSERT_TRUE(file.create(folder_, false));
  file.pending() = "whole\n";
  ASSERT_TRUE(file.write(folder_));
  file.keep();
  file.pending() = "a line that does not fit\n";
  files_.fail_next(FileOperation::append, ErrorCode::disk_full);
  EXPECT_FALSE(file.write(folder_));
  EXPECT_EQ(disk_.get("/logs/api_realtime.log"), "whole\na line that ") << "half of it was written";
  ASSERT_TRUE(file.go_back(folder_));
  EXPECT_EQ(disk_.get("/logs/api_realtime.log"), "whole\n");
  file.pending() = "more\n";
  ASSERT_TRUE(file.write(folder_));
  EXPECT_EQ(disk_.get("/logs/api_realtime.log"), "whole\nmore\n");
}

TEST_F(FilesTest, AnAppendedFileKnowsThatItIsNoLongerItself) {
  AppendedFile file("/logs/api_realtime.log");
  ASSERT_TRUE(file.create(folder_, false));
  file.pending() = "one\n";
  ASSERT_TRUE(file.write(folder_));
  file.keep();
  ASSERT_TRUE(file.check(folder_));
  disk_.put("/logs/api_realtime.log", "");
  file.pending() = "two\n";
  EXPECT_EQ(file.check(folder_).error().code, ErrorCode::file_not_found);
  EXPECT_EQ(file.write(folder_).error().code, ErrorCode::file_not_found);
  EXPECT_EQ(file.go_back(folder_).error().code, ErrorCode::file_not_found);
  ASSERT_TRUE(disk_.remove("/logs/api_realtime.log"));
  file.pending() = "three\n";  // going back forgets what is pending
  EXPECT_EQ(file.check(folder_).error().code, ErrorCode::file_not_found);
  EXPECT_EQ(file.write(folder_).error().code, ErrorCode::file_not_found);
}

TEST_F(FilesTest, AFileIsMadeAnewBesideTheOldOne) {
  disk_.put("/logs/api_realtime.log", "old\n");
  AppendedFile file("/logs/api_realtime.log");
  ASSERT_TRUE(file.create(folder_, true));
  file.pending() = "new\n";
  ASSERT_TRUE(file.write(folder_));
  file.keep();
  EXPECT_EQ(disk_.get("/logs/api_realtime.log"), "old\n");
  ASSERT_TRUE(file.publish(folder_));
  EXPECT_EQ(disk_.get("/logs/api_realtime.log"), "new\n");
  EXPECT_TRUE(file.check(folder_));
}

}  // namespace
}  // namespace telltale::runs
