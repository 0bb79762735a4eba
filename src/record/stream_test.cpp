#include "record/internal.h"

#include <gtest/gtest.h>

namespace telltale::record {
namespace {

TEST(Labels, AreSortedAndTheLastOfEqualNamesWins) {
  const Labels labels({{"service", "api"}, {"app", "shop"}, {"service", "web"}});
  const std::vector<std::pair<std::string, std::string>> expected = {{"app", "shop"}, {"service", "web"}};
  EXPECT_EQ(labels.pairs(), expected);
  EXPECT_EQ(labels.get("service"), "web");
  EXPECT_EQ(labels.get("missing"), "");
  EXPECT_FALSE(labels.has("missing"));
}

TEST(Labels, AnEmptyValueRemovesTheLabel) {
  const Labels labels({{"host", "a"}, {"service", "api"}, {"host", ""}});
  EXPECT_FALSE(labels.has("host"));
  EXPECT_TRUE(labels.has("service"));
}

TEST(Labels, TextIsWhatAQueryWouldSay) {
  EXPECT_EQ(Labels().to_text(), "{}");
  EXPECT_EQ(Labels({{"stream", "stdout"}, {"service", "api"}}).to_text(), R"({service="api", stream="stdout"})");
  EXPECT_EQ(Labels({{"file", "a\"b\\c\n\x01ü"}}).to_text(), R"({file="a\"b\\c\n\x01ü"})");
  EXPECT_EQ(Labels({{"file", "\xff"}}).to_text(), R"({file="\xff"})");
}

TEST(Labels, CanonicalBytesCannotBeConfused) {
  EXPECT_NE(Labels({{"a", "bc"}}).canonical(), Labels({{"ab", "c"}}).canonical());
  EXPECT_NE(Labels({{"a", "b"}, {"c", "d"}}).canonical(), Labels({{"a", "bc"}}).canonical());
}

TEST(Stream, TheIdDependsOnTheLabelsAlone) {
  const StreamRef one = make_stream(Labels({{"service", "api"}, {"file", "x"}}));
  const StreamRef same = make_stream(Labels({{"file", "x"}, {"service", "api"}}));
  const StreamRef other = make_stream(Labels({{"file", "y"}, {"service", "api"}}));
  EXPECT_EQ(one->id, same->id);
  EXPECT_NE(one->id, other->id);
}

TEST(Stream, WhatTheEngineWritesForItselfIsInternal) {
  const auto is_internal = [](std::vector<std::pair<std::string, std::string>> labels) {
    return record::is_internal(*make_stream(Labels(std::move(labels))));
  };
  EXPECT_TRUE(is_internal({{"service", "telltale"}, {"source", "lifecycle"}, {"instance", "run-1"}}));
  EXPECT_TRUE(is_internal({{"service", "telltale"}, {"source", "note"}}));
  EXPECT_FALSE(is_internal({{"service", "telltale"}, {"source", "telltale"}})) << "what it says of itself is for everybody";
  EXPECT_FALSE(is_internal({{"service", "api"}, {"source", "note"}}));
  EXPECT_FALSE(is_internal({{"service", "telltale"}, {"source", "file"}}));
  EXPECT_FALSE(is_internal({}));
}

}  // namespace
}  // namespace telltale::record
