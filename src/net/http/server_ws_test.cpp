// WebSocket connections of a server, over loopback sockets.
#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "base/clock.h"
#include "net/testing/raw_socket.h"
#include "net/testing/test_server.h"
#include "net/ws/frame.h"
#include "net/ws/frame_reader.h"

namespace telltale::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RawSocket;
using testing::recording_handler;
using testing::TestServer;
using testing::upgrade_request;
using testing::WsRecord;

constexpr std::int64_t patience = 20 * base::nanos_per_second;
constexpr std::array<std::uint8_t, 4> mask = {0x37, 0xfa, 0x21, 0x3d};

std::string masked(WsOpcode opcode, std::string_view payload) {
  std::string frame;
  append_ws_masked_frame(frame, opcode, payload, mask);
  return frame;
}

// The close code of the next frame, which must be a close frame.
std::uint16_t read_close(RawSocket& client) {
  const std::string head = client.read_exactly(2);
  EXPECT_EQ(head[0], '\x88');
  const std::string payload = client.read_exactly(static_cast<std::size_t>(head[1]));
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 | static_cast<std::uint8_t>(payload[1]));
}

// A server whose first WebSocket is recorded.
struct RecordedServer {
  explicit RecordedServer(const ServerLimits& limits = {}, bool echo = false) : server(limits) {
    server.on_upgrade = [this, echo](const Request&) { return recording_handler(record, echo); };
  }
  ~RecordedServer() { server.stop(); }
  std::unique_ptr<WsClient> connect() {
    auto client = WsClient::connect(server.url("/", "ws"), {}, patience);
    EXPECT_TRUE(client) << (client ? "" : client.error().message());
    return client ? std::move(*client) : nullptr;
  }
  TestServer server;
  std::shared_ptr<WsRecord> record = std::make_shared<WsRecord>();  // the handler owns it too
};

TEST(WsServer, AnswersTheHandshakeOfTheRfc) {
  TestServer server;
  RawSocket client(server.port());
  client.send(upgrade_request());
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.headers.at("sec-websocket-accept"), testing::example_accept);
}

TEST(WsServer, EchoesMessages) {
  TestServer server;
  auto client = WsClient::connect(server.url("/", "ws"), {}, patience);
  ASSERT_TRUE(client) << client.error().message();
  for (const std::size_t size : {0, 1, 125, 126, 65'535, 65'536, 1'000'000}) {
    const std::string message(size, 'm');
    ASSERT_TRUE((*client)->send(message));
    const auto answer = (*client)->receive(patience);
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(*answer, message);
  }
}

TEST(WsServer, ReadsWhatComesTogetherWithTheHandshake) {
  TestServer server;
  RawSocket client(server.port());
  client.send(upgrade_request() + masked(WsOpcode::text, "early"));
  EXPECT_EQ(client.read_response().status, 101);
  EXPECT_EQ(client.read_exactly(7),
            "\x81\x05"
            "early");
}

TEST(WsServer, RefusesHandshakesThatAreWrong) {
  TestServer server;
  const auto status_of = [&](std::string request, std::string_view from, std::string_view to) {
    request.replace(request.find(from), from.size(), to);
    RawSocket client(server.port());
    client.send(request);
    return client.read_response().status;
  };
  EXPECT_EQ(status_of(upgrade_request(), "Version: 13", "Version: 8"), 426);
  EXPECT_EQ(status_of(upgrade_request(), "dGhlIHNhbXBsZSBub25jZQ==", "short"), 400);
  EXPECT_EQ(status_of(upgrade_request(), "GET", "PUT"), 400);
  EXPECT_EQ(status_of(upgrade_request(), "Upgrade: websocket", "Upgrade: h2c"), 200);  // an ordinary request then
}

TEST(WsServer, TheApplicationMayRefuse) {
  TestServer server;
  server.on_upgrade = [](const Request&) { return problem({base::ErrorCode::unauthorized, "the token is missing", {}}); };
  const auto client = WsClient::connect(server.url("/", "ws"), {}, patience);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, base::ErrorCode::unauthorized);
  EXPECT_THAT(client.error().cause, HasSubstr("the token is missing"));
}

TEST(WsServer, PutsFragmentsTogetherAndAnswersPingsBetweenThem) {
  TestServer server;
  RawSocket client(server.port());
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  std::string first = masked(WsOpcode::text, "frag");
  first[0] = '\x01';  // no FIN
  client.send(first + masked(WsOpcode::ping, "hi") + masked(WsOpcode::continuation, "ment"));
  const std::string answer = client.read_exactly(4 + 10);
  EXPECT_THAT(answer, HasSubstr("\x8a\x02hi"));
  EXPECT_THAT(answer, HasSubstr("\x81\x08"
                                "fragment"));
}

struct Violation {
  const char* name;
  std::string frame;
  std::uint16_t code;
};
std::ostream& operator<<(std::ostream& out, const Violation& violation) {
  return out << violation.name;
}

