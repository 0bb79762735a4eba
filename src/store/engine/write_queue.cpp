#include "store/engine/write_queue.h"

#include <set>
#include <string>

namespace telltale::store {

using record::PushOutcome;

namespace {

// Over the capacity there is room for so many bytes of urgent items.
constexpr std::size_t urgent_allowance = 256 * 1024;

// Streams and position keys whose order a skipped item holds up.
class Blocked {
 public:
  bool allows(const Pending& pending) const {
    if (!pending.urgent()) return false;
    if (pending.item.stream != nullptr && streams_.contains(pending.item.stream->id)) return false;
    return !pending.batch.position || !keys_.contains(pending.batch.position->key);
  }
  void add(const Pending& pending) {
    if (pending.item.stream != nullptr) streams_.insert(pending.item.stream->id);
    if (pending.batch.position) keys_.insert(pending.batch.position->key);
  }

 private:
  std::set<record::StreamId> streams_;
  std::set<std::string> keys_;
};

template <class Items>
void move_urgent(Items& items, Blocked& blocked, std::vector<Pending>& out) {
  Items kept;
  for (Pending& pending : items) {
    if (blocked.allows(pending)) {
      out.push_back(std::move(pending));
    } else {
      blocked.add(pending);
      kept.push_back(std::move(pending));
    }
  }
  items = std::move(kept);
}

}  // namespace

PushOutcome WriteQueue::verdict(std::size_t bytes, bool urgent) const {
  if (closed_) return PushOutcome::closed;
  const std::size_t limit = capacity_ + (urgent ? urgent_allowance : 0);
  return bytes_ == 0 || bytes_ + bytes <= limit ? PushOutcome::accepted : PushOutcome::full;
}

PushOutcome WriteQueue::would_accept(std::size_t bytes, bool urgent) const {
  base::MutexLock lock(mutex_);
  return verdict(bytes, urgent);
}

PushOutcome WriteQueue::try_push(Pending& item) {
  {
    base::MutexLock lock(mutex_);
    if (const PushOutcome outcome = verdict(item.bytes, item.urgent()); outcome != PushOutcome::accepted) return outcome;
    item.ticket = ++accepted_;
    bytes_ += item.bytes;
    items_.push_back(std::move(item));
  }
  work_.notify_one();
  return PushOutcome::accepted;
}

void WriteQueue::on_space(std::function<void()> callback) {
  {
    base::MutexLock lock(mutex_);
    if (!closed_ && bytes_ > capacity_ / 2) {
      waiting_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

void WriteQueue::close() {
  std::vector<std::function<void()>> callbacks;
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    callbacks.swap(waiting_);
  }
  work_.notify_all();
  for (auto& callback : callbacks) callback();
}

void WriteQueue::take(Group& group, std::size_t max_bytes) {
  base::MutexLock lock(mutex_);
  std::size_t taken = 0;
  while (!items_.empty() && (group.empty() || taken + items_.front().bytes <= max_bytes)) {
    taken += items_.front().bytes;
    group.items.push_back(std::move(items_.front()));
    items_.pop_front();
  }
}

std::vector<Pending> WriteQueue::take_urgent(Group& group) {
  base::MutexLock lock(mutex_);
  Blocked blocked;
  std::vector<Pending> out;
  move_urgent(group.items, blocked, out);
  move_urgent(items_, blocked, out);
  return out;
}

void WriteQueue::finish(std::size_t bytes, bool group_done) {
  std::vector<std::function<void()>> callbacks;
  {
    base::MutexLock lock(mutex_);
    bytes_ -= bytes;
    if (group_done) written_ = items_.empty() ? accepted_ : items_.front().ticket - 1;
    if (bytes_ <= capacity_ / 2) callbacks.swap(waiting_);
  }
  progress_.notify_all();
  for (auto& callback : callbacks) callback();
}

void WriteQueue::note_synced(std::uint64_t ticket) {
  {
    base::MutexLock lock(mutex_);
    synced_ = std::max(synced_, ticket);
  }
  progress_.notify_all();
}

std::uint64_t WriteQueue::accepted() const {
  base::MutexLock lock(mutex_);
  return accepted_;
}

bool WriteQueue::reached(std::uint64_t ticket, bool durable) const {
  base::MutexLock lock(mutex_);
  return (durable ? synced_ : written_) >= ticket;
}

bool WriteQueue::wait_reached(std::uint64_t ticket, bool durable, std::chrono::nanoseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  base::MutexLock lock(mutex_);
  while ((durable ? synced_ : written_) < ticket) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    progress_.wait_for(mutex_, left);
  }
  return true;
}

std::uint64_t WriteQueue::written() const {
  base::MutexLock lock(mutex_);
  return written_;
}

bool WriteQueue::has_items() const {
  base::MutexLock lock(mutex_);
  return !items_.empty();
}

bool WriteQueue::closed() const {
  base::MutexLock lock(mutex_);
  return closed_;
}

void WriteQueue::wait_for_work(std::chrono::nanoseconds timeout, bool stuck) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  base::MutexLock lock(mutex_);
  while (!closed_ && (stuck || items_.empty())) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return;
    work_.wait_for(mutex_, left);
  }
}

std::size_t WriteQueue::bytes() const {
  base::MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace telltale::store
