#include "runs/files/output_folder.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/testing/memory_files.h"
#include "base/testing/temp_directory.h"
#include "runs/files/test_header.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using base::testing::MemoryFiles;

constexpr const char* folder = "/home/ana/shop/logs/pod_logs";
const base::FixedTimeZone utc(0);

void put_mark(MemoryFiles& files, std::string_view run, std::string_view nonce) {
  files.put(std::string(folder) + "/.telltale-run", R"({"run":")" + std::string(run) + R"(","nonce":")" + std::string(nonce) + "\"}");
}

ErrorCode code_of(const base::Status& status) {
  return status ? ErrorCode::internal : status.error().code;
}

TEST(OutputFolder, IsProvedByItsMark) {
  MemoryFiles files;
  const OutputFolder output(files, "run-1", {folder, "n0nce"});
  EXPECT_EQ(code_of(output.check()), ErrorCode::file_not_found);
  put_mark(files, "run-1", "n0nce");
  EXPECT_TRUE(output.check());
  for (const auto& [run, nonce] : {std::pair("run-1", "other"), std::pair("run-2", "n0nce"), std::pair("run-1", "")}) {
    put_mark(files, run, nonce);
    EXPECT_EQ(code_of(output.check()), ErrorCode::permission_denied);
  }
  for (const std::string_view mark : {"", "[]", "{}", "{\"run\":1,\"nonce\":2}", "not JSON", "{\"run\":\"run-1\",\"nonce\":\"n0nce\"} x"}) {
    files.put(std::string(folder) + "/.telltale-run", mark);
    EXPECT_EQ(code_of(output.check()), ErrorCode::permission_denied) << mark;
  }
  put_mark(files, "run-1", "");
  EXPECT_EQ(code_of(OutputFolder(files, "run-1", {folder, ""}).check()), ErrorCode::permission_denied) << "no nonce proves nothing";
}

TEST(OutputFolder, RefusesNamesThatLeadElsewhere) {
  MemoryFiles files;
  const std::string long_name = "/" + std::string(5000, 'a');
  for (const std::string& name :
       {std::string("logs"), std::string(""), std::string("/home/../etc"), std::string("/home/./x"), std::string("/a\nb"),
        std::string("/a\0b", 4), std::string("/a\x1b[2J"), long_name, std::string("/home/ana/..")}) {
    EXPECT_EQ(code_of(OutputFolder(files, "run-1", {name, "n0nce"}).check()), ErrorCode::invalid_argument) << name;
  }
}

TEST(OutputFolder, GivesEarlierFilesOtherNamesAndKeepsFive) {
  MemoryFiles files;
  OutputFolder output(files, "run-1", {folder, "n0nce"});
  const auto path = [](const std::string& name) { return std::string(folder) + "/" + name; };
  for (int day = 1; day <= 6; ++day) files.put(path("api_realtime_2023010" + std::to_string(day) + "_000000.log"), "old");
  files.put(path("api_realtime.log"), "before");
  files.put(path("api_errors.log"), "errors before");
  files.put(path("notes.txt"), "not ours");
  files.put(path("notes_20230101_000000.log"), "not ours");
  ASSERT_TRUE(output.rotate(utc));
  const auto names = *files.list(folder);
  EXPECT_EQ(names.size(), 8U) << "five, one of errors, two foreign ones";
  EXPECT_EQ(names[0].substr(0, 13), "api_errors_20");
  EXPECT_EQ(names[1], "api_realtime_20230103_000000.log") << "the oldest two are gone";
  EXPECT_EQ(files.get(path(names[5])), "before");
  // Nothing new: nothing changes.
  ASSERT_TRUE(output.rotate(utc));
  EXPECT_EQ(*files.list(folder), names);
}

TEST(OutputFolder, RotationsWithinASecondKeepBoth) {
  base::testing::TempDirectory directory;
  base::PosixFiles files;
  OutputFolder output(files, "run-1", {directory.path(), "n0nce"});
  for (int run = 0; run < 3; ++run) {
    ASSERT_TRUE(files.open_write(directory.path("api_realtime.log"), base::OpenMode::create_new));
    ASSERT_TRUE(output.rotate(utc));
  }
  EXPECT_EQ(files.list(directory.path())->size(), 3U);
}

