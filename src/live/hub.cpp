#include "live/hub.h"

#include <algorithm>
#include <atomic>
#include <deque>

#include "base/assert.h"
#include "base/mutex.h"

namespace telltale::live {
namespace {

struct Entry {
  CommittedBatchRef batch;
  std::size_t bytes = 0;
};

// The newest entries in sequence order; never empty once it was filled.
class Ring {
 public:
  explicit Ring(std::size_t capacity) : capacity_(capacity) {}

  // What had to go is moved to `evicted`, for the caller to free without holding a lock.
  void push(Entry entry, std::vector<CommittedBatchRef>& evicted) {
    bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    while (bytes_ > capacity_ && entries_.size() > 1) {
      bytes_ -= entries_.front().bytes;
      evicted.push_back(std::move(entries_.front().batch));
      entries_.pop_front();
    }
  }

  ReadResult read(Sequence after, std::size_t max_bytes) const {
    ReadResult result;
    result.next = after;
    if (entries_.empty()) return result;
    if (const Sequence oldest = entries_.front().batch->first_sequence; oldest > after + 1) {
      result.missed = true;
      result.missed_to = oldest - 1;
    }
    auto entry = std::partition_point(entries_.begin(), entries_.end(),
                                      [after](const Entry& candidate) { return candidate.batch->last_sequence() <= after; });
    for (std::size_t bytes = 0; entry != entries_.end(); ++entry) {
      bytes += entry->bytes;
      if (bytes > max_bytes && !result.batches.empty()) break;
      result.batches.push_back(entry->batch);
      result.next = entry->batch->last_sequence();
    }
    return result;
  }

 private:
  const std::size_t capacity_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace

class Hub::Impl {
 public:
  explicit Impl(std::size_t ring_bytes) : ring_(ring_bytes) {}
  ~Impl() {
    base::MutexLock lock(subscribers_mutex_);
    TT_ASSERT(subscribers_.empty(), "a subscription outlives its hub");
  }

  void on_commit(const CommittedBatchRef& batch) TT_EXCLUDES(ring_mutex_, subscribers_mutex_);
  std::unique_ptr<Subscription> subscribe(std::function<void()> wake) TT_EXCLUDES(subscribers_mutex_);
  ReadResult read(Sequence after, std::size_t max_bytes) const TT_EXCLUDES(ring_mutex_) {
    base::MutexLock lock(ring_mutex_);
    return ring_.read(after, max_bytes);
  }
  Sequence newest() const { return newest_.load(std::memory_order_acquire); }

 private:
  class Subscriber;

  mutable base::Mutex ring_mutex_;
  Ring ring_ TT_GUARDED_BY(ring_mutex_);
  std::atomic<Sequence> newest_{0};
  // Held while wake-ups are called, so that a subscription that ends waits for the call that is under way.
  base::Mutex subscribers_mutex_;
  std::vector<Subscriber*> subscribers_ TT_GUARDED_BY(subscribers_mutex_);
};

class Hub::Impl::Subscriber final : public Subscription {
 public:
  Subscriber(Impl& hub, std::function<void()> wake) : hub_(hub), wake_(std::move(wake)) {}
  ~Subscriber() override {
    base::MutexLock lock(hub_.subscribers_mutex_);
    std::erase(hub_.subscribers_, this);
  }

  // The commit that comes after this either is seen by the read that follows or finds the flag set: both go through the ring's mutex.
  void rearm() override { armed_.store(true, std::memory_order_release); }

  void wake_if_armed() {
    if (armed_.exchange(false, std::memory_order_acq_rel)) wake_();
  }

 private:
  Impl& hub_;
  const std::function<void()> wake_;
  std::atomic<bool> armed_{true};
};

void Hub::Impl::on_commit(const CommittedBatchRef& batch) {
  if (batch->batch.records.empty()) return;
  Entry entry{batch, batch->batch.bytes()};
  std::vector<CommittedBatchRef> evicted;
  {
    base::MutexLock lock(ring_mutex_);
    TT_ASSERT(batch->first_sequence > newest(), "commits come in sequence order");
    ring_.push(std::move(entry), evicted);
    newest_.store(batch->last_sequence(), std::memory_order_release);
  }
  base::MutexLock lock(subscribers_mutex_);
  for (Subscriber* const subscriber : subscribers_) subscriber->wake_if_armed();
}

std::unique_ptr<Subscription> Hub::Impl::subscribe(std::function<void()> wake) {
  auto subscriber = std::make_unique<Subscriber>(*this, std::move(wake));
  base::MutexLock lock(subscribers_mutex_);
  subscribers_.push_back(subscriber.get());
  return subscriber;
}

Hub::Hub(std::size_t ring_bytes) : impl_(std::make_unique<Impl>(ring_bytes)) {}
Hub::~Hub() = default;
void Hub::on_commit(const CommittedBatchRef& batch) {
  impl_->on_commit(batch);
}
std::unique_ptr<Subscription> Hub::subscribe(std::function<void()> wake) {
  return impl_->subscribe(std::move(wake));
}
ReadResult Hub::read(Sequence after, std::size_t max_bytes) const {
  return impl_->read(after, max_bytes);
}
Sequence Hub::newest() const {
  return impl_->newest();
}

}  // namespace telltale::live
