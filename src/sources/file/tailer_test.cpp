// What happens to log files, and that each line arrives once.
#include "sources/file/tailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class TailerTest : public ::testing::Test, public testing::TailHarness {
 protected:
  std::vector<std::string> texts() const { return store.texts(); }
};

TEST_F(TailerTest, ReadsAFileFromItsBeginningAndWhatIsAppended) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerTest, ReadsAFileThatIsCreatedLaterInAFolderThatIsCreatedLater) {
  watch("logs/app.log");
  start();
  settle();
  append("logs/app.log", "one\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
}

TEST_F(TailerTest, AnUnfinishedLineWaitsForItsEnd) {
  append("app.log", "one\ntw");
  watch("app.log");
  start();
  settle();
  append("app.log", "o an");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
  append("app.log", "d more\nthree\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two and more", "three"));
}

TEST_F(TailerTest, LabelsNameServiceFileAndSource) {
  source.labels = {{"team", "blue"}};
  options.host = "box";
  append("api.log", "one\n");
  watch("*.log");
  start();
  read();
  struct Catch final : record::BlockSink {
    record::PushOutcome try_push(record::RawBlock& block) override {
      labels = block.stream->labels.to_text();
      return record::PushOutcome::closed;
    }
    void on_space(const record::StreamId&, std::function<void()>) override {}
    std::string labels;
  } sink;
  FileSourcePorts ports{
      *files, clock,  *watcher, sink,
      store,  hasher, *metrics, [](std::string_view text) {
                          return text == "blue" ? std::string("[REDACTED:team]") : std::string(text); }};
  Tailer other(*Patterns::parse({source}), {source}, options, ports, *file_metrics, *commits, {});
  other.scan(true);
  other.work();
  EXPECT_EQ(sink.labels, "{file=\"" + path("api.log") + "\", host=\"box\", service=\"api\", source=\"file\", team=\"[REDACTED:team]\"}");
}

// Restarts.

TEST_F(TailerTest, GoesOnAfterARestartWhereTheStoreWas) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "three\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

// The pipeline keeps a block's last lines back: what was committed before them is not read again, they are.
TEST_F(TailerTest, GoesOnAfterAKillInsideABlock) {
  std::vector<std::string> all;
  const auto add = [&](int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) {
      all.push_back("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7 % 90), '.'));
      text += all.back() + "\n";
    }
    append("app.log", text);
  };
  watch("app.log");
  add(0, 3);
  start();
  read();
  for (int round = 0; round < 30; ++round) {
    store.commit_part(static_cast<std::size_t>(round % 3), *commits);
    EXPECT_FALSE(commits->unsettled().empty()) << "the block's end is not committed";
    kill_and_start();
    add(3 + round * 2, 5 + round * 2);
    read();
  }
  settle();
  EXPECT_EQ(texts(), all);
  EXPECT_EQ(commits->lag_bytes(), 0u);
}

TEST_F(TailerTest, SaysWhenMoreFollows) {
  append("app.log", "one\ntwo\nthree\n");
  watch("app.log");
  options.block_bytes = 6;
  start();
  read();
  EXPECT_EQ(store.more_follows, (std::vector<bool>{true, true, false}));
  options.block_bytes = 1024;
  append("app.log", "four\nunfinished");
  kill_and_start();
  store.more_follows.clear();
  read();
  EXPECT_EQ(store.more_follows, (std::vector<bool>{false})) << "an unfinished line does not count";
}

TEST_F(TailerTest, WhatWasReadButNotCommittedIsReadAgainAfterAKill) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  read();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

