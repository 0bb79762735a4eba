#include "app/pool.h"

#include <utility>

#include <fmt/format.h>

namespace telltale::app {

Pool::Pool(const std::string& name, unsigned threads, std::size_t max_waiting) : max_waiting_(max_waiting), threads_(name) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.spawn(fmt::format("{}-{}", name, i), [this](std::stop_token stop) { work(std::move(stop)); });
  }
}

Pool::~Pool() {
  close();
}

bool Pool::post(std::function<void()> task) {
  {
    base::MutexLock lock(mutex_);
    if (closed_ || waiting_.size() >= max_waiting_) return false;
    waiting_.push_back(std::move(task));
  }
  ready_.notify_one();
  return true;
}

void Pool::close() {
  std::deque<std::function<void()>> dropped;  // destroyed outside the lock: a dropped responder answers
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    dropped.swap(waiting_);
  }
  ready_.notify_all();
  threads_.close();
}

void Pool::work(std::stop_token) {
  for (;;) {
    std::function<void()> task;
    {
      base::MutexLock lock(mutex_);
      while (waiting_.empty() && !closed_) ready_.wait(mutex_);
      if (waiting_.empty()) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace telltale::app
