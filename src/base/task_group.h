// Everything that runs in the background belongs to a TaskGroup, which is closed and awaited by its owner.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace telltale::base {

// Two kinds of members: threads (spawn) and entries of other executors (enter/leave, for coroutines and callbacks).
// close() asks all of them to stop and waits; the destructor asserts that this was done. Thread-safe.
class TaskGroup {
 public:
  explicit TaskGroup(std::string name);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a thread whose name (15 characters at most are shown) is `name`. `body` returns soon after its token asks it to stop. The
  // thread blocks all signals but those of its own faults: signals belong to the main thread. Does nothing when the group is closing.
  void spawn(const std::string& name, std::function<void(std::stop_token)> body) TT_EXCLUDES(mutex_);

  // False when the group is closing: do not start. Each true is paired with one leave().
  bool enter() TT_EXCLUDES(mutex_);
  void leave() TT_EXCLUDES(mutex_);

  // The token that threads get; entered tasks look at it.
  std::stop_token token() const { return stop_.get_token(); }
  // Asks everything to stop without waiting.
  void request_stop();
  // request_stop, then waits for all members. May be called again; not from a member.
  void close() TT_EXCLUDES(mutex_);
  // Members that are inside now.
  std::size_t size() const TT_EXCLUDES(mutex_);

 private:
  const std::string name_;
  std::stop_source stop_;
  void run(const std::string& name, const std::function<void(std::stop_token)>& body) TT_EXCLUDES(mutex_);
  // Takes the threads that have ended, for joining outside the mutex.
  std::vector<std::jthread> take_ended() TT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Condition left_;
  std::size_t inside_ TT_GUARDED_BY(mutex_) = 0;
  bool closing_ TT_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_ TT_GUARDED_BY(mutex_);
  std::vector<std::thread::id> ended_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::base