class WsViolation : public ::testing::TestWithParam<Violation> {};

TEST_P(WsViolation, IsAnsweredWithItsCode) {
  ServerLimits limits;
  limits.max_message_bytes = 1000;
  RecordedServer recorded(limits);
  RawSocket client(recorded.server.port());
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  client.send(GetParam().frame);
  EXPECT_EQ(read_close(client), GetParam().code);
  bool reset = true;
  EXPECT_TRUE(client.ends_silently(&reset));
  EXPECT_FALSE(reset);
  client.shut_write();
  recorded.record->wait_closed();
  EXPECT_EQ(recorded.record->closed_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(Ws, WsViolation,
                         ::testing::Values(Violation{"Unmasked",
                                                     "\x81\x01"
                                                     "a",
                                                     1002},
                                           Violation{"TooBig", masked(WsOpcode::text, std::string(1001, 'x')), 1009},
                                           Violation{"InvalidUtf8", masked(WsOpcode::text, "\xff"), 1007},
                                           Violation{"Binary", masked(WsOpcode::binary, "b"), 1003},
                                           Violation{"LoneContinuation", masked(WsOpcode::continuation, "c"), 1002},
                                           Violation{"LongPing", masked(WsOpcode::ping, std::string(126, 'p')), 1002},
                                           Violation{"UnknownOpcode", masked(static_cast<WsOpcode>(3), "x"), 1002},
                                           Violation{"CloseCode", masked(WsOpcode::close, "\x03\xed"), 1002},
                                           Violation{"PeerCloses", masked(WsOpcode::close, "\x03\xe8"), 1000}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(WsServer, ClosesAfterWhatIsQueued) {
  RecordedServer recorded;
  const auto client = recorded.connect();
  const auto connection = recorded.record->connection();
  connection->send_text("last words");
  connection->close(ws_close::normal, "done");
  connection->send_text("too late");
  const auto message = client->receive(patience);
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(*message, "last words");
  const auto end = client->receive(patience);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(*end, std::nullopt);
  recorded.record->wait_closed();
}

TEST(WsServer, ManyThreadsMaySend) {
  RecordedServer recorded;
  const auto client = recorded.connect();
  const auto connection = recorded.record->connection();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) connection->send_text("x");
      });
    }
  }
  for (int i = 0; i < 2000; ++i) {
    const auto message = client->receive(patience);
    ASSERT_TRUE(message) << message.error().message();
    ASSERT_EQ(*message, "x");
  }
}

TEST(WsServer, ASlowReaderGetsAllAndItsQueueIsCounted) {
  ServerLimits limits;
  limits.max_queued_bytes = 8 * 1024 * 1024;
  RecordedServer recorded(limits);
  RawSocket client(recorded.server.port(), 4096);
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  const auto connection = recorded.record->connection();
  auto frames = std::make_shared<std::string>();
  for (int i = 0; i < 1000; ++i) append_ws_text_frame(*frames, std::string(100, 'f'));
  constexpr int sends = 300;
  for (int i = 0; i < sends; ++i) connection->send_frames(frames);
  EXPECT_GT(connection->queued_bytes(), frames->size() * 100);  // far more than the kernel takes for a reader that does not read
  std::size_t good = 0;
  for (int i = 0; i < sends; ++i) good += client.read_exactly(frames->size()) == *frames ? 1 : 0;
  EXPECT_EQ(good, sends);
  recorded.record->wait_drained();
  while (connection->queued_bytes() > 0) std::this_thread::yield();
  EXPECT_EQ(recorded.server.metric("telltale_ws_sent_bytes_total"), static_cast<double>(frames->size() * sends));
}

TEST(WsServer, ASlowReaderDoesNotHoldUpOthers) {
  TestServer server;
  std::vector<std::shared_ptr<WsRecord>> records = {std::make_shared<WsRecord>(), std::make_shared<WsRecord>()};
  std::size_t next = 0;
  server.on_upgrade = [&](const Request&) { return recording_handler(records[next++], false); };
  RawSocket slow(server.port(), 4096);
  slow.send(upgrade_request());
  EXPECT_EQ(slow.read_response().status, 101);
  auto fast = WsClient::connect(server.url("/", "ws"), {}, patience);
  ASSERT_TRUE(fast);
  const std::string text(10'000, 'x');
  for (int i = 0; i < 1000; ++i) records[0]->connection()->send_text(text);
  for (int i = 0; i < 100; ++i) {
    records[1]->connection()->send_text(text);
    const auto message = (*fast)->receive(patience);
    ASSERT_TRUE(message) << message.error().message();
    ASSERT_EQ(*message, text);
  }
  server.stop();
}

TEST(WsServer, APeerThatDoesNotAnswerPingsIsClosed) {
  ServerLimits limits;
  limits.ping_interval_ns = 20 * base::nanos_per_millisecond;
  RecordedServer recorded(limits);
  RawSocket silent(recorded.server.port());
  silent.send(upgrade_request());
  EXPECT_EQ(silent.read_response().status, 101);
  EXPECT_EQ(silent.read_to_end(), std::string("\x89\x00\x89\x00", 4));
  recorded.record->wait_closed();
}

TEST(WsServer, APeerThatAnswersPingsStays) {
  ServerLimits limits;
  limits.ping_interval_ns = 250 * base::nanos_per_millisecond;  // a busy machine may hold this test up for some
  RecordedServer recorded(limits);
  RawSocket client(recorded.server.port());
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  // A silent peer would be closed at the third.
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(client.read_exactly(2), std::string("\x89\x00", 2));
    client.send(masked(WsOpcode::pong, {}));
  }
  EXPECT_EQ(recorded.record->closed_count(), 0);
}

