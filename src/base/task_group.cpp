#include "base/task_group.h"

#include <algorithm>
#include <csignal>

#include <pthread.h>

#include "base/assert.h"

namespace telltale::base {

namespace {

constexpr std::size_t shown_name_length = 15;  // pthread_setname_np(3)

// Blocks, while it lives, what a thread started meanwhile shall inherit as blocked: all but the signals of its own faults.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

TaskGroup::TaskGroup(std::string name) : name_(std::move(name)) {}

TaskGroup::~TaskGroup() {
  MutexLock lock(mutex_);
  TT_ASSERT(inside_ == 0 && threads_.empty(), "close() the task group before it is destroyed: " + name_);
}

void TaskGroup::spawn(const std::string& name, std::function<void(std::stop_token)> body) {
  std::vector<std::jthread> ended;  // joined after the mutex is free
  MutexLock lock(mutex_);
  if (closing_) return;
  ended = take_ended();
  ++inside_;
  const BlockedSignals blocked;
  threads_.emplace_back([this, name, body = std::move(body)] { run(name, body); });
}

void TaskGroup::run(const std::string& name, const std::function<void(std::stop_token)>& body) {
  pthread_setname_np(pthread_self(), name.substr(0, shown_name_length).c_str());
  body(stop_.get_token());
  MutexLock lock(mutex_);
  ended_.push_back(std::this_thread::get_id());
  --inside_;
  left_.notify_all();
}

std::vector<std::jthread> TaskGroup::take_ended() {
  std::vector<std::jthread> ended;
  for (const std::thread::id id : ended_) {
    const auto found = std::find_if(threads_.begin(), threads_.end(), [id](const std::jthread& thread) { return thread.get_id() == id; });
    if (found == threads_.end()) continue;
    ended.push_back(std::move(*found));
    threads_.erase(found);
  }
  ended_.clear();
  return ended;
}

bool TaskGroup::enter() {
  MutexLock lock(mutex_);
  if (closing_) return false;
  ++inside_;
  return true;
}

void TaskGroup::leave() {
  MutexLock lock(mutex_);
  TT_ASSERT(inside_ > 0, "each leave() belongs to an enter()");
  --inside_;
  left_.notify_all();
}

void TaskGroup::request_stop() {
  stop_.request_stop();
}

void TaskGroup::close() {
  std::vector<std::jthread> threads;
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  stop_.request_stop();
  MutexLock lock(mutex_);
  for (const std::jthread& thread : threads_) {
    TT_ASSERT(thread.get_id() != std::this_thread::get_id(), "a member cannot close its own group: " + name_);
  }
  while (inside_ != 0) left_.wait(mutex_);
  threads.swap(threads_);
  ended_.clear();
}

std::size_t TaskGroup::size() const {
  MutexLock lock(mutex_);
  return inside_;
}

}  // namespace telltale::base
