// A pipeline and a store that are at the end of their work at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "record/ports.h"

namespace telltale::sources::testing {

// Commits what is pushed on the thread that pushes, or holds it back. Any thread.
class CommittingSink final : public record::BlockSink, public record::BatchSink {
 public:
  // What is committed is told it. Set before anything is pushed.
  record::CommitListener* listener = nullptr;

  record::PushOutcome try_push(record::RawBlock& block) override {
    auto committed = std::make_shared<record::CommittedBatch>();
    committed->batch.stream = block.stream;
    committed->batch.position = block.position;
    const bool has_lines = !block.bytes.empty();
    std::vector<record::CommittedBatchRef> ready;
    {
      base::MutexLock lock(mutex_);
      text_ += block.bytes;
      if (has_lines) held_.push_back(std::move(committed));
      if (!hold_) ready.swap(held_);
    }
    block = {};
    changed_.notify_all();
    for (const auto& batch : ready) listener->on_commit(batch);
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { callback(); }
  record::PushOutcome try_push(record::Batch&) override { return record::PushOutcome::accepted; }
  void on_space(std::function<void()> callback) override { callback(); }

  void hold() TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    hold_ = true;
  }
  void release() TT_EXCLUDES(mutex_) {
    std::vector<record::CommittedBatchRef> ready;
    {
      base::MutexLock lock(mutex_);
      hold_ = false;
      ready.swap(held_);
    }
    for (const auto& batch : ready) listener->on_commit(batch);
  }

  // Of all blocks, in the order of their coming.
  std::string text() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return text_;
  }
  // False: it is something else when the time has passed.
  bool wait_for(const std::string& expected, std::int64_t timeout_ns) TT_EXCLUDES(mutex_) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
    base::MutexLock lock(mutex_);
    while (text_ != expected && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::seconds(1));
    return text_ == expected;
  }

 private:
  mutable base::Mutex mutex_;
  base::Condition changed_;
  std::string text_ TT_GUARDED_BY(mutex_);
  std::vector<record::CommittedBatchRef> held_ TT_GUARDED_BY(mutex_);
  bool hold_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::sources::testing
