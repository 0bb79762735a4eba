#include "api/ws/live_service.h"

#include <random>

#include <gtest/gtest.h>

#include "api/ws/fake_peers.h"

namespace telltale::api {
namespace {

using testing::CommittingStore;
using testing::FakeConnection;
using testing::ThreadExecutor;

constexpr std::uint64_t first_sequence = 1000;  // as after an opening

// The value of a text or number member, roughly: enough for what the engine writes.
std::string member(const std::string& message, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  std::size_t at = message.find(key);
  if (at == std::string::npos) return {};
  at += key.size();
  const bool text = message[at] == '"';
  if (text) ++at;
  return message.substr(at, message.find_first_of(text ? "\"" : ",}", at) - at);
}

std::vector<std::string> contents(const std::vector<std::string>& messages) {
  std::vector<std::string> all;
  for (const auto& message : messages) all.push_back(member(message, "content"));
  return all;
}

// An engine's live part and its clients.
struct Engine {
  explicit Engine(std::size_t ring_bytes = 8 << 20, std::size_t queue_bytes = 1 << 20)
      : hub(ring_bytes), store(&hub, first_sequence), service(store, hub, clock, nullptr, executor, metrics, {1000, queue_bytes}) {}

  ~Engine() { threads.reset(); }  // their tasks refer to the service

  struct Client {
    std::unique_ptr<net::WsHandler> handler;
    std::shared_ptr<FakeConnection> connection = std::make_shared<FakeConnection>();
    ~Client() {
      if (handler != nullptr) handler->on_close();
    }
    void read_again() {
      connection->read_again();
      handler->on_drained();
    }
  };

  std::unique_ptr<Client> connect(std::vector<std::pair<std::string, std::string>> parameters = {}) {
    auto client = std::make_unique<Client>();
    net::UpgradeDecision decision = open(std::move(parameters));
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<net::WsHandler>>(decision));
    client->handler = std::move(std::get<std::unique_ptr<net::WsHandler>>(decision));
    client->handler->on_open(client->connection);
    return client;
  }
  net::UpgradeDecision open(std::vector<std::pair<std::string, std::string>> parameters) {
    net::Request request;
    request.query = std::move(parameters);
    return service.open(request, "telltale");
  }
  std::uint64_t dropped() { return metrics.counter("telltale_live_dropped_records_total", "").value(); }

