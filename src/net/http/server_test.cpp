// Requests and their documented answers, over loopback sockets.
#include "net/http/server.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/testing/raw_socket.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using ::testing::HasSubstr;
using testing::RawSocket;
using ::testing::StartsWith;
using testing::TestServer;

std::string get(std::string_view path, std::string_view more_headers = {}) {
  return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(more_headers).append("\r\n");
}

TEST(Server, AnswersWithLengthAndNosniffAndWithoutNamingItself) {
  TestServer server;
  RawSocket client(server.port());
  client.send(get("/hello"));
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "GET /hello ");
  EXPECT_EQ(response.headers.at("content-type"), "text/plain");
  EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
  EXPECT_TRUE(response.headers.contains("date"));
  EXPECT_FALSE(response.headers.contains("server"));
}

TEST(Server, TellsTheApplicationWhereARequestCameFrom) {
  TestServer server;
  server.on_request = [&](Request request, Responder respond) {
    EXPECT_THAT(request.remote, StartsWith("127.0.0.1:"));
    EXPECT_EQ(request.local_port, server.port());
    EXPECT_FALSE(request.tls);
    EXPECT_EQ(request.header("x-mixed"), "Case");
    EXPECT_EQ(request.parameter("q"), "a b");
    EXPECT_EQ(request.parameter("missing"), std::nullopt);
    respond(Response{});
  };
  RawSocket client(server.port());
  client.send(get("/x?q=a+b&q=second", "X-Mixed: Case\r\n"));
  EXPECT_EQ(client.read_response().status, 200);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  RawSocket client(server.port());
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += get("/" + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.read_response().body, "GET /" + std::to_string(i) + " ");
}

TEST(Server, PipelinedRequestsReachTheApplicationOneAtATime) {
  TestServer server;
  std::vector<std::jthread> threads;
  std::atomic<int> inside{0};
  server.on_request = [&](Request request, Responder respond) {
    EXPECT_EQ(inside.fetch_add(1), 0);
    threads.emplace_back([&, path = request.path, respond] {
      inside.fetch_sub(1);
      respond(Response{200, "text/plain", path, {}});
    });
  };
  RawSocket client(server.port());
  client.send(get("/a") + get("/b") + get("/c"));
  EXPECT_EQ(client.read_response().body, "/a");
  EXPECT_EQ(client.read_response().body, "/b");
  EXPECT_EQ(client.read_response().body, "/c");
  server.stop();
}

TEST(Server, ReadsChunkedBodies) {
  TestServer server;
  RawSocket client(server.port());
  client.send("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nHost: evil\r\n\r\n");
  EXPECT_EQ(client.read_response().body, "POST /c abcde");
}

TEST(Server, ReadsAnEmptyChunkedBodyThatComesByteByByte) {
  TestServer server;
  RawSocket client(server.port());
  client.send("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : std::string("0\r\n\r\n")) client.send(std::string(1, c));
  EXPECT_EQ(client.read_response().body, "POST /c ");
}

TEST(Server, AnswersHeadWithoutABody) {
  TestServer server;
  RawSocket client(server.port());
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
  const auto head = client.read_response(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(std::string("HEAD /h ").size()));
  EXPECT_EQ(client.read_response().body, "GET /next ");
}

TEST(Server, AsksForTheBodyWhenTheClientWaitsForThat) {
  TestServer server;
  RawSocket client(server.port());
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.read_response().body, "POST /e hello");
}

TEST(Server, RefusesATooLargeBodyBeforeItIsSent) {
  ServerLimits limits;
  limits.max_body_bytes = 10;
  TestServer server(limits);
  RawSocket client(server.port());
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 413);
}

TEST(Server, AnswersAClientThatShutItsSide) {
  TestServer server;
  std::jthread worker;
  server.on_request = [&](Request, Responder respond) {
    worker = std::jthread([respond] { respond(Response{200, "text/plain", "still answered", {}}); });
  };
  RawSocket client(server.port());
  client.send(get("/half"));
  client.shut_write();
  EXPECT_EQ(client.read_response().body, "still answered");
  EXPECT_TRUE(client.ends_silently());
  server.stop();
}

TEST(Server, ClosesWhenHttp10DoesNotAskForMore) {
  TestServer server;
  RawSocket client(server.port());
  client.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), HasSubstr("Connection: close\r\n"));
}

TEST(Server, KeepsHttp10OpenOnRequest) {
  TestServer server;
  RawSocket client(server.port());
  client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.read_response().headers.at("connection"), "keep-alive");
  client.send(get("/2", "Connection: close\r\n"));
  EXPECT_EQ(client.read_response().headers.at("connection"), "close");
  EXPECT_TRUE(client.ends_silently());
}

TEST(Server, SendsLargeBodiesWhole) {
  TestServer server;
  const std::string large(5'000'000, 'x');
  server.on_request = [&](Request, Responder respond) { respond(Response{200, "text/plain", large, {}}); };
  RawSocket client(server.port(), 4096);
  client.send(get("/large", "Connection: close\r\n"));
  EXPECT_EQ(client.read_response().body, large);
  server.stop();
}

