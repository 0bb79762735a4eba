// The published file-tailing cases of Fluent Bit (in_tail) and Vector (file source) that no other test has under another name.
// docs/reference/file-source.md has the table of all of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/testing/log_oracle.h"
#include "sources/file/testing/log_world.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct TailerCases : ::testing::Test, testing::TailHarness {
  std::vector<std::string> texts() const { return store.texts(); }
  // A program that keeps its log open, at its own offset.
  struct Program {
    explicit Program(const std::string& path) : file(std::fopen(path.c_str(), "w")) {}
    ~Program() { std::fclose(file); }
    void line(std::string_view text) {
      std::fprintf(file, "%.*s\n", static_cast<int>(text.size()), text.data());
      std::fflush(file);
    }
    std::FILE* file;
  };
};

// Fluent Bit: follows_rename_rotation, rotate_wait_keeps_old_inode (the old file is read on; nothing is lost after a time either).
TEST_F(TailerCases, RenameWithAWriterOnTheOldAndOneOnTheNewFile) {
  Program old_one(path("app.log"));
  old_one.line("before");
  watch("app.log");
  start();
  settle();
  rename("app.log", "app.log.1");
  Program new_one(path("app.log"));
  old_one.line("old file");
  new_one.line("new file");
  settle();
  EXPECT_THAT(texts(), ElementsAre("before", "old file", "new file"));
  wait_for_writers();
  old_one.line("long after");
  settle();
  EXPECT_THAT(texts(), ElementsAre("before", "old file", "new file", "long after"));
}

// Fluent Bit: handles_multiple_rename_rotations.
TEST_F(TailerCases, RenamedTwiceWithAWriterOnEach) {
  watch("app.log");
  Program first(path("app.log"));
  first.line("1");
  start();
  settle();
  rename("app.log", "app.log.1");
  Program second(path("app.log"));
  first.line("2 old");
  second.line("2 new");
  settle();
  rename("app.log", "app.log.2");
  Program third(path("app.log"));
  second.line("3 old");
  third.line("3 new");
  settle();
  EXPECT_THAT(texts(), ElementsAre("1", "2 old", "2 new", "3 old", "3 new"));
}

// Fluent Bit: handles_copytruncate_with_stale_writer; also with a restart before the hole was seen.
TEST_F(TailerCases, CopytruncateWithAStaleWriter) {
  for (const bool restart : {false, true}) {
    SCOPED_TRACE(restart);
    testing::TailHarness t;
    Program program(t.path("app.log"));
    program.line("before 1");
    program.line("before 2");
    t.watch("app.log*");
    t.start();
    t.settle();
    t.copy("app.log", "app.log.1");
    t.truncate("app.log");
    program.line("after");
    if (restart) t.kill_and_start();
    t.settle();
    EXPECT_THAT(t.store.texts(), ElementsAre("before 1", "before 2", "after"));
  }
}

// Fluent Bit: multi_file_rapid_rotation.
TEST_F(TailerCases, SeveralFilesRotatedAtOnce) {
  watch("*.log");
  std::vector<std::string> expected;
  for (int i = 0; i < 3; ++i) append(fmt::format("rapid-{}.log", i), fmt::format("before {}\n", i));
  start();
  settle();
  for (int i = 0; i < 3; ++i) {
    const std::string name = fmt::format("rapid-{}.log", i);
    rename(name, name + ".1");
    append(name + ".1", fmt::format("old {}\n", i));
    append(name, fmt::format("new {}\n", i));
    for (const auto* text : {"before", "old", "new"}) expected.push_back(fmt::format("{} {}", text, i));
  }
  settle();
  EXPECT_THAT(texts(), ::testing::UnorderedElementsAreArray(expected));
}

// Fluent Bit: db_compare_filename_replays_renamed_file_after_restart. There a file under another name is read again; here it is the same.
TEST_F(TailerCases, ARenamedFileIsTheSameAfterARestart) {
  append("source.log", "before\n");
  watch("*.log");
  start();
  settle();
  tailer.reset();
  rename("source.log", "moved.log");
  append("moved.log", "after\n");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("before", "after"));
}

// Fluent Bit: max_open_files. There files over the budget wait until another is removed; here none waits.
TEST_F(TailerCases, FilesOverTheBudgetOfOpenOnesAreReadToo) {
  options.max_open_files = 1;
  watch("*.log");
  for (int i = 0; i < 3; ++i) append(fmt::format("{}.log", i), "initial\n");
  start();
  settle();
  for (int i = 0; i < 3; ++i) append(fmt::format("{}.log", i), "appended\n");
  settle();
  EXPECT_THAT(store.lines, SizeIs(6));
}

// Vector: file_read_empty_lines; Fluent Bit: skip_empty_lines, _crlf (there they may be left out; here each is a source line).
TEST_F(TailerCases, EmptyLinesAreLines) {
  append("app.log", "one\n\n\r\ntwo\n");
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "", "\r", "two"));
}

