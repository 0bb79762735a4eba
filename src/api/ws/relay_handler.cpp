#include "api/ws/relay_handler.h"

#include <utility>

namespace telltale::api {

namespace {

constexpr unsigned short policy_violation = 1008;  // RFC 6455, 7.4.1
constexpr std::size_t longest_reason = 120;

class Peer final : public sources::RelayPeer {
 public:
  explicit Peer(std::shared_ptr<net::WsConnection> connection) : connection_(std::move(connection)) {}
  void send(std::string text) override { connection_->send_text(text); }
  void close(std::string_view why) override { connection_->close(policy_violation, why.substr(0, longest_reason)); }

 private:
  const std::shared_ptr<net::WsConnection> connection_;  // the session owns it too
};

class RelayHandler final : public net::WsHandler {
 public:
  explicit RelayHandler(sources::ProcessSource& source) : source_(source) {}

  void on_open(const std::shared_ptr<net::WsConnection>& connection) override {
    id_ = source_.connect(std::make_shared<Peer>(connection));  // shared: the source's
  }
  void on_text(std::string_view message) override { source_.text(id_, message); }
  bool on_binary(std::string_view message) override {
    source_.binary(id_, message);
    return true;
  }
  void on_drained() override {}
  void on_close() override { source_.disconnect(id_); }

 private:
  sources::ProcessSource& source_;
  sources::RelayConnection id_ = 0;
};

}  // namespace

std::unique_ptr<net::WsHandler> make_relay_handler(sources::ProcessSource& source) {
  return std::make_unique<RelayHandler>(source);
}

}  // namespace telltale::api
