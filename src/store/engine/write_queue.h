// What was pushed and is not written yet, and how far writing has come. Bounded by bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "record/ports.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

// One accepted batch.
struct Pending {
  EncodedItem item;
  record::Batch batch;  // for the listeners
  std::size_t bytes = 0;
  std::uint64_t ticket = 0;  // 1, 2, 3… in order of acceptance
  // Gaps and lone positions: they get in when the queue is full and are written from the reserve when the disk is.
  bool urgent() const { return item.record_count == item.gap_count && bytes <= 16 * 1024; }
};

// The writer's turn: batches that go into one frame.
struct Group {
  std::vector<Pending> items;
  bool empty() const { return items.empty(); }
};

// Producers push, one writer takes, anybody waits for tickets. Thread-safe.
class WriteQueue {
 public:
  explicit WriteQueue(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // Whether a push of so many bytes would be accepted now.
  record::PushOutcome would_accept(std::size_t bytes, bool urgent) const TT_EXCLUDES(mutex_);
  // On anything but `accepted` the item is untouched.
  record::PushOutcome try_push(Pending& item) TT_EXCLUDES(mutex_);
  // As base::ByteQueue::on_space.
  void on_space(std::function<void()> callback) TT_EXCLUDES(mutex_);
  void close() TT_EXCLUDES(mutex_);

  // Moves items of up to `max_bytes` (one at least) into an empty group. Their bytes count as queued until finish().
  void take(Group& group, std::size_t max_bytes) TT_EXCLUDES(mutex_);
  // Moves urgent items out of the group and the queue that no earlier item of their stream or position key stands before.
  std::vector<Pending> take_urgent(Group& group) TT_EXCLUDES(mutex_);
  // These bytes left the queue. With `group_done` the writer's group is empty: all that is not in the queue is written.
  void finish(std::size_t bytes, bool group_done) TT_EXCLUDES(mutex_);
  void note_synced(std::uint64_t ticket) TT_EXCLUDES(mutex_);

  // The newest ticket: wait for it, and everything accepted before the call is written.
  std::uint64_t accepted() const TT_EXCLUDES(mutex_);
  bool reached(std::uint64_t ticket, bool durable) const TT_EXCLUDES(mutex_);
  // False when the time passed before.
  bool wait_reached(std::uint64_t ticket, bool durable, std::chrono::nanoseconds timeout) TT_EXCLUDES(mutex_);

  // For the writer.
  std::uint64_t written() const TT_EXCLUDES(mutex_);
  bool has_items() const TT_EXCLUDES(mutex_);
  bool closed() const TT_EXCLUDES(mutex_);
  // Sleeps until there are items, the queue is closed or the time is over. With `stuck` (the disk is full) items are no reason to wake.
  void wait_for_work(std::chrono::nanoseconds timeout, bool stuck) TT_EXCLUDES(mutex_);
  std::size_t bytes() const TT_EXCLUDES(mutex_);

 private:
  record::PushOutcome verdict(std::size_t bytes, bool urgent) const TT_REQUIRES(mutex_);

  const std::size_t capacity_;
  mutable base::Mutex mutex_;
  base::Condition work_;
  base::Condition progress_;
  std::deque<Pending> items_ TT_GUARDED_BY(mutex_);
  std::size_t bytes_ TT_GUARDED_BY(mutex_) = 0;
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  std::uint64_t accepted_ TT_GUARDED_BY(mutex_) = 0;
  std::uint64_t written_ TT_GUARDED_BY(mutex_) = 0;
  std::uint64_t synced_ TT_GUARDED_BY(mutex_) = 0;
  std::vector<std::function<void()>> waiting_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::store
