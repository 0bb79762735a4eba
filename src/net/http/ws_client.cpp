// WsClient of client.h over a ClientConnection.
#include <array>

#include <fmt/format.h>

#include "base/random.h"
#include "base/text.h"
#include "net/http/client_exchange.h"
#include "net/ws/frame.h"
#include "net/ws/frame_reader.h"
#include "net/ws/handshake.h"

namespace telltale::net {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::uint64_t max_message_bytes = 64 * 1024 * 1024;
constexpr std::int64_t farewell_ns = 200 * base::nanos_per_millisecond;
constexpr std::size_t shown_body = 500;

class BlockingWsClient final : public WsClient {
 public:
  BlockingWsClient(std::unique_ptr<ClientConnection> connection, std::int64_t send_timeout_ns)
      : connection_(std::move(connection)), send_timeout_ns_(send_timeout_ns), reader_(WsRole::client, max_message_bytes) {}

  ~BlockingWsClient() override {
    // A courtesy: when it cannot be said at once, the server sees the connection end instead.
    if (!closed_) static_cast<void>(send_frame(WsOpcode::close, ws_close_payload(ws_close::normal, {}), farewell_ns));
  }

  base::Result<std::optional<std::string>> receive(std::int64_t timeout_ns) override {
    const base::MonoNanos deadline = deadline_after(timeout_ns);
    while (!closed_) {
      const WsEvent event = next_event();
      if (event.kind == WsEvent::Kind::text) return std::string(event.payload);
      auto handled = handle(event);
      if (!handled) return base::pass(handled);
      if (closed_ || event.kind != WsEvent::Kind::need_more) continue;
      auto more = connection_->read(deadline);
      if (!more) return base::pass(more);
      if (!*more) {
        closed_ = true;
        return fail(ErrorCode::connection_lost, "the server ended the connection without closing the WebSocket");
      }
    }
    return std::nullopt;
  }

  base::Status send(std::string_view text) override { return send_message(WsOpcode::text, text); }
  base::Status send_binary(std::string_view bytes) override { return send_message(WsOpcode::binary, bytes); }
  void interrupt() override { connection_->interrupt(); }

 private:
  WsEvent next_event() {
    std::string_view input = std::string_view(connection_->input()).substr(taken_);
    const std::size_t before = input.size();
    const WsEvent event = reader_.next(input);
    taken_ += before - input.size();
    if (taken_ == connection_->input().size()) {
      connection_->input().clear();
      taken_ = 0;
    }
    return event;
  }

  base::Status handle(const WsEvent& event) {
    switch (event.kind) {
      case WsEvent::Kind::ping:
        return send_frame(WsOpcode::pong, event.payload, send_timeout_ns_);
      case WsEvent::Kind::close: {
        closed_ = true;
        const std::uint16_t code = event.code == ws_close::no_code ? ws_close::normal : event.code;
        // The server is leaving anyway; whether it hears the answer changes nothing.
        static_cast<void>(send_frame(WsOpcode::close, ws_close_payload(code, {}), farewell_ns));
        connection_->close();
        return {};
      }
      case WsEvent::Kind::error:
        closed_ = true;
        return fail(ErrorCode::connection_lost, fmt::format("the server broke the WebSocket protocol: {}", event.payload));
      default:
        return {};
    }
  }

  base::Status send_message(WsOpcode opcode, std::string_view payload) {
    if (closed_) return fail(ErrorCode::connection_lost, "the WebSocket is closed");
    return send_frame(opcode, payload, send_timeout_ns_);
  }

  base::Status send_frame(WsOpcode opcode, std::string_view payload, std::int64_t timeout_ns) {
    std::array<std::uint8_t, 4> mask{};
    random_.fill(mask);
    std::string frame;
    append_ws_masked_frame(frame, opcode, payload, mask);
    return connection_->write(frame, deadline_after(timeout_ns));
  }

  base::SystemRandom random_;
  std::unique_ptr<ClientConnection> connection_;
  const std::int64_t send_timeout_ns_;
  WsFrameReader reader_;
  std::size_t taken_ = 0;  // of the connection's input
  bool closed_ = false;
};

base::Error refusal(const Response& response) {
  const std::string body = base::to_printable(std::string_view(response.body).substr(0, shown_body));
  std::string cause = fmt::format("the server refused the WebSocket with HTTP {}{}{}", response.status, body.empty() ? "" : ": ", body);
  const ErrorCode code = response.status == 401   ? ErrorCode::unauthorized
                         : response.status == 403 ? ErrorCode::forbidden
                                                  : ErrorCode::connection_failed;
  return {code, std::move(cause), {}};
}

base::Status open_websocket(ClientConnection& connection, const Url& url, const Headers& headers, base::MonoNanos deadline) {
  std::array<std::uint8_t, 16> nonce{};
  base::SystemRandom().fill(nonce);
  const std::string key = base64_encode(std::string_view(reinterpret_cast<const char*>(nonce.data()), nonce.size()));
  auto head = request_head(url, "GET", headers, 0);
  if (!head) return base::pass(head);
  *head += fmt::format("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n", key);
  auto written = connection.write(*head, deadline);
  if (!written) return written;
  auto response = read_response(connection, false, deadline);
  if (!response) return base::pass(response);
  if (response->status != 101) return std::unexpected(refusal(*response));
  for (const auto& [name, value] : response->headers) {
    if (name == "sec-websocket-accept" && value == ws_accept_value(key)) return {};
  }
  return fail(ErrorCode::connection_failed, "the server's answer to the WebSocket handshake is not for this handshake");
}

}  // namespace

base::Result<std::unique_ptr<WsClient>> WsClient::connect(const Url& url, const Headers& headers, std::int64_t timeout_ns) {
  const base::MonoNanos deadline = deadline_after(timeout_ns);
  auto connection = ClientConnection::open(url, deadline);
  if (!connection) return base::pass(connection);
  auto opened = open_websocket(**connection, url, headers, deadline);
  if (!opened) return base::pass(opened);
  return std::make_unique<BlockingWsClient>(std::move(*connection), timeout_ns);
}

}  // namespace telltale::net
