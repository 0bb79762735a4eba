// What the writer thread tells the catalog's thread: digests of commits, bounded; when they are too many they are dropped and the catalog
// scans instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "store/catalog/stream_index.h"

namespace telltale::store {

// What there is to do for the catalog's thread.
struct CommitWork {
  std::vector<Digest> digests;
  std::vector<record::SequenceRange> lost;  // what damage took of records that were committed
  bool scan = false;                        // digests were dropped (and none is here): the store knows what they said
  std::uint64_t asked = 0;                  // flushes asked for so far
  bool stop = false;
};

// Thread-safe.
class CommitQueue {
 public:
  explicit CommitQueue(std::size_t max_digests) : max_digests_(max_digests) {}

  // On the writer thread: never waits.
  void push(const CommittedBatch& batch) TT_EXCLUDES(mutex_);
  // Waits until somebody asks for a flush, stops, the queue is half full or the time has passed.
  CommitWork take(std::chrono::nanoseconds wait) TT_EXCLUDES(mutex_);
  // The scan could not be done: it is asked for again.
  void scan_again() TT_EXCLUDES(mutex_);

  // Asks for a flush and waits for its done(). False when the time has passed or the queue is stopped.
  bool flush(std::chrono::nanoseconds wait) TT_EXCLUDES(mutex_);
  void done(std::uint64_t asked) TT_EXCLUDES(mutex_);
  // Waits for the first done(), which comes by itself: what the file did not have at its opening has been looked at. False as flush().
  bool wait_for_first(std::chrono::nanoseconds wait) TT_EXCLUDES(mutex_);
  void stop() TT_EXCLUDES(mutex_);
  bool stopped() const TT_EXCLUDES(mutex_);

 private:
  bool wait_until_done(std::uint64_t asked, std::chrono::steady_clock::time_point deadline) TT_REQUIRES(mutex_);

  const std::size_t max_digests_;
  mutable base::Mutex mutex_;
  base::Condition changed_;
  std::vector<Digest> digests_ TT_GUARDED_BY(mutex_);
  std::vector<record::SequenceRange> lost_ TT_GUARDED_BY(mutex_);
  bool scan_ TT_GUARDED_BY(mutex_) = true;  // at first: what the file does not have yet
  std::uint64_t asked_ TT_GUARDED_BY(mutex_) = 1;
  std::uint64_t done_ TT_GUARDED_BY(mutex_) = 0;
  bool stop_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::store
