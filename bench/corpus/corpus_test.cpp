#include "corpus/corpus.h"

#include <gtest/gtest.h>

namespace telltale::bench {
namespace {

std::string make(std::uint64_t seed, int lines) {
  Corpus corpus(seed);
  std::string text;
  for (int i = 0; i < lines; ++i) corpus.append_line(text);
  return text;
}

TEST(Corpus, DependsOnTheSeedAlone) {
  EXPECT_EQ(make(7, 1000), make(7, 1000));
  EXPECT_NE(make(7, 1000), make(8, 1000));
}

TEST(Corpus, HasTheSharesItPromises) {
  Corpus corpus(1);
  constexpr int lines = 100'000;
  int json = 0;
  int logfmt = 0;
  int secrets = 0;
  std::size_t bytes = 0;
  std::string line;
  for (int i = 0; i < lines; ++i) {
    line.clear();
    corpus.append_line(line);
    bytes += line.size();
    json += line[0] == '{';
    logfmt += line.starts_with("time=");
    secrets += corpus.secret().empty() ? 0 : 1;
  }
  EXPECT_NEAR(static_cast<double>(bytes) / lines, 138, 4);
  EXPECT_NEAR(json, 35'000, 1'500);
  EXPECT_NEAR(logfmt, 15'000, 1'500);
  EXPECT_NEAR(secrets, 500, 100);
}

TEST(Corpus, TagsProveThatALineIsWhole) {
  Corpus corpus(3);
  for (std::uint64_t number = 0; number < 5000; ++number) {
    std::string line;
    corpus.append_line(line);
    line.pop_back();
    const auto tag = read_tag(line);
    ASSERT_TRUE(tag) << line;
    ASSERT_EQ(tag->number, number);
    ASSERT_TRUE(tag->intact) << line;
    line[number % line.size()] ^= 1;
    const auto changed = read_tag(line);
    ASSERT_FALSE(changed && changed->intact && changed->number == number) << line;
  }
}

TEST(Corpus, FindsNoTagInOtherText) {
  EXPECT_FALSE(read_tag(""));
  EXPECT_FALSE(read_tag("req-12"));
  EXPECT_FALSE(read_tag("req-00000000x-00000000"));
}

}  // namespace
}  // namespace telltale::bench
