// The blocking WebSocket client beyond what the server's tests use of it.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using testing::TestServer;

constexpr std::int64_t patience = 20 * base::nanos_per_second;

// Answers each binary message with its size as text.
class SizeHandler final : public WsHandler {
 public:
  void on_open(const std::shared_ptr<WsConnection>& connection) override { connection_ = connection; }
  void on_text(std::string_view) override {}
  bool on_binary(std::string_view message) override {
    connection_->send_text(std::to_string(message.size()) + (message.find('\xff') == std::string_view::npos ? "" : " raw"));
    return true;
  }
  void on_drained() override {}
  void on_close() override {}

 private:
  std::shared_ptr<WsConnection> connection_;  // owned together with the session
};

class WsClientMore : public ::testing::Test {
 protected:
  WsClientMore() {
    server_.on_upgrade = [](const Request&) { return std::make_unique<SizeHandler>(); };
    auto client = WsClient::connect(server_.url("/", "ws"), {}, patience);
    EXPECT_TRUE(client.has_value());
    if (client) client_ = std::move(*client);
  }
  ~WsClientMore() override { server_.stop(); }

  TestServer server_;
  std::unique_ptr<WsClient> client_;
};

TEST_F(WsClientMore, BinaryMessagesReachAHandlerThatTakesThem) {
  ASSERT_TRUE(client_->send_binary("a\xff" + std::string(100'000, '\0')));
  ASSERT_TRUE(client_->send_binary(""));
  EXPECT_EQ(client_->receive(patience).value(), "100002 raw");
  EXPECT_EQ(client_->receive(patience).value(), "0");
}

TEST_F(WsClientMore, AReceiveIsInterruptedAndTheConnectionStaysUsable) {
  std::atomic<bool> waits{false};
  std::jthread other([&] {
    while (!waits) std::this_thread::yield();
    client_->interrupt();
  });
  waits = true;
  EXPECT_EQ(client_->receive(patience).error().code, base::ErrorCode::cancelled);
  ASSERT_TRUE(client_->send_binary("abc"));
  EXPECT_EQ(client_->receive(patience).value(), "3");
}

TEST_F(WsClientMore, AnInterruptBeforeTheReceiveCounts) {
  client_->interrupt();
  EXPECT_EQ(client_->receive(patience).error().code, base::ErrorCode::cancelled);
  EXPECT_EQ(client_->receive(0).error().code, base::ErrorCode::timeout);
}

}  // namespace
}  // namespace telltale::net
