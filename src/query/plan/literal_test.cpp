#include "query/plan/literal.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace telltale::query {
namespace {

TEST(LiteralFinder, AgreesWithThePlainSearchOnEveryPlaceAndLength) {
  std::mt19937 random(20261121);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 200, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    std::string needle(random() % 9, 'a');
    for (char& c : needle) c = static_cast<char>('a' + random() % 3);
    const std::size_t from = random() % (text.size() + 1);
    EXPECT_EQ(LiteralFinder(needle).find(text, from), text.find(needle, from)) << text << " | " << needle << " from " << from;
  }
}

TEST(LiteralFinder, FindsNeedlesAtBothEndsOfLargeTexts) {
  for (const std::size_t size : {31u, 32u, 33u, 64u, 1000u, 4096u}) {
    const std::string filler(size, '.');
    EXPECT_EQ(LiteralFinder("error").find("error" + filler), 0u);
    EXPECT_EQ(LiteralFinder("error").find(filler + "error"), size);
    EXPECT_EQ(LiteralFinder("error").find(filler + "erro"), LiteralFinder::npos);
  }
}

TEST(LiteralFinder, FindsLongNeedles) {
  const std::string needle(300, 'n');
  EXPECT_EQ(LiteralFinder(needle).find("x" + needle), 1u);
  EXPECT_EQ(LiteralFinder(needle).find(needle.substr(1)), LiteralFinder::npos);
}

TEST(LiteralCursor, AnswersForPartsInOrderAndAlsoForEarlierOnes) {
  const std::string text = "one error|two|three error|err|or";
  const LiteralFinder finder("error");
  LiteralCursor cursor(finder, text);
  EXPECT_TRUE(cursor.in(0, 9));
  EXPECT_FALSE(cursor.in(10, 13));
  EXPECT_TRUE(cursor.in(14, 25));
  EXPECT_FALSE(cursor.in(26, 32));
  EXPECT_TRUE(cursor.in(0, 9));
  EXPECT_FALSE(cursor.in(0, 8)) << "the last byte is beyond the part";
}

}  // namespace
}  // namespace telltale::query
