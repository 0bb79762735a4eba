#include "pipeline/scan/scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Found {
  LiteralId literal;
  std::uint32_t end;
  bool operator==(const Found&) const = default;
};

std::vector<Found> scan(const ScannerBuilder& builder, std::string_view text) {
  const auto scanner = builder.build();
  EXPECT_TRUE(scanner.has_value());
  ScanScratch scratch(*scanner);
  std::vector<Hit> hits;
  scanner->scan(text, scratch, hits);
  std::vector<Found> found;
  for (const Hit& hit : hits) found.push_back({hit.literal, hit.end});
  return found;
}

TEST(Scanner, FindsEveryOccurrenceOfEveryLiteral) {
  ScannerBuilder builder;
  const LiteralId error = builder.add("error", true);
  const LiteralId key = builder.add("AKIA", false);
  EXPECT_THAT(scan(builder, "error Error\nAKIA ERRORS akia"),
              ElementsAre(Found{error, 5}, Found{error, 11}, Found{key, 16}, Found{error, 22}));
}

TEST(Scanner, LiteralsMayLieInsideEachOther) {
  ScannerBuilder builder;
  const LiteralId inner = builder.add("secret", true);
  const LiteralId outer = builder.add("client_secret", true);
  EXPECT_THAT(scan(builder, "CLIENT_SECRET"), testing::UnorderedElementsAre(Found{inner, 13}, Found{outer, 13}));
}

TEST(Scanner, LiteralsAreBytesNotPatterns) {
  ScannerBuilder builder;
  const LiteralId dots = builder.add("a.b*", false);
  const LiteralId nul = builder.add(std::string_view("x\0y", 3), false);
  EXPECT_THAT(scan(builder, std::string_view("aXb* a.b* x\0y", 13)), ElementsAre(Found{dots, 9}, Found{nul, 13}));
}

TEST(Scanner, LiteralsOfOneByteKeepTheOrder) {
  ScannerBuilder builder;
  const LiteralId at = builder.add("@", true);
  const LiteralId word = builder.add("ab", false);
  const LiteralId letter = builder.add("q", true);
  EXPECT_THAT(scan(builder, "ab@ab@Q"), ElementsAre(Found{word, 2}, Found{at, 3}, Found{word, 5}, Found{at, 6}, Found{letter, 7}));
}

TEST(Scanner, SameLiteralHasOneId) {
  ScannerBuilder builder;
  EXPECT_EQ(builder.add("Token", true), builder.add("tOKEN", true));
  EXPECT_NE(builder.add("Token", true), builder.add("token", false));
}

TEST(Scanner, WithoutLiteralsItFindsNothing) {
  EXPECT_THAT(scan(ScannerBuilder(), "anything"), IsEmpty());
}

TEST(Scanner, EmptyText) {
  ScannerBuilder builder;
  builder.add("error", true);
  EXPECT_THAT(scan(builder, ""), IsEmpty());
}

}  // namespace
}  // namespace telltale::pipeline
