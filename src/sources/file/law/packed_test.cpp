// Rotated files that were compressed before they were read to their end, made by gzip and zstd themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "sources/file/testing/tail_harness.h"

namespace telltale::sources {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TailHarness;

struct Program {
  const char* name;
  const char* command;
  const char* ending;
};

class PackedTest : public TailHarness, public ::testing::TestWithParam<Program> {
 protected:
  // As `gzip FILE` does it: FILE.gz with the time of FILE, then FILE is gone.
  void pack(std::string_view name) { run(fmt::format("{} -q {}", GetParam().command, path(name))); }
  void pack_and_keep(std::string_view name) { run(fmt::format("{} -q -k {}", GetParam().name, path(name))); }
  std::string packed(std::string_view name) const { return std::string(name) + GetParam().ending; }
  void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }
  std::string bytes_of(const std::string& name) const { return *base::read_file(*files, path(name), 1 << 30); }
  void write(std::string_view name, std::string_view bytes) {
    remove_if_there(name);
    append(name, bytes);
  }
  void remove_if_there(std::string_view name) { std::filesystem::remove(path(name)); }
  std::vector<std::string> texts() const { return store.texts(); }
  static std::string lines(std::string_view word, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("{} {}\n", word, i);
    return text;
  }
};

TEST_P(PackedTest, OneThatWasCompressedWhileTheEngineWasStoppedIsReadOnFromItsPosition) {
  append("app.log", "one\ntwo\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", "three\n");
  rename("app.log", "app.log.1");
  append("app.log", "four\n");
  pack("app.log.1");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(store.gaps, IsEmpty());
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), SizeIs(4)) << "not read again after the next restart";
}

TEST_P(PackedTest, OneThatWasReadToItsEndIsNotReadAgain) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  settle();
  wait_for_writers();
  pack("app.log.1");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, OneThatWasReadToItsEndIsNotReadAgainWhenItWasCompressedWhileTheEngineWasStopped) {
  append("app.log", "one\n");
  watch("app.log*");
  start();
  settle();
  tailer.reset();
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  pack("app.log.1");
  kill_and_start();
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, SeveralThatCameUpUnseenAreReadOldestFirst) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", "two\n");
  rename("app.log", "app.log.3");
  append("app.log", "three\n");
  rename("app.log", "app.log.2");
  append("app.log", "four\n");
  rename("app.log", "app.log.1");
  append("app.log", "five\n");
  pack("app.log.3");
  pack("app.log.2");
  pack("app.log.1");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four", "five"));
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), SizeIs(5));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, TheNewestOfThemMayStillBePlain) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", "two\n");
  rename("app.log", "app.log-20260101");
  append("app.log", "three\n");
  pack("app.log-20260101");
  rename("app.log", "app.log-20260102");
  append("app.log", "four\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three", "four"));
  wait_for_writers();
  pack("app.log-20260102");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), SizeIs(4));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, FilesThatWereCompressedBeforeTheFirstStartAreLeftAlone) {
  write("app.log.2", "old\n");
  pack("app.log.2");
  write("app.log.1", "newer\n");
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  rename(packed("app.log.2"), packed("app.log.3"));
  pack("app.log.1");
  rename(packed("app.log.1"), packed("app.log.2"));
  rename("app.log", "app.log.1");
  append("app.log", "two\n");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
}

TEST_P(PackedTest, RotatedAndCompressedBetweenTwoLooks) {
  append("app.log", "one\n");
  watch("app.log");
  options.max_open_files = 1;  // so that the file is not held open
  append("other.log", "x\n");
  watch("other.log");
  start();
  settle();
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  pack("app.log.1");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "x", "two", "three"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, TheVeryFirstFileMayBeRotatedAndCompressedBeforeItIsSeen) {
  watch("app.log");
  start();
  settle();
  append("app.log", "one\n");
  rename("app.log", "app.log.1");
  pack("app.log.1");
  rename(packed("app.log.1"), packed("app.log.2"));
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  append("app.log", "three\n");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ::testing::UnorderedElementsAre("one", "two", "three"));
}

TEST_P(PackedTest, ALineThatWasNotFinishedGoesOnThere) {
  append("app.log", "one\ntw");
  watch("app.log");
  start();
  settle();
  append("app.log", "o\nlast without its end");
  rename("app.log", "app.log.1");
  kill_and_start();
  pack("app.log.1");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "last without its end"));
}

TEST_P(PackedTest, WhatTheTruncatedFileHeldIsTakenFromItsCompressedCopy) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  append("app.log", "two\n");
  store.room = 0;
  read();
  copy("app.log", "app.log.1");
  truncate("app.log");
  pack("app.log.1");
  append("app.log", "three\n");
  store.room = -1;
  for (auto& callback : std::exchange(store.waiting, {})) callback();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, ACopyOfALivingFileIsNotReadAndTheLossOfThePlainOneIsMadeGood) {
  append("app.log", "one\n");
  watch("app.log*");
  watch("*" + std::string(GetParam().ending));
  start();
  settle();
  append("app.log", "two\n");
  rename("app.log", "app.log.1");
  pack_and_keep("app.log.1");
  append("app.log", "three\n");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  remove("app.log.1");
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), SizeIs(3));
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, WaitsForOneThatIsStillWritten) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", lines("two", 1000));
  rename("app.log", "app.log.1");
  pack("app.log.1");
  const std::string whole = bytes_of(packed("app.log.1"));
  write(packed("app.log.1"), std::string_view(whole).substr(0, whole.size() / 2));
  append("app.log", "three\n");
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one"));
  append(packed("app.log.1"), std::string_view(whole).substr(whole.size() / 2));
  settle();
  EXPECT_THAT(texts(), SizeIs(1002));
  EXPECT_EQ(texts().back(), "three");
  EXPECT_THAT(store.gaps, IsEmpty());
}

