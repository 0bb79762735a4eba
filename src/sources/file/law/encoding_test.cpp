// Files with a byte order mark, lines with bytes that are no text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/file/testing/tail_harness.h"
#include "sources/text/text_encoding.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string wide(TextEncoding encoding, std::string_view text, bool at_start = false) {
  return from_utf8(encoding, text, at_start);
}

class EncodingTest : public testing::TailHarness, public ::testing::TestWithParam<TextEncoding> {
 protected:
  std::string encoded(std::string_view text, bool at_start = false) const { return wide(GetParam(), text, at_start); }
  std::vector<std::string> texts() const { return store.texts(); }
};

TEST_P(EncodingTest, LinesAreDecodedAndTheMarkIsLeftOut) {
  append("app.log", encoded("one\r\ntw\xC3\xB6 \xF0\x9F\x98\x80\n\n\xC4\x8A \xE0\xA8\x80\n", true));
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(texts(), ElementsAre("one\r", "tw\xC3\xB6 \xF0\x9F\x98\x80", "", "\xC4\x8A \xE0\xA8\x80"));
}

TEST_P(EncodingTest, EveryByteOfTheFileMayComeByItself) {
  const std::string all = encoded("one \xF0\x9F\x98\x80\ntwo\nthree", true);
  watch("app.log");
  start();
  for (const char byte : all) {
    append("app.log", std::string_view(&byte, 1));
    settle();
  }
  EXPECT_THAT(texts(), ElementsAre("one \xF0\x9F\x98\x80", "two"));
  rename("app.log", "app.log.1");
  settle();
  wait_for_writers();
  EXPECT_THAT(texts(), ElementsAre("one \xF0\x9F\x98\x80", "two", "three"));
}

TEST_P(EncodingTest, ARestartAtAnyByteReadsEachLineOnce) {
  const std::string all = encoded("one \xF0\x9F\x98\x80\ntwo\nthree\n", true);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    store = {};
    const std::string name = "app" + std::to_string(cut) + ".log";
    source.paths = {path(name)};
    append(name, std::string_view(all).substr(0, cut));
    start();
    settle();
    append(name, std::string_view(all).substr(cut));
    kill_and_start();
    settle();
    EXPECT_THAT(texts(), ElementsAre("one \xF0\x9F\x98\x80", "two", "three")) << cut;
  }
}

TEST_P(EncodingTest, PositionsInsideABlockAreThoseOfTheFile) {
  append("app.log", encoded("one \xF0\x9F\x98\x80\ntwo\nthree\n", true));
  watch("app.log");
  for (const std::size_t lines : {1, 2}) {
    store = {};
    start();
    read();
    store.commit_part(lines, *commits);
    kill_and_start();
    settle();
    EXPECT_THAT(texts(), ElementsAre("one \xF0\x9F\x98\x80", "two", "three")) << lines;
    EXPECT_THAT(store.gaps, IsEmpty());
  }
}

TEST_P(EncodingTest, ALongLineIsCutBetweenCharacters) {
  options.max_line_bytes = 1025;
  options.block_bytes = 4096;
  std::string line = "x";
  for (int i = 0; i < 5000; ++i) line += "\xF0\x9F\x98\x80";
  append("app.log", encoded("one\n" + line + "\nthree\n", true));
  watch("app.log");
  start();
  settle();
  ASSERT_THAT(store.lines, SizeIs(3));
  EXPECT_TRUE(store.lines[1].truncated);
  EXPECT_TRUE(line.starts_with(store.lines[1].text));
  EXPECT_GT(store.lines[1].text.size(), 1000u);
  EXPECT_EQ(store.lines[2].text, "three");
}

TEST_P(EncodingTest, StartAtTheEndSkipsWholeLines) {
  append("app.log", encoded("one\ntwo\nthr", true));
  watch("app.log");
  source.start = "end";
  start();
  settle();
  append("app.log", encoded("ee\nfour\n"));
  settle();
  EXPECT_THAT(texts(), ElementsAre("three", "four"));
}

INSTANTIATE_TEST_SUITE_P(Encodings, EncodingTest, ::testing::Values(TextEncoding::utf8, TextEncoding::utf16_le, TextEncoding::utf16_be),
                         [](const auto& info) { return std::string(std::array{"", "utf8", "utf16_le", "utf16_be"}[int(info.param)]); });

class BytesTest : public testing::TailHarness, public ::testing::Test {};

TEST_F(BytesTest, WhatIsNoTextIsHandedOnAsItIs) {
  const std::string nul("nul \0 in it", 11);
  append("app.log", "bad \xFF\xFE\xC3\n" + nul + "\ncr\r\nonly\rcr\n\xED\xA0\x80\n");
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("bad \xFF\xFE\xC3", nul, "cr\r", "only\rcr", "\xED\xA0\x80"));
}

TEST_F(BytesTest, ALoneSurrogateIsKept) {
  append("app.log", "\xFF\xFE" + std::string("a\0\x00\xD8\n\0", 6));
  watch("app.log");
  start();
  settle();
  EXPECT_THAT(store.texts(), ElementsAre("a\xED\xA0\x80"));
}

TEST_F(BytesTest, AMarkAloneIsNoLine) {
  append("app.log", "\xFF\xFE");
  watch("app.log");
  start();
  settle();
  rename("app.log", "app.log.1");
  settle();
  wait_for_writers();
  EXPECT_THAT(store.lines, IsEmpty());
  EXPECT_THAT(store.gaps, IsEmpty());
  EXPECT_FALSE(tailer->has_queued());
}

}  // namespace
}  // namespace telltale::sources