// Vector: file_multiple_paths, file_exclude_paths; Fluent Bit: exclude_path, path_comma.
TEST_F(TailerCases, SeveralPatternsAndExclusions) {
  for (const auto* name : {"a.txt", "b.txt", "a.log", "b.log", "a.not", "c.log"}) append(name, std::string(name) + "\n");
  watch("*.txt");
  watch("a.*");
  source.exclude = {path("a.*.skip"), path("a.not")};
  start();
  settle();
  EXPECT_THAT(texts(), UnorderedElementsAre("a.txt", "b.txt", "a.log"));
}

// Vector: file_start_position_server_restart_unfinalized. What was sent and not acknowledged is sent again.
TEST_F(TailerCases, UnacknowledgedLinesComeAgainAfterARestart) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  read();
  tailer.reset();
  store.kill();
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
}

// Vector: file_start_position_server_restart_with_file_rotation.
TEST_F(TailerCases, RotatedWhileTheEngineWasAway) {
  append("app.log", "first\n");
  watch("*.log*");
  start();
  settle();
  tailer.reset();
  rename("app.log", "app.log.old");
  append("app.log", "second\n");
  start();
  settle();
  append("app.log", "third\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("first", "second", "third"));
}

// Vector: test_fair_reads, test_oldest_first. Of several files each gets its turn, block by block.
TEST_F(TailerCases, FilesTakeTurns) {
  options.block_bytes = 8;
  append("older.log", "o 1\no 2\no 3\no 4\n");
  append("newer.log", "n 1\nn 2\nn 3\nn 4\n");
  watch("*.log");
  start();
  settle();
  ASSERT_THAT(store.lines, SizeIs(8));
  const auto all = texts();
  EXPECT_EQ(std::count_if(all.begin(), all.begin() + 4, [](const std::string& text) { return text[0] == 'o'; }), 2);
}

// Vector: test_split_reads, lines written a few bytes at a time with a look after each piece.
TEST_F(TailerCases, LinesInManyPieces) {
  watch("app.log");
  start();
  const std::string all = "hello\nthere, this is one line\n\nend\n";
  for (const char c : all) {
    append("app.log", std::string(1, c));
    settle();
  }
  EXPECT_THAT(texts(), ElementsAre("hello", "there, this is one line", "", "end"));
}

// Vector: remove_file and file_truncate. A removed file's lines are there, and a new one of its name is read from its beginning.
TEST_F(TailerCases, RemovedThenCreatedAgainAfterAWhile) {
  append("app.log", "before\n");
  watch("app.log");
  start();
  settle();
  remove("app.log");
  wait_for_writers();
  EXPECT_EQ(file_metrics->open.value(), 0) << "its descriptor is let go";
  append("app.log", "after\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("before", "after"));
}

// Vector: checkpointer tests, fingerprinter tests (equal first lines); OpenTelemetry's 1,000-byte fingerprint. 2,000 equal bytes first.
TEST_F(TailerCases, FilesThatBeginAlikeAreNotTheSame) {
  const std::string banner(2000, '#');
  append("a.log", banner + "\nof a\n");
  append("b.log", banner + "\nof b\n");
  watch("*.log");
  start();
  settle();
  kill_and_start();
  append("a.log", "more of a\n");
  rename("b.log", "c.log");
  settle();
  EXPECT_THAT(store.lines, SizeIs(5));
}

// Found by the model: an editor saves its file as another one of the same name; or the file is moved by way of another file system.
TEST_F(TailerCases, ReplacedByACopyOfItselfWhileRunning) {
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) append("app.log", expected.emplace_back(fmt::format("line {} that is long enough", i)) + "\n");
  watch("app.log");
  start();
  settle();
  copy("app.log", "other");
  rename("other", "app.log");
  append("app.log", expected.emplace_back("more") + "\n");
  settle();
  wait_for_writers();
  EXPECT_EQ(texts(), expected);
}

// Found by the model: the file after one that was rotated while nothing followed it for a while was never read again once it was rotated
// too.
TEST_F(TailerCases, RotationsWithPausesBetween) {
  watch("*.log");
  start();
  append("app.log", "one\n");
  settle();
  rename("app.log", "app.log.1");
  settle();
  append("app.log", "two\n");
  wait_for_writers();
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

// Found by the model: between two looks, and nothing tells of it but the time of the write.
TEST_F(TailerCases, TruncatedAndWrittenToTheSameSize) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  settle();
  truncate("app.log");
  append("app.log", "two\n");
  std::filesystem::last_write_time(path("app.log"), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1));
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

// Found by the model: dated rotated forms of a file whose name ends in a number.
TEST_F(TailerCases, DatedRotationOfANumberedFile) {
  watch("*.log");
  append("worker-1.log", "one\n");
  start();
  settle();
  rename("worker-1.log", "worker-1-2026-11-25.log");
  append("worker-1.log", "two\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  for (const auto& line : store.lines) EXPECT_EQ(line.stream, path("worker-1.log"));
}

// Found by the model: the copy was seen, then the engine was killed, then the file was truncated.
TEST_F(TailerCases, CopySeenThenKilledThenTruncated) {
  append("app.log", "one\n");
  watch("*.log*");
  start();
  settle();
  copy("app.log", "app.log.1");
  settle();
  tailer.reset();
  truncate("app.log");
  append("app.log", "two\n");
  start();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

}  // namespace
}  // namespace telltale::sources
