#include "sources/process/relay_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

using ::testing::HasSubstr;

template <class Kind>
Kind relayed(const FromRelay& message) {
  const auto back = decode_from_relay(encode(message));
  EXPECT_TRUE(back.has_value()) << (back ? "" : back.error().message());
  return std::get<Kind>(*back);
}

template <class Kind>
Kind answered(const FromEngine& message) {
  const auto back = decode_from_engine(encode(message));
  EXPECT_TRUE(back.has_value()) << (back ? "" : back.error().message());
  return std::get<Kind>(*back);
}

constexpr std::uint64_t large = 18'446'744'073'709'551'615ull;

TEST(RelayMessage, EachReachesTheOtherSideAsItWas) {
  const auto hello = relayed<RelayHello>(RelayHello{"a1", "20261125T080312-7f3a9c", "box\n\"1\""});
  EXPECT_EQ(hello.relay, "a1");
  EXPECT_EQ(hello.run, "20261125T080312-7f3a9c");
  EXPECT_EQ(hello.host, "box\n\"1\"");
  const auto stream = relayed<RelayStream>(RelayStream{7, "ab01", {{"service", "api"}, {"stream", "stdout"}}, {large, 3}, {2, 1}});
  EXPECT_EQ(stream.number, 7u);
  EXPECT_EQ(stream.key, "ab01");
  EXPECT_EQ(stream.labels.size(), 2u);
  EXPECT_EQ(stream.from, (StreamPlace{large, 3}));
  EXPECT_EQ(stream.acknowledged, (StreamPlace{2, 1}));
  EXPECT_EQ(relayed<RelayEnd>(RelayEnd{7, {10, 2}}).at, (StreamPlace{10, 2}));
  EXPECT_EQ(relayed<RelayRelease>(RelayRelease{7}).number, 7u);
  EXPECT_EQ(relayed<RelayBarrierDone>(RelayBarrierDone{large}).id, large);
  EXPECT_EQ(answered<RelayWelcome>(RelayWelcome{1000, 2000}).window, 2000u);
  EXPECT_EQ(answered<RelayPosition>(RelayPosition{1, {5, 2}}).at, (StreamPlace{5, 2}));
  EXPECT_EQ(answered<RelayCommitted>(RelayCommitted{1, {5, 2}}).number, 1u);
  EXPECT_EQ(answered<RelayEnded>(RelayEnded{4}).number, 4u);
  EXPECT_EQ(answered<RelayBarrier>(RelayBarrier{9}).id, 9u);
}

TEST(RelayMessage, ABlockKeepsAnyBytes) {
  const std::string bytes("a\0b\xff\n{}\n", 8);
  const auto message = encode(RelayBlock{3, {100, 5}, {108, 7}, 1500, 2000, 2'000'000'000'000'000'000, true, false, bytes});
  const auto block = decode_block(message);
  ASSERT_TRUE(block) << block.error().message();
  EXPECT_EQ(block->bytes, bytes);
  EXPECT_EQ(block->number, 3u);
  EXPECT_EQ(block->from, (StreamPlace{100, 5}));
  EXPECT_EQ(block->to, (StreamPlace{108, 7}));
  EXPECT_EQ(block->age_ns, 1500);
  EXPECT_EQ(block->dry_ns, 2000);
  EXPECT_EQ(block->sent_at, 2'000'000'000'000'000'000);
  EXPECT_TRUE(block->unterminated);
  EXPECT_FALSE(block->truncated);
}

TEST(RelayMessage, OnlyATruncatedLineStandsForMoreBytesThanItHas) {
  EXPECT_TRUE(decode_block(encode(RelayBlock{3, {0, 0}, {1000, 1}, 0, {}, 0, false, true, "cut"})));
  EXPECT_THAT(decode_block(encode(RelayBlock{3, {0, 0}, {1000, 1}, 0, {}, 0, false, false, "cut"})).error().cause, HasSubstr("to_offset"));
}

TEST(RelayMessage, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> texts[] = {
      {"", "no JSON"},
      {"[]", "no JSON object"},
      {"{}", "type ''"},
      {R"({"type":"dance"})", "dance"},
      {R"({"type":"hello","version":2,"relay":"a","run":"r","host":""})", "version"},
      {R"({"type":"hello","version":1,"relay":"a","run":5,"host":""})", "run"},
      {R"({"type":"stream","stream":-1,"key":"a","labels":{},"offset":"0","line":"0"})", "stream"},
      {R"({"type":"stream","stream":1,"key":"A b","labels":{},"offset":"0","line":"0","acknowledged_offset":"0","acknowledged_line":"0"})",
       "key"},
      {R"({"type":"stream","stream":1,"key":"a","labels":{"a b":"c"},"offset":"0","line":"0"})", "labels"},
      {R"({"type":"stream","stream":1,"key":"a","labels":{"a":1},"offset":"0","line":"0"})", "labels"},
      {R"({"type":"end","stream":1,"offset":"-1","line":"0"})", "offset"},
      {R"({"type":"end","stream":1,"offset":"1x","line":"0"})", "offset"},
      {R"({"type":"barrier_done","id":1})", "id"},
  };
  for (const auto& [text, what] : texts) {
    const auto message = decode_from_relay(text);
    ASSERT_FALSE(message) << text;
    EXPECT_THAT(message.error().cause, HasSubstr(what)) << text;
  }
  const std::pair<std::string, const char*> blocks[] = {
      {"bytes without a header", "header"},
      {"{}\nbytes", "stream"},
      {encode(RelayBlock{3, {5, 0}, {5, 0}, 0, {}, 0, false, false, ""}), "to_offset"},
      {encode(RelayBlock{3, {5, 2}, {6, 1}, 0, {}, 0, false, false, "a"}), "to_line"},
      {R"({"stream":1,"offset":"0","line":"0","to_offset":"1","to_line":"1","age_ns":"99999999999999999999"})"
       "\na",
       "age_ns"},
  };
  for (const auto& [message, what] : blocks) {
    const auto block = decode_block(message);
    ASSERT_FALSE(block) << message;
    EXPECT_THAT(block.error().cause, HasSubstr(what)) << message;
  }
}

TEST(RelayMessage, MembersOfNewerVersionsArePassedOver) {
  EXPECT_TRUE(decode_from_relay(R"({"type":"barrier_done","id":"1","more":[1]})"));
  EXPECT_TRUE(decode_from_engine(R"({"type":"ended","stream":1,"more":{}})"));
}

}  // namespace
}  // namespace telltale::sources