  base::SystemClock clock;
  telemetry::Metrics metrics;
  live::Hub hub;
  CommittingStore store;
  std::unique_ptr<ThreadExecutor> threads = std::make_unique<ThreadExecutor>(2);
  ThreadExecutor& executor = *threads;
  LiveService service;
};

TEST(LiveStream, BeginsWithWhatIsCommittedAfterTheConnection) {
  Engine engine;
  engine.store.commit("api", {"before"});
  const auto client = engine.connect();
  engine.store.commit("api", {"one", "two"});
  engine.store.commit("web", {"three"});
  const auto messages = client->connection->wait_for_count(3);
  EXPECT_EQ(contents(messages), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(member(messages[0], "sequence"), "1001");
}

TEST(LiveStream, IsNarrowedByAQuery) {
  Engine engine;
  const auto client = engine.connect({{"query", R"({service="web"} |= "x")"}});
  engine.store.commit("api", {"x1"});
  engine.store.commit("web", {"y", "x2"});
  engine.store.commit("web", {"x3"});
  EXPECT_EQ(contents(client->connection->wait_for_count(2)), (std::vector<std::string>{"x2", "x3"}));
}

TEST(LiveStream, TailGivesTheNewestRecordsFirst) {
  Engine engine;
  engine.store.commit("api", {"1", "2", "3"});
  engine.store.commit("api", {"4"});
  const auto client = engine.connect({{"tail", "2"}});
  engine.store.commit("api", {"5"});
  EXPECT_EQ(contents(client->connection->wait_for_count(3)), (std::vector<std::string>{"3", "4", "5"}));
}

TEST(LiveStream, ResumesAfterASequenceOrACursor) {
  Engine engine;
  engine.store.commit("api", {"1", "2", "3"});
  const auto by_sequence = engine.connect({{"after", "1000"}});
  const auto by_cursor = engine.connect({{"after", "c1001"}});
  EXPECT_EQ(contents(by_sequence->connection->wait_for_count(2)), (std::vector<std::string>{"2", "3"}));
  EXPECT_EQ(contents(by_cursor->connection->wait_for_count(1)), (std::vector<std::string>{"3"}));
  engine.store.commit("api", {"4"});
  EXPECT_EQ(contents(by_sequence->connection->wait_for_count(3)).back(), "4");
}

TEST(LiveStream, ResumingBeyondWhatRetentionKeptIsAGap) {
  Engine engine;
  engine.store.commit("api", {"1", "2", "3"});
  engine.store.commit("api", {"4"});
  engine.store.forget_before(1003);
  const auto client = engine.connect({{"after", "1000"}});
  const auto messages = client->connection->wait_for_count(2);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(member(messages[0], "type"), "gap");
  EXPECT_EQ(member(messages[0], "dropped"), "2");
  EXPECT_EQ(member(messages[0], "after"), "1002");
  EXPECT_EQ(member(messages[1], "content"), "4");
}

// Until both are sent the same bytes: before that they read the ring on their own, and are not held to be slow. How many were committed.
std::size_t commit_until_live(Engine& engine, const FakeConnection& one, const FakeConnection& two) {
  for (std::size_t count = 1; count <= 10'000; ++count) {
    engine.store.commit("api", {"live?"});
    const bool both = one.wait_for_count(count).size() == count && two.wait_for_count(count).size() == count;
    if (!both || one.buffers().back() == two.buffers().back()) return count;
  }
  ADD_FAILURE() << "they never become live";
  return 0;
}

TEST(LiveStream, EqualQueriesShareOneEncoding) {
  Engine engine;
  const auto one = engine.connect({{"query", "{}"}});
  const auto two = engine.connect();
  const std::size_t committed = commit_until_live(engine, *one->connection, *two->connection);
  engine.store.commit("api", {"b"});
  one->connection->wait_for_count(committed + 1);
  two->connection->wait_for_count(committed + 1);
  EXPECT_EQ(one->connection->buffers().back(), two->connection->buffers().back());
}

TEST(LiveStream, ASlowReaderGetsAGapAndHoldsUpNobody) {
  Engine engine(/*ring_bytes=*/50'000, /*queue_bytes=*/20'000);
  const auto slow = engine.connect();
  const auto quick = engine.connect();
  std::size_t committed = commit_until_live(engine, *slow->connection, *quick->connection);
  slow->connection->stop_reading();
  for (int i = 0; i < 400; ++i) {
    engine.store.commit("api", {std::string(1000, 'x')});
    quick->connection->wait_for_count(++committed);
  }
  ASSERT_EQ(quick->connection->wait_for_count(committed).size(), committed);
  slow->read_again();
  ASSERT_TRUE(slow->connection->wait_for_text("\"type\":\"gap\""));
  engine.store.commit("api", {"last"});
  ASSERT_TRUE(slow->connection->wait_for_text("\"content\":\"last\""));

  std::uint64_t expected = first_sequence;
  for (const std::string& message : slow->connection->wait_for_count(0)) {
    if (member(message, "type") == "gap") {
      expected += std::stoull(member(message, "dropped"));
      EXPECT_EQ(member(message, "after"), std::to_string(expected - 1));
    } else {
      EXPECT_EQ(member(message, "sequence"), std::to_string(expected++));
    }
  }
  EXPECT_EQ(expected, first_sequence + committed + 1);
  EXPECT_EQ(quick->connection->wait([](const auto& all) { return all.back().find("last") != std::string::npos; }).size(), committed + 1);
}

TEST(LiveMessages, PingSubscribeUnsubscribe) {
  Engine engine;
  const auto client = engine.connect({{"query", R"({service="api"})"}});
  client->handler->on_text(R"({"type":"ping"})");
  EXPECT_TRUE(client->connection->wait_for_text("\"type\":\"pong\""));
  client->handler->on_text(R"({"type":"unsubscribe"})");
  EXPECT_TRUE(client->connection->wait_for_text("\"type\":\"unsubscribed\""));
  engine.store.commit("api", {"unseen"});
  engine.store.commit("web", {"resumed"});
  client->handler->on_text(R"({"type":"subscribe","query":"{service=\"web\"}","after":1000})");
  EXPECT_TRUE(client->connection->wait_for_text("\"content\":\"resumed\""));
  EXPECT_FALSE(contents(client->connection->wait_for_count(4)).empty());
  for (const auto& content : contents(client->connection->wait_for_count(0))) EXPECT_NE(content, "unseen");
}

TEST(LiveMessages, ABadOneIsAnsweredAndTheConnectionStays) {
  Engine engine;
  const auto client = engine.connect();
  client->handler->on_text("hello");
  EXPECT_TRUE(client->connection->wait_for_text("\"code\":\"malformed_request\""));
  client->handler->on_text(R"({"type":"dance"})");
  EXPECT_TRUE(client->connection->wait_for_text("\"code\":\"websocket_message\""));
  client->handler->on_text(R"({"type":"subscribe","query":"{service="})");
  EXPECT_TRUE(client->connection->wait_for_text("\"code\":\"query_syntax\""));
  client->handler->on_text(R"({"type":"subscribe","after":"nonsense"})");
  EXPECT_TRUE(client->connection->wait_for_text("\"code\":\"cursor_invalid\""));
  client->handler->on_text(R"({"type":"analysis_request","request_id":"r7"})");
  EXPECT_TRUE(client->connection->wait_for_text("\"request_id\":\"r7\""));
  engine.store.commit("api", {"still here"});
  EXPECT_TRUE(client->connection->wait_for_text("still here"));
  EXPECT_EQ(client->connection->close_code(), 0);
}

TEST(LiveUpgrade, SaysWhichParameterIsWrong) {
  Engine engine;
  const auto status = [&](std::vector<std::pair<std::string, std::string>> parameters) {
    const net::UpgradeDecision decision = engine.open(std::move(parameters));
    const auto* response = std::get_if<net::Response>(&decision);
    return response == nullptr ? 101 : response->status;
  };
  EXPECT_EQ(status({{"query", "{service="}}), 400);
  EXPECT_EQ(status({{"tail", "1001"}}), 400);
  EXPECT_EQ(status({{"after", "nonsense"}}), 400);
  EXPECT_EQ(status({{"after", "999999"}}), 400);
  EXPECT_EQ(status({{"after", "5"}, {"tail", "5"}}), 400);
  EXPECT_EQ(status({{"qury", "{}"}}), 400);
  EXPECT_EQ(status({{"query", "{}"}, {"token", "x"}}), 101);
}

// Every record once, in order, or inside of a stated gap, whatever the readers do.
TEST(LiveStream, NothingIsLostOrRepeatedWhileReadersStallComeAndGo) {
  constexpr std::uint64_t records = 6000;
  Engine engine(/*ring_bytes=*/30'000, /*queue_bytes=*/4'000);
  engine.store.commit("api", {"0"});
  std::vector<std::unique_ptr<Engine::Client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(engine.connect({{"after", "999"}}));
  std::atomic<bool> done{false};
  {
    std::jthread stall([&] {
      std::mt19937 random(7);
      while (!done) {
        auto& client = clients[random() % 2];  // the other two always read
        client->connection->stop_reading();
        client->handler->on_text(R"({"type":"ping"})");
        client->connection->wait_for_queue();
        client->read_again();
        engine.connect({{"after", "1000"}});  // comes and goes
      }
    });
    for (std::uint64_t i = 1; i < records;) {
      std::vector<std::string> lines;
      for (std::uint64_t n = 0; n < 1 + i % 7 && i < records; ++n, ++i) lines.push_back(std::to_string(i));
      engine.store.commit("api", lines);
    }
    done = true;
  }
  for (auto& client : clients) client->read_again();
  engine.store.commit("api", {"end"});
  for (auto& client : clients) {
    ASSERT_TRUE(client->connection->wait_for_text("\"content\":\"end\""));
    std::uint64_t expected = first_sequence;
    for (const std::string& message : client->connection->wait_for_count(0)) {
      const std::string type = member(message, "type");
      if (type == "pong") continue;
      if (type == "gap") {
        expected += std::stoull(member(message, "dropped"));
      } else {
        ASSERT_EQ(member(message, "sequence"), std::to_string(expected));
        ++expected;
      }
    }
    EXPECT_EQ(expected, first_sequence + records + 1);
  }
}

}  // namespace
}  // namespace telltale::api
