// The blocking clients, and TLS on both sides.
#include "net/http/client.h"

#include <cstdlib>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "net/testing/raw_socket.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using testing::RawSocket;
using testing::TestServer;

constexpr std::int64_t patience = 20 * base::nanos_per_second;

TEST(HttpClient, SendsHeadersAndBody) {
  TestServer server;
  server.on_request = [](Request request, Responder respond) {
    respond(Response{201, "text/plain", std::string(request.header("x-a")) + request.body + request.method, {{"X-Back", "1"}}});
  };
  const auto response = http_request(server.url("/p?q=1"), "PUT", {{"X-A", "a"}}, "body", patience);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->content_type, "text/plain");
  EXPECT_EQ(response->body, "abodyPUT");
  EXPECT_THAT(response->headers, ::testing::Contains(::testing::Pair("x-back", "1")));
}

TEST(HttpClient, ReadsAnswersWithoutABody) {
  TestServer server;
  server.on_request = [](Request request, Responder respond) {
    respond(Response{request.path == "/none" ? 204 : 200, "text/plain", "body", {}});
  };
  EXPECT_EQ(http_request(server.url("/"), "HEAD", {}, {}, patience).value_or(Response{}).body, "");
  const auto none = http_request(server.url("/none"), "GET", {}, {}, patience);
  ASSERT_TRUE(none) << none.error().message();
  EXPECT_EQ(none->status, 204);
  EXPECT_EQ(none->body, "");
}

TEST(HttpClient, ReadsTheAnswerToARefusedBody) {
  ServerLimits limits;
  limits.max_body_bytes = 100;
  TestServer server(limits);
  const auto response = http_request(server.url(), "POST", {}, std::string(1'000'000, 'x'), patience);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 413);
}

TEST(HttpClient, SaysWhatWentWrong) {
  std::uint16_t free_port = 0;
  {
    TestServer gone;
    free_port = gone.port();
  }
  const auto refused = http_request(Url{"http", "127.0.0.1", free_port, "/"}, "GET", {}, {}, patience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::connection_failed);
  EXPECT_THAT(refused.error().cause, HasSubstr(std::to_string(free_port)));

  TestServer server;
  const auto evil = http_request(server.url(), "GET", {{"X-A", "b\r\nX-Evil: 1"}}, {}, patience);
  ASSERT_FALSE(evil);
  EXPECT_EQ(evil.error().code, ErrorCode::invalid_argument);
}

TEST(HttpClient, GivesUpWhenTheTimePassed) {
  TestServer server;
  Responder kept;
  server.on_request = [&](Request, Responder respond) { kept = std::move(respond); };
  const auto response = http_request(server.url(), "GET", {}, {}, 30 * base::nanos_per_millisecond);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::timeout);
  server.stop();
}

TEST(WsClientTest, StaysUsableAfterATimeout) {
  TestServer server;
  auto client = WsClient::connect(server.url("/", "ws"), {}, patience);
  ASSERT_TRUE(client);
  const auto nothing = (*client)->receive(10 * base::nanos_per_millisecond);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::timeout);
  ASSERT_TRUE((*client)->send("still here"));
  EXPECT_EQ((*client)->receive(patience).value_or(std::nullopt), "still here");
}

TEST(WsClientTest, ToldWhenTheServerVanishes) {
  auto server = std::make_unique<TestServer>();
  auto client = WsClient::connect(server->url("/", "ws"), {}, patience);
  ASSERT_TRUE(client);
  server.reset();
  const auto end = (*client)->receive(patience);
  // With no grace the close frame may or may not have left before the end.
  if (end) {
    EXPECT_EQ(*end, std::nullopt);
  } else {
    EXPECT_EQ(end.error().code, ErrorCode::connection_lost);
  }
  EXPECT_FALSE((*client)->send("anyone?"));
}

class Tls : public ::testing::Test {
 protected:
  // OpenSSL's default paths come from the environment: the clients of this test trust its certificate and no other.
  void SetUp() override { ASSERT_EQ(::setenv("SSL_CERT_FILE", files_.certificate.c_str(), 1), 0); }
  void TearDown() override { ::unsetenv("SSL_CERT_FILE"); }

  const TlsFiles files_ = testing::write_test_certificate(testing::make_test_folder());
};

TEST_F(Tls, CarriesRequestsAndWebSockets) {
  TestServer server({}, files_);
  const std::string large(1'000'000, 'x');
  const auto response = http_request(server.url("/echo", "https"), "POST", {}, large, patience);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body, "POST /echo " + large);
  auto client = WsClient::connect(server.url("/", "wss"), {}, patience);
  ASSERT_TRUE(client) << client.error().message();
  ASSERT_TRUE((*client)->send(large));
  EXPECT_EQ((*client)->receive(patience).value_or(std::nullopt), large);
}

TEST_F(Tls, TheCertificateMustBeForTheHost) {
  TestServer server({}, files_);
  Url url = server.url("/", "https");
  url.host = "127.0.0.2";  // the same server under an address that is not in the certificate
  const auto second = server.server().listen(ListenAddress{"127.0.0.2", 0}, files_);
  ASSERT_TRUE(second);
  url.port = *second;
  const auto response = http_request(url, "GET", {}, {}, patience);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::tls_failed);
}

TEST_F(Tls, AnUnknownAuthorityIsRefused) {
  TestServer server({}, files_);
  const TlsFiles other = testing::write_test_certificate(testing::make_test_folder());
  ASSERT_EQ(::setenv("SSL_CERT_FILE", other.certificate.c_str(), 1), 0);
  const auto response = http_request(server.url("/", "https"), "GET", {}, {}, patience);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::tls_failed);
}

TEST_F(Tls, PlainHttpIsClosedCleanly) {
  TestServer server({}, files_);
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shut_write();
  static_cast<void>(client.read_to_end());  // a TLS alert at most; read_to_end fails on a reset
  EXPECT_EQ(http_request(server.url("/", "https"), "GET", {}, {}, patience).value_or(Response{0, "", "", {}}).status, 200);
}

TEST_F(Tls, AHandshakeThatDoesNotComeIsClosed) {
  ServerLimits limits;
  limits.request_timeout_ns = 30 * base::nanos_per_millisecond;
  TestServer server(limits, files_);
  RawSocket client(server.port());
  EXPECT_TRUE(client.ends_silently());
}

TEST_F(Tls, SaysWhichFileCannotBeUsed) {
  TestServer server;
  const auto missing = server.server().listen(ListenAddress{}, TlsFiles{"/nowhere/cert.pem", files_.key});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::tls_failed);
  EXPECT_THAT(missing.error().cause, HasSubstr("/nowhere/cert.pem"));
  const TlsFiles other = testing::write_test_certificate(testing::make_test_folder());
  const auto foreign_key = server.server().listen(ListenAddress{}, TlsFiles{files_.certificate, other.key});
  ASSERT_FALSE(foreign_key);
  EXPECT_THAT(foreign_key.error().cause, HasSubstr(other.key));
}

}  // namespace
}  // namespace telltale::net
