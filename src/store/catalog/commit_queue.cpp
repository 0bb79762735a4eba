#include "store/catalog/commit_queue.h"

#include <utility>

namespace telltale::store {

void CommitQueue::push(const CommittedBatch& batch) {
  std::vector<record::SequenceRange> lost = losses_told_by(batch);
  base::MutexLock lock(mutex_);
  if (stop_) return;
  lost_.insert(lost_.end(), lost.begin(), lost.end());
  if (scan_) return;
  digest(batch, 0, ~Sequence{0}, [this](const Digest& part) TT_NO_THREAD_SAFETY_ANALYSIS { digests_.push_back(part); });
  if (digests_.size() > max_digests_) {
    digests_.clear();
    scan_ = true;
  }
  if (scan_ || digests_.size() > max_digests_ / 2) changed_.notify_all();
}

CommitWork CommitQueue::take(std::chrono::nanoseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  base::MutexLock lock(mutex_);
  while (!stop_ && asked_ == done_ && digests_.size() <= max_digests_ / 2) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero() || !changed_.wait_for(mutex_, left)) break;
  }
  CommitWork work;
  work.digests = std::exchange(digests_, {});
  work.lost = std::exchange(lost_, {});
  work.scan = std::exchange(scan_, false);
  work.asked = asked_;
  work.stop = stop_;
  return work;
}

void CommitQueue::scan_again() {
  base::MutexLock lock(mutex_);
  digests_.clear();
  scan_ = true;
}

bool CommitQueue::flush(std::chrono::nanoseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  base::MutexLock lock(mutex_);
  const std::uint64_t mine = ++asked_;
  changed_.notify_all();
  return wait_until_done(mine, deadline);
}

bool CommitQueue::wait_for_first(std::chrono::nanoseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  base::MutexLock lock(mutex_);
  return wait_until_done(1, deadline);
}

bool CommitQueue::wait_until_done(std::uint64_t asked, std::chrono::steady_clock::time_point deadline) {
  while (!stop_ && done_ < asked) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    changed_.wait_for(mutex_, left);
  }
  return done_ >= asked;
}

void CommitQueue::done(std::uint64_t asked) {
  base::MutexLock lock(mutex_);
  done_ = asked;
  changed_.notify_all();
}

void CommitQueue::stop() {
  base::MutexLock lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

bool CommitQueue::stopped() const {
  base::MutexLock lock(mutex_);
  return stop_;
}

}  // namespace telltale::store
