#include "app/activity.h"

#include <optional>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"

namespace telltale::app {
namespace {

constexpr std::int64_t idle = 30 * base::nanos_per_second;

class Handler final : public net::WsHandler {
 public:
  void on_open(const std::shared_ptr<net::WsConnection>&) override {}
  void on_text(std::string_view) override {}
  void on_drained() override {}
  void on_close() override {}
};

// Keeps the responders: the requests are under way until the test answers.
class Inner final : public net::Application {
 public:
  void handle(net::Request, net::Responder respond) override { waiting.push_back(std::move(respond)); }
  net::UpgradeDecision upgrade(const net::Request& request) override {
    if (request.path == "/no") return net::problem({base::ErrorCode::route_not_found, "no", {}});
    return std::make_unique<Handler>();
  }
  void connection_closed(std::uint64_t connection) override { closed.push_back(connection); }
  std::vector<net::Responder> waiting;
  std::vector<std::uint64_t> closed;
};

class Runs final : public OpenRuns {
 public:
  bool has_open_runs() const override { return open; }
  bool open = false;
};

class ActivityTest : public testing::Test {
 protected:
  void ask() {
    status.reset();
    activity.handle({}, [this](net::Response response) { status = response.status; });
  }
  void pass(std::int64_t nanos) { clock.advance(nanos); }

  base::testing::ManualClock clock;
  Inner inner;
  Runs runs;
  Activity activity{inner, clock, &runs};
  std::optional<int> status;
};

TEST_F(ActivityTest, EndsWhenNothingWasUsedForTheTime) {
  pass(idle - 1);
  EXPECT_FALSE(activity.end_if_idle(idle));
  pass(1);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, ARequestCountsFromItsAnswer) {
  ask();
  pass(10 * idle);
  EXPECT_FALSE(activity.end_if_idle(idle));
  inner.waiting.at(0)({});
  inner.waiting.clear();
  EXPECT_EQ(status, 200);
  pass(idle - 1);
  EXPECT_FALSE(activity.end_if_idle(idle));
  pass(1);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, ARequestThatIsDroppedWithoutAnAnswerIsOverToo) {
  ask();
  inner.waiting.clear();
  pass(idle);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, AnOpenRunKeepsItAndTheTimeCountsFromItsEnd) {
  runs.open = true;
  pass(10 * idle);
  EXPECT_FALSE(activity.end_if_idle(idle));
  runs.open = false;
  EXPECT_FALSE(activity.end_if_idle(idle));
  pass(idle);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, WhatComesAfterTheEndIsRefused) {
  pass(idle);
  ASSERT_TRUE(activity.end_if_idle(idle));
  ask();
  EXPECT_EQ(status, 503);
  EXPECT_TRUE(inner.waiting.empty());
  EXPECT_EQ(std::get<net::Response>(activity.upgrade({})).status, 503);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, AWebSocketCountsWhenSomethingGoesOverIt) {
  auto decision = activity.upgrade({});
  auto& handler = std::get<std::unique_ptr<net::WsHandler>>(decision);
  const std::vector<std::function<void()>> uses = {[&] { handler->on_open(nullptr); }, [&] { handler->on_text("ping"); },
                                                   [&] { handler->on_drained(); }, [&] { handler->on_close(); }};
  for (const auto& use : uses) {
    pass(idle - 1);
    use();
    pass(1);
    EXPECT_FALSE(activity.end_if_idle(idle));
  }
  pass(idle);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, ARelayCountsWhileItIsConnectedHoweverSilent) {
  net::Request request;
  request.path = "/api/v1/relay";
  auto decision = activity.upgrade(request);
  auto handler = std::move(std::get<std::unique_ptr<net::WsHandler>>(decision));
  clock.advance(100 * idle);
  EXPECT_FALSE(activity.end_if_idle(idle));
  handler->on_close();
  EXPECT_FALSE(activity.end_if_idle(idle)) << "the time counts from its end";
  clock.advance(idle);
  EXPECT_TRUE(activity.end_if_idle(idle));
}

TEST_F(ActivityTest, RefusalsAndClosedConnectionsArePassedOn) {
  net::Request request;
  request.path = "/no";
  EXPECT_EQ(std::get<net::Response>(activity.upgrade(request)).status, 404);
  activity.connection_closed(7);
  EXPECT_EQ(inner.closed, std::vector<std::uint64_t>{7});
}

}  // namespace
}  // namespace telltale::app