TEST(Server, ADroppedResponderAnswers500) {
  TestServer server;
  server.on_request = [](Request, Responder) {};
  RawSocket client(server.port());
  client.send(get("/"));
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
  EXPECT_THAT(response.body, HasSubstr("urn:telltale:error:internal"));
}

TEST(Server, AnApplicationThatThrowsAnswers500) {
  TestServer server;
  server.on_request = [](Request, Responder) { throw std::runtime_error("a bug"); };
  RawSocket client(server.port());
  client.send(get("/") + get("/"));
  EXPECT_EQ(client.read_response().status, 500);
  EXPECT_EQ(client.read_response().status, 500);
}

TEST(Server, OnlyTheFirstAnswerCounts) {
  TestServer server;
  server.on_request = [](Request, Responder respond) {
    respond(Response{200, "text/plain", "first", {}});
    respond(Response{200, "text/plain", "second", {}});
  };
  RawSocket client(server.port());
  client.send(get("/", "Connection: close\r\n"));
  EXPECT_EQ(client.read_response().body, "first");
  EXPECT_TRUE(client.ends_silently());
}

TEST(Server, AnAnswerCannotSmuggleHeaders) {
  TestServer server;
  server.on_request = [](Request, Responder respond) {
    respond(Response{200, "text/plain", "", {{"X-A", "b\r\nX-Evil: 1"}, {"Content-Length", "7"}, {"X-Good", "1"}}});
  };
  RawSocket client(server.port());
  client.send(get("/"));
  const auto response = client.read_response();
  EXPECT_FALSE(response.headers.contains("x-evil"));
  EXPECT_EQ(response.headers.at("content-length"), "0");
  EXPECT_EQ(response.headers.at("x-good"), "1");
}

TEST(Server, ServesSeveralPorts) {
  TestServer server;
  const auto second = server.server().listen(ListenAddress{}, std::nullopt);
  ASSERT_TRUE(second);
  server.on_request = [](Request request, Responder respond) {
    respond(Response{200, "text/plain", std::to_string(request.local_port), {}});
  };
  for (const std::uint16_t port : {server.port(), *second}) {
    RawSocket client(port);
    client.send(get("/"));
    EXPECT_EQ(client.read_response().body, std::to_string(port));
  }
}

TEST(Server, SaysWhyItCannotListen) {
  TestServer server;
  const auto taken = server.server().listen(ListenAddress{"127.0.0.1", server.port()}, std::nullopt);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::ErrorCode::address_in_use);
  EXPECT_THAT(taken.error().cause, HasSubstr(std::to_string(server.port())));
  const auto foreign = server.server().listen(ListenAddress{"192.0.2.1", 0}, std::nullopt);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, base::ErrorCode::address_invalid);
  const auto name = server.server().listen(ListenAddress{"no address", 0}, std::nullopt);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, base::ErrorCode::address_invalid);
}

TEST(Server, CountsRequestsByClass) {
  TestServer server;
  RawSocket client(server.port());
  client.send(get("/") + get("/") + get("/%"));
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(server.metric("telltale_http_connections"), 1);
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(client.read_response().status, 400);
  EXPECT_EQ(server.metric("telltale_http_requests_total{code=\"2xx\"}"), 2);
  EXPECT_EQ(server.metric("telltale_http_requests_total{code=\"4xx\"}"), 1);
}

TEST(Server, StopAnswersWhatIsUnderWayAndClosesTheRest) {
  TestServer server;
  Responder kept;
  base::Mutex mutex;
  base::Condition arrived;
  server.on_request = [&](Request, Responder respond) {
    base::MutexLock lock(mutex);
    kept = std::move(respond);
    arrived.notify_all();
  };
  RawSocket idle(server.port());
  RawSocket busy(server.port());
  busy.send(get("/slow"));
  {
    base::MutexLock lock(mutex);
    while (!kept) arrived.wait(mutex);
  }
  std::jthread stopper([&] { server.server().stop(20 * base::nanos_per_second); });
  EXPECT_TRUE(idle.ends_silently());
  kept(Response{200, "text/plain", "finished", {}});
  const auto response = busy.read_response();
  EXPECT_EQ(response.body, "finished");
  EXPECT_EQ(response.headers.at("connection"), "close");
}

TEST(Server, StopDoesNotWaitBeyondItsGrace) {
  auto server = std::make_unique<TestServer>();
  Responder kept;
  base::Mutex mutex;
  base::Condition arrived;
  server->on_request = [&](Request, Responder respond) {
    base::MutexLock lock(mutex);
    kept = std::move(respond);
    arrived.notify_all();
  };
  RawSocket client(server->port());
  client.send(get("/never"));
  {
    base::MutexLock lock(mutex);
    while (!kept) arrived.wait(mutex);
  }
  server->server().stop(10 * base::nanos_per_millisecond);
  EXPECT_TRUE(client.ends_silently());
  server.reset();
  kept(Response{});  // an answer after the server's end goes nowhere
}

}  // namespace
}  // namespace telltale::net
