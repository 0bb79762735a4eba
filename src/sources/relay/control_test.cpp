#include "sources/relay/control.h"

#include <gtest/gtest.h>

namespace telltale::sources {
namespace {

using Kind = ControlMessage::Kind;

TEST(ControlChannel, WhatAKilledStarterHadSentArrivesAlsoWhenItDidNotReadItsMessages) {
  auto ends = ControlChannel::make_pair().value();
  auto relay = std::move(ends.second);
  {
    auto starter = std::move(ends.first);
    ASSERT_TRUE(relay.send({.kind = Kind::state, .text = "no engine"}));
    ASSERT_TRUE(starter.send({.kind = Kind::group, .number = 17}));
    ASSERT_TRUE(starter.send({.kind = Kind::ungroup, .number = 17}));
  }
  auto first = relay.receive();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->message.kind, Kind::group);
  auto second = relay.receive();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message.kind, Kind::ungroup);
  EXPECT_FALSE(relay.receive());
}

}  // namespace
}  // namespace telltale::sources
