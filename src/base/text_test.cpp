#include "base/text.h"

#include <gtest/gtest.h>

namespace telltale::base {
namespace {

TEST(Utf8, EveryByteOutsideOfASequenceIsReplaced) {
  EXPECT_EQ(to_valid_utf8("gr\xC3\xBCn \xE2\x82\xAC \xF0\x9F\x98\x80"), "gr\xC3\xBCn \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(to_valid_utf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(to_valid_utf8("\xE2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("0123456789\x80"), "0123456789\uFFFD");
}

TEST(Utf8, OverlongSurrogateAndTooLargeFormsAreInvalid) {
  for (const char* text :
       {"\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
  for (const char* text : {"", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "\xC2\x80"}) EXPECT_TRUE(is_valid_utf8(text));
}

TEST(Json, EscapesWhatJsonForbidsAndNothingElse) {
  std::string out = "x";
  append_json_string(out, "a\"b\\c\n\r\t\b\f\x01\x7F/\xC3\xBC\xFF");
  EXPECT_EQ(out, "x\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\x7F/\xC3\xBC\uFFFD\"");
  std::string zero;
  append_json_escaped(zero, std::string_view("\0z", 2));
  EXPECT_EQ(zero, "\\u0000z");
}

TEST(Printable, NothingCanSteerATerminal) {
  EXPECT_EQ(to_printable("\x1B[2Jtab\there\r\n"), "\\x1b[2Jtab\there\\x0d\\x0a");
  EXPECT_EQ(to_printable("a\u202E\u2066b\u2028\u2029"), "a\\xe2\\x80\\xae\\xe2\\x81\\xa6b\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  EXPECT_EQ(to_printable("\u2014\u200F\u2065 \u20AC"), "\u2014\u200F\u2065 \u20AC");  // their neighbours stay
  EXPECT_EQ(to_printable("\xC2\x9B"
                         "31m \x9B gr\xC3\xBCn\x7F"),
            "\\xc2\\x9b31m \\x9b gr\xC3\xBCn\\x7f");
}

TEST(Text, ComparesWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("Error", "eRROR"));
  EXPECT_FALSE(equals_ignoring_case("Error", "Errors"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_EQ(to_lower("ABZ[\xC3\x9C"), "abz[\xC3\x9C");
}

TEST(Text, TrimsWhiteSpaceAtBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(Text, EditDistanceCountsInsertionsRemovalsAndReplacements) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("prot", "port"), 2U);
}

// RFC 4648, section 10, without padding.
TEST(Base64Url, KnownAnswers) {
  const std::pair<std::string, std::string> answers[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : answers) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
  EXPECT_EQ(base64url_encode("\xFB\xFF\xFE"), "-__-");
  EXPECT_EQ(base64url_decode("Zg=="), "f");
}

TEST(Base64Url, RefusesWhatIsNotCanonical) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Zm9v=", "Zh", "Zm9=", "+/+/", "Zm 9v", "Zm=v", "===="}) {
    EXPECT_FALSE(base64url_decode(text).has_value()) << text;
  }
}

TEST(Text, ConstantTimeComparisonComparesLengthsToo) {
  EXPECT_TRUE(equals_in_constant_time("secret", "secret"));
  EXPECT_TRUE(equals_in_constant_time("", ""));
  EXPECT_FALSE(equals_in_constant_time("secret", "secreT"));
  EXPECT_FALSE(equals_in_constant_time("secret", "secret1"));
}

}  // namespace
}  // namespace telltale::base
