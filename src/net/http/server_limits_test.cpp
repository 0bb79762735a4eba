// What clients must not do, and what they are told, over loopback sockets.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "net/testing/raw_socket.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using ::testing::HasSubstr;
using testing::RawResponse;
using testing::RawSocket;
using testing::TestServer;

struct Malformed {
  const char* name;
  std::string bytes;
  int status;
  const char* error;
};

std::ostream& operator<<(std::ostream& out, const Malformed& malformed) {
  return out << malformed.name;
}

class MalformedRequest : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedRequest, GetsAProblemAndIsClosed) {
  TestServer server;
  RawSocket client(server.port());
  client.send(GetParam().bytes);
  const RawResponse response = client.read_response();
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_THAT(response.body, HasSubstr(std::string("urn:telltale:error:") + GetParam().error));
  bool reset = true;
  EXPECT_TRUE(client.ends_silently(&reset));
  EXPECT_FALSE(reset);
}

Malformed bad(const char* name, std::string bytes) {
  return Malformed{name, std::move(bytes), 400, "malformed_request"};
}
Malformed bad_target(const char* name, const std::string& target) {
  return bad(name, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
}
Malformed bad_headers(const char* name, const std::string& headers) {
  return bad(name, "POST / HTTP/1.1\r\n" + headers + "\r\n\r\n");
}

INSTANTIATE_TEST_SUITE_P(
    Http, MalformedRequest,
    ::testing::Values(
        bad("Garbage", "\x16\x03\x01 what is this\r\n\r\n"), bad("NoVersion", "GET /\r\n\r\n"),
        bad("Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), bad("BareLineFeeds", "GET / HTTP/1.1\nHost: x\n\n"),
        bad("NoHost", "GET / HTTP/1.1\r\n\r\n"), bad("TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        bad("SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
        bad("NulInHeader", std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30)),
        bad_headers("LengthAndChunked", "Host: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"),
        bad_headers("ChunkedAndLength", "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3"),
        bad_headers("TwoLengths", "Host: x\r\nContent-Length: 3\r\nContent-Length: 4"),
        bad_headers("SameLengthTwice", "Host: x\r\nContent-Length: 3\r\nContent-Length: 3"),
        bad_headers("NegativeLength", "Host: x\r\nContent-Length: -1"), bad_headers("LengthWithPlus", "Host: x\r\nContent-Length: +3"),
        bad_headers("ChunkedTwice", "Host: x\r\nTransfer-Encoding: chunked, chunked"),
        bad_headers("UnknownEncoding", "Host: x\r\nTransfer-Encoding: gzip, chunked"),
        bad_headers("ObscuredEncoding", "Host: x\r\nTransfer-Encoding: xchunked"), bad_headers("FoldedHeader", "Host: x\r\nX-A: b\r\n c"),
        bad("ChunkedInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        bad("BadChunkSize", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        bad("ChunkTooLong", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
        bad_target("ParentSegment", "/a/../b"), bad_target("EncodedParent", "/a/%2e%2E/b"), bad_target("HalfEncodedParent", "/.%2e"),
        bad_target("EncodedSlashParent", "/a%2f..%2fb"), bad_target("EncodedNul", "/a%00b"), bad_target("EncodedNewline", "/a%0Ab"),
        bad_target("BadEscape", "/a%zz"), bad_target("CutEscape", "/a%4"), bad_target("InvalidUtf8", "/%ff"),
        bad_target("NulInQuery", "/?a=%00"), bad_target("Authority", "example.org:80"), bad_target("Fragment", "/a#b"),
        bad_target("StarForGet", "*"),
        Malformed{"HeadersTooLarge", "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + std::string(40'000, 'a') + "\r\n\r\n", 431, "header_too_large"},
        Malformed{"TargetTooLarge", "GET /" + std::string(40'000, 'a'), 431, "header_too_large"},
        Malformed{"BodyTooLarge", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413, "body_too_large"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ServerLimits, ATooLargeBodyIsAnsweredWhileTheClientStillSends) {
  ServerLimits limits;
  limits.max_body_bytes = 1000;
  TestServer server(limits);
  RawSocket client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "ffff\r\n" + std::string(0xffff, 'x') + "\r\n";
  for (int i = 0; i < 20; ++i) client.send(chunk);
  EXPECT_EQ(client.read_response().status, 413);
  client.shut_write();
  EXPECT_TRUE(client.ends_silently());
}

TEST(ServerLimits, BodiesUpToTheLimitAreTaken) {
  ServerLimits limits;
  limits.max_body_bytes = 300'000;
  TestServer server(limits);
  server.on_request = [](Request request, Responder respond) {
    respond(Response{200, "text/plain", std::to_string(request.body.size()), {}});
  };
  RawSocket client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
  EXPECT_EQ(client.read_response().body, "300000");
}

TEST(ServerLimits, ASlowRequestTimesOut) {
  ServerLimits limits;
  limits.request_timeout_ns = 30 * base::nanos_per_millisecond;
  TestServer server(limits);
  for (const std::string start :
       {"G", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"}) {
    RawSocket client(server.port());
    client.send(start);
    const RawResponse response = client.read_response();
    EXPECT_EQ(response.status, 408) << start;
    EXPECT_THAT(response.body, HasSubstr("urn:telltale:error:request_timeout"));
    bool reset = true;
    EXPECT_TRUE(client.ends_silently(&reset));
    EXPECT_FALSE(reset);
  }
}

TEST(ServerLimits, AnIdleConnectionIsClosed) {
  ServerLimits limits;
  limits.idle_timeout_ns = 300 * base::nanos_per_millisecond;
  TestServer server(limits);
  RawSocket never(server.port());
  RawSocket once(server.port());
  once.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(once.read_response().status, 200);
  EXPECT_TRUE(once.ends_silently());
  EXPECT_TRUE(never.ends_silently());
}

TEST(ServerLimits, AReaderThatStopsIsGivenUp) {
  ServerLimits limits;
  limits.idle_timeout_ns = 300 * base::nanos_per_millisecond;
  TestServer server(limits);
  server.on_request = [](Request, Responder respond) { respond(Response{200, "text/plain", std::string(50'000'000, 'x'), {}}); };
  RawSocket stuck(server.port(), 4096);
  stuck.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  // The stuck client reads nothing, yet the server lets it go: only then is the one connection of this loop the only one.
  while (true) {
    RawSocket probe(server.port());
    probe.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(probe.read_response(true).status, 200);
    if (server.metric("telltale_http_connections") <= 1) break;
  }
}

TEST(ServerLimits, ConnectionsBeyondTheLimitAreTold) {
  ServerLimits limits;
  limits.max_connections = 2;
  TestServer server(limits);
  std::vector<std::unique_ptr<RawSocket>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<RawSocket>(server.port()));
    clients.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(clients.back()->read_response().status, 200);
  }
  RawSocket third(server.port());
  third.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const RawResponse response = third.read_response();
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("urn:telltale:error:too_many_connections"));
  third.shut_write();
  EXPECT_TRUE(third.ends_silently());
  clients.clear();
  // Room again, as soon as the server has seen the two go.
  while (true) {
    RawSocket later(server.port());
    later.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    if (later.read_response().status == 200) break;
  }
}

TEST(ServerLimits, ACrowdIsToldAndNobodyIsDropped) {
  ServerLimits limits;
  limits.max_connections = 1;
  TestServer server(limits);
  RawSocket first(server.port());
  first.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.read_response().status, 200);
  std::vector<std::unique_ptr<RawSocket>> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(std::make_unique<RawSocket>(server.port()));
  for (auto& client : crowd) {
    EXPECT_EQ(client->read_response().status, 503);
    client.reset();
  }
}

TEST(ServerLimits, EmptyLinesBeforeARequestAreIgnored) {
  TestServer server;
  RawSocket client(server.port());
  client.send("\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_response().body, "GET /a ");
  EXPECT_EQ(client.read_response().body, "GET /b ");
}

TEST(ServerLimits, TheAbsoluteFormsAuthorityReplacesHost) {
  TestServer server;
  server.on_request = [](Request request, Responder respond) {
    respond(Response{200, "text/plain", std::string(request.header("host")) + request.path, {}});
  };
  RawSocket client(server.port());
  client.send("GET http://real:1/p HTTP/1.1\r\nHost: fake\r\n\r\n");
  EXPECT_EQ(client.read_response().body, "real:1/p");
}

}  // namespace
}  // namespace telltale::net
