#include "net/http/server.h"

#include <gtest/gtest.h>

namespace telltale::net {
namespace {

class Nothing final : public Application {
 public:
  void handle(Request, Responder respond) override { respond(Response{}); }
  UpgradeDecision upgrade(const Request&) override { return Response{404, "text/plain", "", {}}; }
};

TEST(Server, StartsAndStops) {
  Nothing application;
  telemetry::Metrics metrics;
  const auto server = Server::create(ServerLimits{}, application, metrics);
  const auto port = server->listen(ListenAddress{}, std::nullopt);
  ASSERT_TRUE(port) << port.error().message();
  EXPECT_NE(*port, 0);
  server->stop(0);
}

}  // namespace
}  // namespace telltale::net
