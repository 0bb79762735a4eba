// The client that keeps its connection.
#include <memory>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "net/http/client.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using base::ErrorCode;
using testing::TestServer;

constexpr std::int64_t patience = 20 * base::nanos_per_second;

std::string body_of(const base::Result<Response>& response) {
  return response ? response->body : response.error().message();
}

TEST(KeepAliveClient, SendsAllRequestsOverOneConnection) {
  TestServer server;
  std::set<std::uint64_t> connections;
  server.on_request = [&](Request request, Responder respond) {
    connections.insert(request.connection);
    respond(Response{request.path == "/none" ? 204 : 200, "text/plain", request.method + request.path + request.body, {}});
  };
  const auto client = HttpClient::create(server.url());
  EXPECT_FALSE(client->connected());
  EXPECT_EQ(client->connections(), 0U);
  const std::string large(300'000, 'x');
  EXPECT_EQ(body_of(client->request("POST", "/a?b=1", {{"X-A", "1"}}, large, patience)), "POST/a" + large);
  EXPECT_EQ(body_of(client->request("GET", "/none", {}, {}, patience)), "");
  EXPECT_EQ(body_of(client->request("HEAD", "/h", {}, {}, patience)), "");
  EXPECT_EQ(body_of(client->request("GET", "/b", {}, {}, patience)), "GET/b");
  EXPECT_TRUE(client->connected());
  EXPECT_EQ(client->connections(), 1U);
  server.stop();
  EXPECT_EQ(connections.size(), 1U);
}

TEST(KeepAliveClient, ConnectsAnewWhenTheServerClosed) {
  ServerLimits limits;
  limits.idle_timeout_ns = 30 * base::nanos_per_millisecond;
  TestServer server(limits);
  const auto client = HttpClient::create(server.url());
  ASSERT_TRUE(client->request("POST", "/", {}, {}, patience));
  while (client->connected()) continue;
  EXPECT_EQ(body_of(client->request("POST", "/again", {}, "x", patience)), "POST /again x");
  EXPECT_EQ(client->connections(), 2U);
}

TEST(KeepAliveClient, TheServerMayAskForTheEnd) {
  TestServer server;
  const auto client = HttpClient::create(server.url());
  EXPECT_TRUE(client->request("GET", "/", {{"Connection", "close"}}, {}, patience));
  EXPECT_FALSE(client->connected());
  EXPECT_TRUE(client->request("GET", "/", {}, {}, patience));
  EXPECT_EQ(client->connections(), 2U);
}

// A request that meets a server which vanishes with it.
class Vanishing : public ::testing::Test {
 protected:
  Vanishing() {
    first_ = std::make_unique<TestServer>();
    client_ = HttpClient::create(first_->url());
    EXPECT_TRUE(client_->request("GET", "/", {}, {}, patience));
    first_->on_request = [this](Request, Responder respond) {
      kept_.push_back(std::move(respond));
      came_.release();
    };
  }
  ~Vanishing() override { came_.release(); }
  std::unique_ptr<TestServer> first_;
  std::unique_ptr<HttpClient> client_;
  std::vector<Responder> kept_;
  std::counting_semaphore<> came_{0};
  // The server cannot wait for its own thread.
  std::jthread stopper_{[this] {
    came_.acquire();
    first_->stop();
  }};
};

TEST_F(Vanishing, APostIsNotRepeated) {
  const auto lost = client_->request("POST", "/", {}, "event", patience);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::connection_lost);
  EXPECT_FALSE(client_->connected());
}

TEST_F(Vanishing, AGetIsRepeatedOverANewConnection) {
  const auto refused = client_->request("GET", "/", {}, {}, patience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::connection_failed);  // nobody listens there any more
}

TEST(KeepAliveClient, AnAnswerThatCameTooLateIsNotTakenForTheNext) {
  TestServer server;
  Responder late;
  server.on_request = [&](Request request, Responder respond) {
    if (request.path == "/late") {
      late = std::move(respond);
    } else {
      respond(Response{200, "text/plain", request.path, {}});
    }
  };
  const auto client = HttpClient::create(server.url());
  ASSERT_TRUE(client->request("GET", "/first", {}, {}, patience));
  const auto nothing = client->request("GET", "/late", {}, {}, 30 * base::nanos_per_millisecond);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::timeout);
  EXPECT_EQ(body_of(client->request("GET", "/next", {}, {}, patience)), "/next");
  server.stop();
}

TEST(KeepAliveClient, SaysWhatCannotBeSent) {
  TestServer server;
  const auto client = HttpClient::create(server.url());
  for (const char* target : {"/a b", "/a\r\nX-Evil: 1"}) {
    const auto refused = client->request("GET", target, {}, {}, patience);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(client->connections(), 0U);
}

}  // namespace
}  // namespace telltale::net
