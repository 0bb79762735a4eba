#include "net/ws/ws_channel.h"

#include <iterator>
#include <utility>

#include "net/ws/frame.h"

namespace telltale::net {

void WsChannel::send_frames(std::shared_ptr<const std::string> frames) {
  if (frames->empty()) return;
  {
    base::MutexLock lock(mutex_);
    if (ended_ || close_) return;
    queued_.fetch_add(frames->size(), std::memory_order_relaxed);
    queue_.push_back(std::move(frames));
    if (woken_) return;
    woken_ = true;
  }
  wake();
}

void WsChannel::send_text(std::string_view text) {
  auto frame = std::make_shared<std::string>();
  frame->reserve(text.size() + 10);
  append_ws_text_frame(*frame, text);
  send_frames(std::move(frame));
}

void WsChannel::close(unsigned short code, std::string_view reason) {
  {
    base::MutexLock lock(mutex_);
    if (ended_ || close_) return;
    close_ = WsCloseRequest{ws_close_code_allowed(code) ? code : ws_close::internal_error, std::string(reason)};
    if (woken_) return;
    woken_ = true;
  }
  wake();
}

void WsChannel::wake() {
  post([channel = shared_from_this()] {
    if (const auto pump = channel->pump_.lock()) pump->pump();
  });
}

void WsChannel::post(std::function<void()> task) {
  const auto loop = loop_.lock();
  if (!loop) return;
  loop->post([channel = shared_from_this(), task = std::move(task)] {
    if (channel->pump_.lock()) task();
  });
}

std::optional<WsCloseRequest> WsChannel::take(std::vector<std::shared_ptr<const std::string>>& out) {
  base::MutexLock lock(mutex_);
  woken_ = false;
  if (out.empty()) {
    out.swap(queue_);
  } else {
    out.insert(out.end(), std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
  }
  return close_;
}

void WsChannel::end() {
  base::MutexLock lock(mutex_);
  ended_ = true;
  queue_.clear();
  queued_.store(0, std::memory_order_relaxed);
  pump_.reset();
}

}  // namespace telltale::net