TEST_P(PackedTest, OfOneThatIsCutOffWhatCanBeReadIsReadAndTheRestIsAGap) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", lines("two", 100000));
  rename("app.log", "app.log.1");
  pack("app.log.1");
  const std::string whole = bytes_of(packed("app.log.1"));
  write(packed("app.log.1"), std::string_view(whole).substr(0, whole.size() / 2));
  append("app.log", "three\n");
  kill_and_start();
  settle();
  clock.advance(options.packed_idle_ns + 1);
  settle();
  wait_for_writers();
  EXPECT_GT(texts().size(), 1000u);
  EXPECT_EQ(texts()[1], "two 0");
  EXPECT_EQ(texts()[2], "two 1");
  EXPECT_THAT(texts(), Contains("three"));
  ASSERT_THAT(store.gaps, SizeIs(1));
  EXPECT_EQ(store.gaps[0].gap.reason, record::GapReason::unreadable);
  EXPECT_THAT(store.gaps[0].gap.detail, HasSubstr(packed("app.log.1")));
  ASSERT_TRUE(tailer->problems().contains(path(packed("app.log.1"))));
  EXPECT_THAT(tailer->problems().at(path(packed("app.log.1"))).message(), HasSubstr("is damaged: unpacked up to byte"));
  const std::size_t before = texts().size();
  kill_and_start();
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_EQ(texts().size(), before);
  EXPECT_THAT(store.gaps, SizeIs(1)) << "said once";
  EXPECT_TRUE(tailer->problems().contains(path(packed("app.log.1"))));
}

TEST_P(PackedTest, OfADamagedOneToo) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  append("app.log", lines("two", 100000));
  rename("app.log", "app.log.1");
  pack("app.log.1");
  std::string whole = bytes_of(packed("app.log.1"));
  for (std::size_t i = 0; i < 100; ++i) whole[whole.size() * 2 / 3 + i] = static_cast<char>(0xff);
  write(packed("app.log.1"), whole);
  kill_and_start();
  settle();
  wait_for_writers();
  EXPECT_GT(texts().size(), 1000u);
  ASSERT_THAT(store.gaps, SizeIs(1));
  EXPECT_EQ(store.gaps[0].gap.reason, record::GapReason::unreadable);
}

TEST_P(PackedTest, APatternThatNamesThemReadsThemWholeAndOnce) {
  append("old.log", "one\ntwo\n");
  pack("old.log");
  watch("*" + std::string(GetParam().ending));
  start();
  settle();
  wait_for_writers();
  kill_and_start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two"));
  EXPECT_EQ(store.lines[0].stream, path(packed("old.log")));
  append("new.log", "three\n");
  pack("new.log");
  settle();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
}

TEST_P(PackedTest, APatternThatOnlyHappensToFindThemDoesNot) {
  append("app.log.1", "one\n");
  pack("app.log.1");
  append("app.log", "two\n");
  watch("app*");
  start();
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("two"));
}

TEST_P(PackedTest, WithStartEndThoseThatStandThereAreSkipped) {
  append("old.log", "one\n");
  pack("old.log");
  watch("*" + std::string(GetParam().ending));
  source.start = "end";
  start();
  settle();
  append("new.log", "two\n");
  pack("new.log");
  settle();
  EXPECT_THAT(texts(), ElementsAre("two"));
}

TEST_P(PackedTest, OneThatUnpacksToVeryMuchTakesLittleMemoryAndIsReadInBlocks) {
  append("app.log", "one\n");
  watch("app.log");
  start();
  settle();
  tailer.reset();
  run(fmt::format("head -c 50000000 /dev/zero | tr '\\0' 'x' >> {}", path("app.log")));
  append("app.log", "\ntwo\n");
  rename("app.log", "app.log.1");
  pack("app.log.1");
  EXPECT_LT(bytes_of(packed("app.log.1")).size(), 100'000u);
  kill_and_start();
  settle();
  wait_for_writers();
  ASSERT_THAT(store.lines, SizeIs(3));
  EXPECT_TRUE(store.lines[1].truncated);
  EXPECT_EQ(store.lines[1].text.size(), options.max_line_bytes);
  EXPECT_EQ(store.lines[2].text, "two");
  EXPECT_LE(store.largest_block, options.max_line_bytes + 1);
}

INSTANTIATE_TEST_SUITE_P(Programs, PackedTest, ::testing::Values(Program{"gzip", "gzip", ".gz"}, Program{"zstd", "zstd --rm", ".zst"}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace telltale::sources