TEST(WsServer, AFloodOfPingsDoesNotFillMemory) {
  RecordedServer recorded;
  RawSocket client(recorded.server.port());
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  const auto connection = recorded.record->connection();
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += masked(WsOpcode::ping, std::string(125, 'p'));
  // A pong each would be 25 MB, more than the kernel holds for a client that reads none.
  for (int i = 0; i < 200; ++i) client.send(pings);
  client.send(masked(WsOpcode::text, "end"));
  EXPECT_THAT(recorded.record->wait_messages(1), ElementsAre("end"));
  EXPECT_LT(connection->queued_bytes(), 1000U);
}

TEST(WsServer, PostedTasksRunWhileTheConnectionLives) {
  RecordedServer recorded;
  auto client = recorded.connect();
  const auto connection = recorded.record->connection();
  connection->post([connection] { connection->send_text("posted"); });
  EXPECT_EQ(client->receive(patience).value_or(std::nullopt), "posted");
  client.reset();
  recorded.record->wait_closed();
  connection->post([] { ADD_FAILURE() << "ran after the connection's end"; });
  connection->send_text("nobody hears this");
  EXPECT_EQ(connection->queued_bytes(), 0U);
  recorded.server.stop();
}

TEST(WsServer, StopClosesWithGoingAway) {
  RecordedServer recorded;
  RawSocket client(recorded.server.port());
  client.send(upgrade_request());
  EXPECT_EQ(client.read_response().status, 101);
  recorded.record->wait_open();
  std::jthread stopper([&] { recorded.server.server().stop(20 * base::nanos_per_second); });
  EXPECT_EQ(read_close(client), 1001);
  client.send(masked(WsOpcode::close, "\x03\xe9"));
  EXPECT_TRUE(client.ends_silently());
  client.shut_write();
  stopper.join();
  EXPECT_EQ(recorded.record->closed_count(), 1);
}

TEST(WsServer, AConnectionMayOutliveItsServer) {
  std::shared_ptr<WsConnection> connection;
  {
    RecordedServer recorded;
    const auto client = recorded.connect();
    connection = recorded.record->connection();
    recorded.server.stop();
    EXPECT_EQ(recorded.record->closed_count(), 1);
  }
  connection->send_text("to nobody");
  connection->close(ws_close::normal, {});
  connection->post([] { ADD_FAILURE() << "ran after the server's end"; });
  EXPECT_EQ(connection->queued_bytes(), 0U);
}

TEST(WsServer, ServesTwoHundredClients) {
  TestServer server;
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int i = 0; i < 200; ++i) {
    auto client = WsClient::connect(server.url("/", "ws"), {}, patience);
    ASSERT_TRUE(client) << client.error().message();
    clients.push_back(std::move(*client));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) ASSERT_TRUE(clients[i]->send(std::to_string(i)));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i]->receive(patience).value_or(std::nullopt), std::to_string(i));
  EXPECT_EQ(server.metric("telltale_ws_connections"), 200);
}

TEST(WsServer, NamesTheSubprotocolThatWasOffered) {
  class Speaking final : public WsHandler {
   public:
    void on_open(const std::shared_ptr<WsConnection>&) override {}
    void on_text(std::string_view) override {}
    void on_drained() override {}
    void on_close() override {}
    std::string subprotocol() const override { return "telltale.v1"; }
  };
  TestServer server;
  server.on_upgrade = [](const Request&) { return std::make_unique<Speaking>(); };
  RawSocket with(server.port());
  std::string request = upgrade_request();
  request.insert(request.find("Upgrade:"), "Sec-WebSocket-Protocol: other, telltale.v1\r\n");
  with.send(request);
  EXPECT_EQ(with.read_response().headers.at("sec-websocket-protocol"), "telltale.v1");
  RawSocket without(server.port());
  without.send(upgrade_request());
  EXPECT_FALSE(without.read_response().headers.contains("sec-websocket-protocol"));
}

}  // namespace
}  // namespace telltale::net
