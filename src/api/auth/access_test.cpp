#include "api/auth/access.h"

#include <gtest/gtest.h>

namespace telltale::api {
namespace {

using base::ErrorCode;

net::Request request_with(net::Headers headers) {
  net::Request request;
  request.headers = std::move(headers);
  return request;
}

class AccessTest : public testing::Test {
 protected:
  ErrorCode refusal(net::Headers headers) const {
    const auto status = access_.check_site(request_with(std::move(headers)));
    return status ? ErrorCode::internal : status.error().code;
  }
  bool accepted(net::Headers headers) const { return access_.check_site(request_with(std::move(headers))).has_value(); }

  EngineToken tokens_{"s3cret"};
  Access access_{{"logs.example.test"}, {"https://ui.example.test"}, true, tokens_};
};

TEST_F(AccessTest, TheHostIsAnAddressLocalhostOrAnAllowedName) {
  for (const char* host : {"127.0.0.1:8765", "127.0.0.1", "[::1]:8765", "localhost:8765", "LOCALHOST", "10.1.2.3", "logs.example.test:8765",
                           "Logs.Example.Test", "localhost.:8765"}) {
    EXPECT_TRUE(accepted({{"host", host}})) << host;
  }
  for (const char* host :
       {"", "evil.test", "evil.test:8765", "localhost.evil.test", "127.0.0.1.evil.test", "[::1", "[evil]:80", "1.2.3", ":80"}) {
    EXPECT_EQ(refusal({{"host", host}}), ErrorCode::foreign_host) << host;
  }
  EXPECT_EQ(refusal({}), ErrorCode::foreign_host);
}

TEST_F(AccessTest, TheOriginIsMissingTheSameOrAllowed) {
  EXPECT_TRUE(accepted({{"host", "127.0.0.1:8765"}, {"origin", "http://127.0.0.1:8765"}}));
  EXPECT_TRUE(accepted({{"host", "localhost:8765"}, {"origin", "https://localhost:8765"}}));
  EXPECT_TRUE(accepted({{"host", "127.0.0.1:8765"}, {"origin", "https://ui.example.test"}}));
  for (const char* origin : {"http://evil.test", "null", "http://127.0.0.1:9999", "http://127.0.0.1", "https://ui.example.test:444",
                             "file://127.0.0.1:8765", "127.0.0.1:8765"}) {
    EXPECT_EQ(refusal({{"host", "127.0.0.1:8765"}, {"origin", origin}}), ErrorCode::foreign_origin) << origin;
  }
}

TEST_F(AccessTest, OnlyListedOriginsAreNamedForReading) {
  EXPECT_EQ(access_.allowed_foreign_origin(request_with({{"origin", "https://ui.example.test"}})), "https://ui.example.test");
  EXPECT_EQ(access_.allowed_foreign_origin(request_with({{"origin", "http://evil.test"}})), std::nullopt);
}

TEST_F(AccessTest, TheTokenIsABearerHeader) {
  const auto principal = access_.authenticate(request_with({{"authorization", "Bearer s3cret"}}), TokenPlaces::header);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->roles, Role::admin);
  EXPECT_TRUE(access_.authenticate(request_with({{"authorization", "bearer  s3cret "}}), TokenPlaces::header));
  for (const char* value : {"", "Bearer", "Bearer ", "Bearer wrong", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret"}) {
    const auto refused = access_.authenticate(request_with({{"authorization", value}}), TokenPlaces::header);
    ASSERT_FALSE(refused) << value;
    EXPECT_EQ(refused.error().code, ErrorCode::unauthorized);
  }
}

TEST_F(AccessTest, UpgradesMayCarryItAsProtocolOrParameter) {
  net::Request protocol = request_with({{"sec-websocket-protocol", "telltale, bearer.s3cret"}});
  EXPECT_TRUE(access_.authenticate(protocol, TokenPlaces::header_protocol_or_query));
  EXPECT_FALSE(access_.authenticate(protocol, TokenPlaces::header));
  net::Request query;
  query.query = {{"token", "s3cret"}};
  EXPECT_TRUE(access_.authenticate(query, TokenPlaces::header_protocol_or_query));
  EXPECT_FALSE(access_.authenticate(query, TokenPlaces::header));
}

TEST_F(AccessTest, WithoutRequiredTokenEverybodyIsAdmin) {
  const Access open({}, {}, false, tokens_);
  const auto principal = open.authenticate({}, TokenPlaces::header);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->roles, Role::admin);
  EXPECT_FALSE(open.check_site(request_with({{"host", "evil.test"}})));
}

TEST(EngineTokenTest, AnEmptyTokenOpensNothingAndOthersAreAsked) {
  EXPECT_FALSE(EngineToken("").check("").has_value());
  const EngineToken others("other");
  const EngineToken own("own", &others);
  EXPECT_TRUE(own.check("own").has_value());
  EXPECT_TRUE(own.check("other").has_value());
  EXPECT_FALSE(own.check("third").has_value());
}

TEST(Roles, AllowWhatTheyAreFor) {
  EXPECT_TRUE(Roles(Role::admin).allow(Role::ingester));
  EXPECT_TRUE(Roles(Role::analyst).allow(Role::viewer));
  EXPECT_FALSE(Roles(Role::ingester).allow(Role::viewer));
  EXPECT_FALSE(Roles(Role::viewer).allow(Role::analyst));
  EXPECT_EQ(parse_role("ingester"), Role::ingester);
  EXPECT_EQ(parse_role("root"), std::nullopt);
}

TEST(Roles, ATokenMayHaveSeveral) {
  const auto runner = parse_roles("viewer,ingester");
  ASSERT_TRUE(runner);
  EXPECT_EQ(*runner, Roles(Role::ingester).add(Role::viewer));
  EXPECT_EQ(runner->names(), "viewer,ingester");
  EXPECT_TRUE(runner->allow(Role::viewer));
  EXPECT_TRUE(runner->allow(Role::ingester));
  EXPECT_FALSE(runner->allow(Role::analyst));
  EXPECT_FALSE(runner->allow(Role::admin));
  EXPECT_EQ(parse_roles("admin")->names(), "admin");
  for (const std::string_view wrong : {"", "viewer,", ",", "viewer,root", "viewer ingester"}) EXPECT_FALSE(parse_roles(wrong)) << wrong;
}

TEST(LoopbackPeer, IsOnThisMachine) {
  for (const char* peer : {"127.0.0.1:5000", "127.8.9.1:1", "[::1]:5000", "::1:5000", "[::ffff:127.0.0.1]:5000"}) {
    EXPECT_TRUE(is_loopback_peer(peer)) << peer;
  }
  for (const char* peer : {"10.0.0.1:5000", "[fe80::1]:5000", "", "127.evil.test:80", "[::ffff:10.0.0.1]:1"})
    EXPECT_FALSE(is_loopback_peer(peer)) << peer;
}

TEST(Protocol, TelltaleIsPreferred) {
  EXPECT_EQ(chosen_protocol(request_with({{"sec-websocket-protocol", "bearer.x,telltale"}})), "telltale");
  EXPECT_EQ(chosen_protocol(request_with({{"sec-websocket-protocol", "chat"}, {"sec-websocket-protocol", "bearer.x"}})), "bearer.x");
  EXPECT_EQ(chosen_protocol(request_with({})), "");
}

}  // namespace
}  // namespace telltale::api
