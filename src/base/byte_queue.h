// A queue between threads that is bounded by bytes. Pushing never blocks; who was told `full` asks to be called back.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace telltale::base {

enum class PushOutcome : unsigned char { accepted, full, closed };

// Many producers, any number of consumers. An empty queue always accepts one item, however large, so nothing can be stuck.
template <class T>
class ByteQueue {
 public:
  explicit ByteQueue(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // On anything but `accepted` the item is untouched.
  PushOutcome try_push(T& item, std::size_t bytes) TT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (closed_) return PushOutcome::closed;
      if (!items_.empty() && bytes_ + bytes > capacity_) return PushOutcome::full;
      items_.emplace_back(std::move(item), bytes);
      bytes_ += bytes;
    }
    ready_.notify_one();
    return PushOutcome::accepted;
  }

  // Calls `callback` once, on a consumer's thread, as soon as there is space (half of the capacity is free) or the queue is closed; at
  // once, on this thread, when there is already. It must be short and must not call into this queue.
  void on_space(std::function<void()> callback) TT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (!closed_ && bytes_ > capacity_ / 2) {
        waiting_.push_back(std::move(callback));
        return;
      }
    }
    callback();
  }

  // Waits for an item; empty when the time passed, wake() was called or the queue is closed and drained (`drained()` tells which).
  std::optional<T> pop(std::chrono::nanoseconds timeout) TT_EXCLUDES(mutex_) {
    std::optional<T> item;
    std::vector<std::function<void()>> callbacks;
    {
      MutexLock lock(mutex_);
      const auto deadline = std::chrono::steady_clock::now() + timeout;
      while (items_.empty() && !closed_ && !woken_) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= std::chrono::nanoseconds::zero()) return item;
        ready_.wait_for(mutex_, left);
      }
      woken_ = false;
      callbacks = take(item);
    }
    for (auto& callback : callbacks) callback();
    return item;
  }

  // One waiting consumer, or the next one, returns although there is nothing.
  void wake() TT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      woken_ = true;
    }
    ready_.notify_one();
  }

  std::optional<T> try_pop() TT_EXCLUDES(mutex_) {
    std::optional<T> item;
    std::vector<std::function<void()>> callbacks;
    {
      MutexLock lock(mutex_);
      callbacks = take(item);
    }
    for (auto& callback : callbacks) callback();
    return item;
  }

  // No more pushes; consumers still get what is inside.
  void close() TT_EXCLUDES(mutex_) {
    std::vector<std::function<void()>> callbacks;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      callbacks.swap(waiting_);
    }
    ready_.notify_all();
    for (auto& callback : callbacks) callback();
  }

  bool drained() const TT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }
  std::size_t bytes() const TT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return bytes_;
  }

 private:
  std::vector<std::function<void()>> take(std::optional<T>& item) TT_REQUIRES(mutex_) {
    std::vector<std::function<void()>> callbacks;
    if (items_.empty()) return callbacks;
    item.emplace(std::move(items_.front().first));
    bytes_ -= items_.front().second;
    items_.pop_front();
    if (bytes_ <= capacity_ / 2) callbacks.swap(waiting_);
    return callbacks;
  }

  const std::size_t capacity_;
  mutable Mutex mutex_;
  Condition ready_;
  std::deque<std::pair<T, std::size_t>> items_ TT_GUARDED_BY(mutex_);
  std::size_t bytes_ TT_GUARDED_BY(mutex_) = 0;
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  bool woken_ TT_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> waiting_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::base
