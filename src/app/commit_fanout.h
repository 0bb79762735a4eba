// Passes commits on to listeners that come into being after the store: a source needs the store's positions before it can listen.
#pragma once

#include <vector>

#include "base/mutex.h"
#include "record/ports.h"

namespace telltale::app {

// add() from any thread; on_commit and on_position from the store's writer. Listeners outlive it or the store's writer thread.
class CommitFanout final : public record::CommitListener {
 public:
  void add(record::CommitListener& listener) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    listeners_.push_back(&listener);
  }
  void on_commit(const record::CommittedBatchRef& batch) override TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    for (auto* listener : listeners_) listener->on_commit(batch);
  }
  void on_position(const record::Position& position) override TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    for (auto* listener : listeners_) listener->on_position(position);
  }
  // After this nobody is called.
  void clear() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    listeners_.clear();
  }

 private:
  base::Mutex mutex_;
  std::vector<record::CommitListener*> listeners_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::app
