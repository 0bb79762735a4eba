#include "sources/file/position.h"

#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

FilePosition sample() {
  FilePosition position;
  position.version = 7;
  position.offset = 5000;
  position.line = 42;
  position.size = 6000;
  position.first_seen = 1'700'000'000'000'000'000;
  position.identity = {123, 1'699'999'999'123'456'789, 65024};
  position.head = {1024, {1, 2}};
  position.tail = {256, {3, 4}};
  position.host = "box";
  position.source = "my logs";
  position.paths = {"/var/log/app.log", "/var/log/odd name\n7:x.1"};
  position.copies = {{9, 8, 7}};
  return position;
}

TEST(FilePosition, SurvivesBeingStored) {
  EXPECT_EQ(decode_position(encode_position(sample())), sample());
}

TEST(FilePosition, ProgressIsReadWithoutTheRest) {
  const auto progress = read_progress(encode_position(sample()));
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->version, 7u);
  EXPECT_EQ(progress->offset, 5000u);
}

TEST(FilePosition, NoPrefixOfAPositionIsAPosition) {
  const std::string text = encode_position(sample());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(decode_position(text.substr(0, size))) << size;
  EXPECT_FALSE(decode_position(text + "x"));
}

TEST(FilePosition, OtherVersionsAndNonsenseAreNone) {
  EXPECT_FALSE(decode_position("2" + encode_position(sample()).substr(1)));
  EXPECT_FALSE(decode_position("1 99999999999999999999999 0"));
  auto impossible = sample();
  impossible.tail.length = 300;
  EXPECT_FALSE(decode_position(encode_position(impossible)));
  impossible = sample();
  impossible.offset = 100;
  EXPECT_FALSE(decode_position(encode_position(impossible))) << "marks reach beyond the offset";
}

TEST(ContentMark, CoversLengthAndKey) {
  const base::KeyedHasher one("one");
  const base::KeyedHasher two("two");
  EXPECT_EQ(mark_of(one, "abc"), mark_of(one, "abc"));
  EXPECT_NE(mark_of(one, "abc").hash, mark_of(two, "abc").hash);
  EXPECT_NE(mark_of(one, "abc").hash, mark_of(one, "ab").hash);
}

}  // namespace
}  // namespace telltale::sources
