// A few threads for work that may block: queries, barriers, the catalog's answers.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "base/task_group.h"

namespace telltale::app {

// post() from any thread. Tasks start in order; at most `max_waiting` wait, the next is refused.
class Pool {
 public:
  Pool(const std::string& name, unsigned threads, std::size_t max_waiting);
  ~Pool();

  // False: too many wait, or the pool is closed; the task was not taken.
  bool post(std::function<void()> task) TT_EXCLUDES(mutex_);
  // Tasks that wait are dropped, running ones awaited. May be called again.
  void close() TT_EXCLUDES(mutex_);

 private:
  void work(std::stop_token stop) TT_EXCLUDES(mutex_);

  const std::size_t max_waiting_;
  base::Mutex mutex_;
  base::Condition ready_;
  std::deque<std::function<void()>> waiting_ TT_GUARDED_BY(mutex_);
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  base::TaskGroup threads_;
};

}  // namespace telltale::app
