// The live hub: keeps the newest batches in a ring bounded by bytes and wakes subscribers, which hold sequences.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "record/ports.h"

namespace telltale::live {

using record::CommittedBatchRef;
using record::Sequence;

// What a reader gets from the ring.
struct ReadResult {
  std::vector<CommittedBatchRef> batches;  // the first may begin before `after + 1`, the reader skips
  Sequence next = 0;                       // read on after this
  bool missed = false;                     // the ring no longer holds all after the asked sequence
  Sequence missed_to = 0;                  // last sequence that is in the store but no longer here
};

class Subscription;

// Thread-safe. on_commit comes from the store's writer thread and never waits for a subscriber.
class Hub final : public record::CommitListener {
 public:
  explicit Hub(std::size_t ring_bytes);
  ~Hub() override;

  void on_commit(const CommittedBatchRef& batch) override;

  // `wake` is called (on the writer thread, at most once until the subscriber reads) when something newer than it has read is there; it
  // only posts to an executor. The subscription ends when the returned handle is destroyed; after that `wake` is not called.
  std::unique_ptr<Subscription> subscribe(std::function<void()> wake);

  // At most `max_bytes` of batches with sequences > after, oldest first.
  ReadResult read(Sequence after, std::size_t max_bytes) const;
  // Highest sequence committed while the hub lives; 0: none.
  Sequence newest() const;

 private:
  friend class Subscription;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Owned by one reader.
class Subscription {
 public:
  virtual ~Subscription() = default;
  // Arms the wake-up again: call before reading.
  virtual void rearm() = 0;
};

}  // namespace telltale::live
