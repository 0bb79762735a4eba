#include "base/encoding.h"

#include <gtest/gtest.h>

namespace telltale::base {

TEST(Encoding, HexDigitsOfEitherCase) {
  EXPECT_EQ(hex_value('0'), 0);
  EXPECT_EQ(hex_value('f'), 15);
  EXPECT_EQ(hex_value('A'), 10);
  for (const char other : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) EXPECT_EQ(hex_value(other), -1) << other;
}

TEST(Encoding, ReadsHexNumbersOfUpToThirtyTwoBits) {
  EXPECT_EQ(read_hex("0"), 0u);
  EXPECT_EQ(read_hex("20aC"), 0x20ACu);
  EXPECT_EQ(read_hex("ffffffff"), 0xFFFFFFFFu);
  for (const char* wrong : {"", "g", "0x1", "-1", "+1", " 1", "1 ", "123456789"}) EXPECT_FALSE(read_hex(wrong)) << wrong;
}

TEST(Encoding, AppendsCodePointsAsUtf8) {
  std::string text = "<";
  for (const std::uint32_t code_point : {0x41u, 0xE9u, 0x20ACu, 0x1F600u}) EXPECT_TRUE(append_utf8(text, code_point));
  EXPECT_EQ(text, "<A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(Encoding, WhatHasNoUtf8AppendsNothing) {
  std::string text;
  for (const std::uint32_t none : {0xD800u, 0xDBFFu, 0xDC00u, 0xDFFFu, 0x110000u, 0xFFFFFFFFu}) EXPECT_FALSE(append_utf8(text, none));
  EXPECT_EQ(text, "");
}

}  // namespace telltale::base