TEST_F(TailerTest, PartialLineAcrossRestartIsCompletedOnce) {
  append("app.log", "one\ntw");
  watch("app.log");
  start();
  settle();
  kill_and_start();
  settle();
  append("app.log", "o\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

TEST_F(TailerTest, AFileOfEqualContentIsAnotherFile) {
  append("a.log", "started\n");
  append("b.log", "started\n");
  append("a-2.log", "started\n");
  watch("*.log");
  start();
  settle();
  EXPECT_THAT(store.lines, SizeIs(3));
  kill_and_start();
  settle();
  EXPECT_THAT(store.lines, SizeIs(3));
}

// Rotation by renaming.

TEST_F(TailerTest, RotationByRenameReadsTheRestOfTheOldFileThenTheNewOne) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  append("app.log.1", "late\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "late"));
  for (const auto& line : store.lines) EXPECT_EQ(line.stream, path("app.log"));
}

TEST_F(TailerTest, RotationWhileStopped) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerTest, SeveralRotationsBetweenTwoLooks) {
  append("app.log", "one\n");
  watch("app.log");
  for (const bool restart : {false, true}) {
    store.lines.clear();
    start();
    settle();
    store.lines.clear();
    append("app.log", "two\n");
    for (const auto* text : {"three\n", "four\n", "five\n"}) {
      for (int i = 8; i > 0; --i)
        if (std::filesystem::exists(path("app.log." + std::to_string(i))))
          rename("app.log." + std::to_string(i), "app.log." + std::to_string(i + 1));
      rename("app.log", "app.log.1");
      append("app.log", text);
    }
    if (restart) kill_and_start();
    settle();
    EXPECT_THAT(texts(), ElementsAre("two", "three", "four", "five")) << (restart ? "while stopped" : "while running");
  }
}

TEST_F(TailerTest, RotationsAfterALookThatFoundNoFile) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  rename("app.log", "app.log.1");
  settle();
  append("app.log", "two\n");
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_F(TailerTest, OldRotatedFilesThatNoPatternFindsAreNotRead) {
  append("app.log.2", "older\n");
  append("app.log.1", "old\n");
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  rename("app.log.2", "app.log.3");
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

TEST_F(TailerTest, RotatedFilesThatThePatternFindsAreReadOnceInOrder) {
  append("app.log.2", "one\n");
  append("app.log.1", "two\n");
  append("app.log", "three\n");
  watch("app.log*");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  for (const auto& line : store.lines) EXPECT_EQ(line.stream, path("app.log"));
  rename("app.log.2", "app.log.3");
  rename("app.log.1", "app.log.2");
  rename("app.log", "app.log.1");
  append("app.log", "four\n");
  settle();
  kill_and_start();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four"));
}

TEST_F(TailerTest, AnUnfinishedLineOfARotatedFileIsGivenWhenNobodyCompletesIt) {
  append("app.log", "one\ntw");
  watch("app.log");
  start();
  settle();
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "three"));
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "three", "tw"));
  EXPECT_TRUE(store.lines.back().unterminated);
  kill_and_start();
  settle();
  wait_for_writers();
  EXPECT_THAT(store.lines, SizeIs(3));
}

TEST_F(TailerTest, DeletedAndRecreated) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  remove("app.log");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three")) << "the open file still has what was not read";
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(store.lines, SizeIs(3));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerTest, DeletedWhileStoppedIsAGapWhenMoreWasKnown) {
  append("app.log", std::string(1000, 'x') + "\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  options.block_bytes = 2;  // reads a part of it only
  append("app.log", "three\n");
  tailer->scan(true);
  kill_and_start();
  remove("app.log");
  settle();
  EXPECT_THAT(store.lines, SizeIs(1));
  EXPECT_THAT(store.gaps, IsEmpty()) << "nothing was known of the lines that were never seen by a committed position";
}

// Truncation.

TEST_F(TailerTest, CopyTruncateAfterEverythingWasRead) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  copy("app.log", "app.log.1");
  truncate("app.log");
  append("app.log", "three\n");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_F(TailerTest, CopyTruncateBeforeEverythingWasReadIsTakenFromTheCopy) {
  for (const char* pattern : {"app.log", "app.log*"}) {
    for (const bool restart : {false, true}) {
      testing::TailHarness t;
      t.append("app.log", "one\n");
      t.watch(pattern);
      t.start();
      t.settle();
      t.append("app.log", "two\n");
      t.copy("app.log", "app.log.1");
      t.truncate("app.log");
      t.append("app.log", "three\n");
      if (restart) t.kill_and_start();
      t.settle();
      t.wait_for_writers();
      EXPECT_THAT(t.store.texts(), ElementsAre("one", "two", "three")) << pattern << restart;
      t.kill_and_start();
      t.settle();
      EXPECT_THAT(t.store.lines, SizeIs(3)) << pattern << restart;
      EXPECT_THAT(t.store.gaps, IsEmpty());
    }
  }
}

TEST_F(TailerTest, CopyThatIsSeenBeforeTheTruncationIsNotReadTwice) {
  append("app.log", "one\ntwo\n");
  watch("app.log*");
  start();
  settle();
  copy("app.log", "app.log.1");
  settle();
  append("app.log", "three\n");
  settle();
  truncate("app.log");
  append("app.log", "four\n");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four"));
}

TEST_F(TailerTest, TruncationWithoutACopyIsAGapWithBounds) {
  options.block_bytes = 10;
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "in memory\nlost\nlost too\n");
  store.room = 0;
  read();  // its size is known, one block is read, the sink takes nothing
  truncate("app.log");
  append("app.log", "two\n");
  store.room = -1;
  for (auto& callback : std::exchange(store.waiting, {})) callback();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "in memory", "two"));
  ASSERT_THAT(store.gaps, SizeIs(1));
  EXPECT_EQ(store.gaps[0].gap.reason, record::GapReason::truncated_before_read);
  EXPECT_EQ(store.gaps[0].gap.range->from, 14u);
  EXPECT_EQ(store.gaps[0].gap.range->to, 28u);
  EXPECT_FALSE(store.gap_overtook_data);
  kill_and_start();
  settle();
  EXPECT_THAT(store.lines, SizeIs(3));
  EXPECT_THAT(store.gaps, SizeIs(1));
}

