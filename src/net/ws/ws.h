// WebSocket connections as the layers above see them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace telltale::net {

// A server connection. Methods may be called from any thread.
class WsConnection {
 public:
  virtual ~WsConnection() = default;
  // Queues text messages that are already encoded as WebSocket frames (append_ws_text_frame), so that many connections share one buffer:
  // whole frames, one or many; the connections that send it own it together. Never blocks; the caller looks at queued_bytes() and does
  // not send more than it may (slow readers). Dropped when the connection is closed or closing.
  virtual void send_frames(std::shared_ptr<const std::string> frames) = 0;
  // One text message (UTF-8).
  virtual void send_text(std::string_view text) = 0;
  // Bytes queued here that the kernel has not taken yet.
  virtual std::size_t queued_bytes() const = 0;
  // Closes with a code of RFC 6455 after what is queued was sent.
  virtual void close(unsigned short code, std::string_view reason) = 0;
  // Runs `task` on the connection's executor (the net thread); dropped when the connection is gone.
  virtual void post(std::function<void()> task) = 0;
};

// What the layer above does with a connection. All calls come on the net thread.
class WsHandler {
 public:
  virtual ~WsHandler() = default;
  virtual void on_open(const std::shared_ptr<WsConnection>& connection) = 0;
  virtual void on_text(std::string_view message) = 0;
  // False where only text is understood: the connection is closed with 1003.
  virtual bool on_binary(std::string_view) { return false; }
  // The kernel took bytes and the queue is below half of ServerLimits::max_queued_bytes: a reader that lags can be sent more.
  virtual void on_drained() = 0;
  // Once, last; the handler is destroyed after it.
  virtual void on_close() = 0;
  // The subprotocol to name in the handshake's answer: one of those the client offered, or empty.
  virtual std::string subprotocol() const { return {}; }
};

// Appends one unmasked text frame (FIN) that holds `text`.
void append_ws_text_frame(std::string& out, std::string_view text);

}  // namespace telltale::net
