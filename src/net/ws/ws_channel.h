// The part of a WebSocket connection that other threads see: a queue before the session. It may outlive the session and the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "net/io/io_loop.h"
#include "net/ws/ws.h"

namespace telltale::net {

// The session's side, called on the net thread.
class WsPump {
 public:
  virtual ~WsPump() = default;
  // The channel has something new.
  virtual void pump() = 0;
};

struct WsCloseRequest {
  std::uint16_t code = 0;
  std::string reason;
};

class WsChannel final : public WsConnection, public std::enable_shared_from_this<WsChannel> {
 public:
  // The handler above and the session own the channel together.
  explicit WsChannel(std::weak_ptr<IoLoop> loop) : loop_(std::move(loop)) {}

  void send_frames(std::shared_ptr<const std::string> frames) override TT_EXCLUDES(mutex_);
  void send_text(std::string_view text) override;
  std::size_t queued_bytes() const override { return queued_.load(std::memory_order_relaxed); }
  void close(unsigned short code, std::string_view reason) override TT_EXCLUDES(mutex_);
  void post(std::function<void()> task) override;

  // The rest is for the session, on the net thread.
  void attach(std::weak_ptr<WsPump> pump) { pump_ = std::move(pump); }
  // Appends what was queued since the last call. The request is set once close() was called; nothing is queued after it.
  std::optional<WsCloseRequest> take(std::vector<std::shared_ptr<const std::string>>& out) TT_EXCLUDES(mutex_);
  // The session put bytes of its own (control frames) in the queue, dropped some, or the kernel took some.
  void added(std::size_t bytes) { queued_.fetch_add(bytes, std::memory_order_relaxed); }
  void taken(std::size_t bytes) { queued_.fetch_sub(bytes, std::memory_order_relaxed); }
  // The session ended: what is queued is dropped, and all that comes later.
  void end() TT_EXCLUDES(mutex_);

 private:
  void wake();

  const std::weak_ptr<IoLoop> loop_;
  std::weak_ptr<WsPump> pump_;  // net thread
  std::atomic<std::size_t> queued_{0};
  mutable base::Mutex mutex_;
  std::vector<std::shared_ptr<const std::string>> queue_ TT_GUARDED_BY(mutex_);
  std::optional<WsCloseRequest> close_ TT_GUARDED_BY(mutex_);
  bool woken_ TT_GUARDED_BY(mutex_) = false;
  bool ended_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::net