TEST_F(TailerTest, TruncatedAndGrownBeyondTheOldOffsetBetweenTwoLooks) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  truncate("app.log");
  append("app.log", "another beginning\nand more\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "another beginning", "and more"));
}

TEST_F(TailerTest, AStaleWriterLeavesAHoleInATruncatedFile) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  std::FILE* writer = std::fopen(path("app.log").c_str(), "r+");
  std::fseek(writer, 4, SEEK_SET);
  truncate("app.log");
  std::fputs("two\n", writer);
  std::fclose(writer);
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

TEST_F(TailerTest, TruncatedAndRewrittenWithTheSameBeginningButShorter) {
  append("app.log", "banner\none\ntwo\n");
  watch("app.log");
  start();
  settle();
  truncate("app.log");
  append("app.log", "banner\nx\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("banner", "one", "two", "banner", "x"));
}

TEST_F(TailerTest, InodeReuseAfterARestartIsRecognisedByTheBytes) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  truncate("app.log");
  append("app.log", "a new file of the same inode\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "a new file of the same inode"));
}

TEST_F(TailerTest, MovedToAnotherFileSystemAndBack) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  copy("app.log", "elsewhere");
  remove("app.log");
  rename("elsewhere", "app.log");
  append("app.log", "three\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

// Lines.

TEST_F(TailerTest, AnOverlongLineIsCutMarkedAndCounted) {
  options.max_line_bytes = 100;
  options.block_bytes = 64;
  append("app.log", "one\n" + std::string(1000, 'x') + "\ntwo\n" + std::string(100, 'y') + "\n" + std::string(101, 'z') + "\nthree\n");
  watch("app.log");
  start();
  settle();
  ASSERT_THAT(store.lines, SizeIs(6));
  EXPECT_EQ(store.lines[1].text, std::string(100, 'x'));
  EXPECT_TRUE(store.lines[1].truncated);
  EXPECT_EQ(store.lines[3].text, std::string(100, 'y'));
  EXPECT_FALSE(store.lines[3].truncated);
  EXPECT_EQ(store.lines[4].text, std::string(100, 'z'));
  EXPECT_TRUE(store.lines[4].truncated);
  EXPECT_EQ(store.lines[5].text, "three");
  EXPECT_EQ(file_metrics->truncated_lines.value(), 2u);
}

TEST_F(TailerTest, LongLinesInsideOneBlockAreCutToo) {
  options.max_line_bytes = 10;
  append("app.log", "short\n" + std::string(11, 'a') + "\nshort\n" + std::string(10, 'b') + "\n" + std::string(300, 'c') + "\nend\n");
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("short", std::string(10, 'a'), "short", std::string(10, 'b'), std::string(10, 'c'), "end"));
}

TEST_F(TailerTest, ALineOf100MegabytesNeedsLittleMemory) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  const std::string piece(10'000'000, 'x');
  for (int i = 0; i < 10; ++i) {
    append("app.log", piece);
    settle();
    if (i == 5) kill_and_start();
  }
  EXPECT_THAT(store.lines, SizeIs(1));
  append("app.log", "\ntwo\n");
  settle();
  ASSERT_THAT(store.lines, SizeIs(3));
  EXPECT_TRUE(store.lines[1].truncated);
  EXPECT_EQ(store.lines[1].text.size(), options.max_line_bytes);
  EXPECT_EQ(store.lines[2].text, "two");
  EXPECT_LE(store.largest_block, options.max_line_bytes + options.block_bytes);
}

TEST_F(TailerTest, BytesArriveAsTheyWere) {
  using namespace std::string_literals;
  append("app.log", "crlf\r\nnul\0inside\n\n\xff\xfe\x80 binary\n"s);
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("crlf\r", "nul\0inside"s, "", "\xff\xfe\x80 binary"));
}

TEST_F(TailerTest, LinesOfAllSizesAcrossBlocks) {
  options.block_bytes = 100;
  std::string all;
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back(std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
    all += expected.back() + "\n";
  }
  append("app.log", all);
  watch("app.log");
  start();
  settle();
  EXPECT_EQ(texts(), expected);
}

}  // namespace
}  // namespace telltale::sources
