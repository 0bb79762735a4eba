// YAML that is broken, hostile or merely odd.
#include "config/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::config {
namespace {

using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
  std::vector<Problem> problems;
  const auto node = parse_yaml(text, "f.yaml", problems);
  EXPECT_FALSE(node) << "parsed";
  return node ? "" : node.error().text();
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Tree, KeepsOrderLinesAndTexts) {
  std::vector<Problem> problems;
  const auto root = parse_yaml("b: 1\na:\n  - 'x'\n  - ~\n", "f.yaml", problems);
  ASSERT_TRUE(root);
  ASSERT_EQ(root->kind, Node::Kind::map);
  ASSERT_EQ(root->entries.size(), 2U);
  EXPECT_EQ(root->entries[0].key, "b");
  EXPECT_EQ(root->entries[0].node.text, "1");
  EXPECT_EQ(root->entries[1].line, 2);
  const Node& list = root->entries[1].node;
  ASSERT_EQ(list.kind, Node::Kind::sequence);
  EXPECT_EQ(list.entries[0].node.text, "x");
  EXPECT_EQ(list.entries[0].node.line, 3);
  EXPECT_EQ(list.entries[1].node.kind, Node::Kind::empty);
  EXPECT_TRUE(problems.empty());
}

TEST(Tree, AnEmptyTextIsAnEmptyNode) {
  std::vector<Problem> problems;
  for (const char* text : {"", "# only a comment\n", "\n\n", "---\n"}) {
    const auto root = parse_yaml(text, "f.yaml", problems);
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(root->kind, Node::Kind::empty) << text;
  }
}

TEST(Tree, ARepeatedKeyIsAProblemAndTheFirstOneCounts) {
  std::vector<Problem> problems;
  const auto root = parse_yaml("a: 1\nb: 2\na: {c: 3}\nd: 4\n", "f.yaml", problems);
  ASSERT_TRUE(root);
  ASSERT_EQ(root->entries.size(), 3U);
  EXPECT_EQ(root->entries[0].node.text, "1");
  EXPECT_EQ(root->entries[2].key, "d");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].text(), "f.yaml:3: a: is given twice, first in line 1; keep one of them");
}

TEST(Tree, SyntaxErrorsNameTheirLine) {
  EXPECT_THAT(error_of("a: 1\nb: [1, 2\nc: 3\n"), HasSubstr("f.yaml:"));
  EXPECT_THAT(error_of("a: 1\n\tb: 2\n"), HasSubstr("f.yaml:2: is not YAML"));
  EXPECT_THAT(error_of("a: *name\n"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("a: &n 1\nb: *n\n"), HasSubstr("f.yaml:2: is not YAML as telltale reads it: aliases (*name) are not supported"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("a second one begins here"));
  EXPECT_THAT(error_of("[a]: 1\n"), HasSubstr("f.yaml:1: is not YAML as telltale reads it: a key must be a text"));
  EXPECT_THAT(error_of("a: \"\xFF\"\n"), HasSubstr("is not UTF-8"));
}

TEST(Tree, HostileTextIsRefusedWithoutMuchStack) {
  for (const char* opening : {"[", "{", "- ", "? ", "a: {", "[a,", "{? ", "&a [", "? - "}) {
    EXPECT_THAT(error_of(repeated(opening, 20'000)), HasSubstr("not YAML")) << opening;
  }
  std::string deep;
  for (std::size_t i = 0; i < 100; ++i) deep += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(error_of(deep), HasSubstr("more than 32 levels deep"));
}

TEST(Tree, SizeIsBounded) {
  EXPECT_THAT(error_of(std::string(max_document_bytes + 1, '#')), HasSubstr("is larger than 1MiB"));
  EXPECT_THAT(error_of("a: [" + repeated("1,", max_document_nodes) + "]"), HasSubstr("more than 100000 values"));
  std::string keys;
  for (int i = 0; i < 2000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(error_of(keys), HasSubstr("more than 1000 keys in one map"));
}

}  // namespace
}  // namespace telltale::config