class RealFolder : public ::testing::Test {
 protected:
  RealFolder() : output_(files_, "run-1", {directory_.path("logs"), "n0nce"}) {
    EXPECT_TRUE(files_.make_directories(directory_.path("logs")));
    EXPECT_TRUE(base::write_file_atomically(files_, directory_.path("logs/.telltale-run"), R"({"run":"run-1","nonce":"n0nce"})"));
  }

  void link(const std::string& to, const std::string& name) { std::filesystem::create_symlink(to, directory_.path(name)); }

  base::testing::TempDirectory directory_;
  base::PosixFiles files_;
  OutputFolder output_;
};

TEST_F(RealFolder, MarksThatAreLinksProveNothing) {
  ASSERT_TRUE(output_.check());
  ASSERT_TRUE(files_.rename(directory_.path("logs/.telltale-run"), directory_.path("mark")));
  link("../mark", "logs/.telltale-run");
  EXPECT_EQ(code_of(output_.check()), ErrorCode::permission_denied);
}

TEST_F(RealFolder, LinksAreNotWrittenThrough) {
  ASSERT_TRUE(base::write_file_atomically(files_, directory_.path("precious"), "mine"));
  ASSERT_TRUE(files_.make_directories(directory_.path("elsewhere")));
  link("../elsewhere", "logs/test_logs");
  EXPECT_EQ(code_of(output_.make_test_folder()), ErrorCode::not_directory);
  // A new file takes the place of the link.
  link("../precious", "logs/api_realtime.log");
  ASSERT_TRUE(output_.create(directory_.path("logs/api_realtime.log")));
  EXPECT_EQ(*base::read_file(files_, directory_.path("precious"), 100), "mine");
  EXPECT_EQ(files_.link_info(directory_.path("logs/api_realtime.log"))->kind, base::FileKind::regular);
}

TEST_F(RealFolder, ATestTakesOnlyNamesThatAreFreeOrItsOwn) {
  ASSERT_TRUE(output_.make_test_folder());
  runs::Test test;
  test.key = std::make_shared<TestKey>(TestKey{"run-1", "00000000000000a2", "t.py::test_pay", "test_pay", "master", 1});
  const std::string path = output_.test_path("test_pay", TestFile::log);
  EXPECT_TRUE(*output_.may_take(path, "00000000000000a2"));
  ASSERT_TRUE(base::write_file_atomically(files_, path, final_header(test, {})));
  EXPECT_TRUE(*output_.may_take(path, "00000000000000a2"));
  EXPECT_FALSE(*output_.may_take(path, "00000000000000a3"));
  EXPECT_FALSE(*output_.may_take(path, "00000000000000a"));
  ASSERT_TRUE(files_.remove(path));
  link("../../precious", "logs/test_logs/test_pay.log");
  EXPECT_FALSE(*output_.may_take(path, "00000000000000a2"));
}

TEST(TestHeader, SaysWhatTheFileIsOnOneLine) {
  runs::Test test;
  test.key = std::make_shared<TestKey>(TestKey{"run-1", "00000000000000a2", "t.py::test[a\n# final test=0]", "test", "gw1", 2});
  EXPECT_EQ(provisional_header(test),
            "# provisional test=00000000000000a2 run=run-1 outcome=running attempt=2 worker=gw1 name=t.py::test[a\\x0a# final test=0]\n");
  test.outcome = TestOutcome::failed;
  EXPECT_EQ(final_header(test, {.records = 12, .shared = 3, .errors = 2, .possible_errors = 1}),
            "# final test=00000000000000a2 run=run-1 outcome=failed lines=12 shared=3 errors=2 possible_errors=1 attempt=2 worker=gw1 "
            "name=t.py::test[a\\x0a# final test=0]\n");
  EXPECT_TRUE(is_header_of(provisional_header(test), "00000000000000a2"));
  EXPECT_FALSE(is_header_of("# final test=00000000000000a2", "00000000000000a2")) << "cut";
  EXPECT_FALSE(is_header_of("", "00000000000000a2"));
}

}  // namespace
}  // namespace telltale::runs
