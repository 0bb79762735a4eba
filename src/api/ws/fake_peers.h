// For tests of live streams: a store that commits, a client that can stop reading, an executor with threads.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/wire/executor.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "base/text.h"
#include "live/hub.h"
#include "net/ws/ws.h"
#include "store/engine/store.h"

namespace telltale::api::testing {

// Keeps what is committed and tells the hub, as a store does. Thread-safe.
class CommittingStore final : public store::StoreReader {
 public:
  explicit CommittingStore(live::Hub* hub = nullptr, record::Sequence first = 1) : hub_(hub), next_(first) {}

  // One batch of records "LINE" of a service; returns the last sequence. One thread at a time.
  record::Sequence commit(const std::string& service, const std::vector<std::string>& lines) {
    auto committed = std::make_shared<record::CommittedBatch>();
    record::Batch& batch = committed->batch;
    batch.stream = record::make_stream(record::Labels({{"service", service}}));
    for (const std::string& line : lines) {
      record::Record record;
      record.observed_time = 1'700'000'000'000'000'000;
      record.line = record.body = {static_cast<std::uint32_t>(batch.text.size()), static_cast<std::uint32_t>(line.size())};
      batch.text += line;
      batch.records.push_back(record);
    }
    {
      base::MutexLock lock(mutex_);
      committed->first_sequence = next_;
      next_ += lines.size();
      batches_.push_back(committed);
    }
    if (hub_ != nullptr) hub_->on_commit(committed);
    return committed->last_sequence();
  }
  // As retention does.
  void forget_before(record::Sequence sequence) {
    base::MutexLock lock(mutex_);
    std::erase_if(batches_, [&](const auto& batch) { return batch->last_sequence() < sequence; });
  }

  base::Status scan(const store::ScanRange& range, const store::StreamFilter& filter, const store::BatchVisitor& visitor) const override {
    std::vector<record::CommittedBatchRef> batches = snapshot();
    if (range.newest_first) std::reverse(batches.begin(), batches.end());
    for (const auto& batch : batches) {
      if (batch->last_sequence() < range.from_sequence || batch->first_sequence > range.to_sequence) continue;
      if (filter(*batch->batch.stream) && visitor(batch) == store::ScanStep::stop) break;
    }
    return {};
  }
  std::vector<record::StreamRef> streams() const override { return {}; }
  store::StoreStats stats() const override {
    base::MutexLock lock(mutex_);
    store::StoreStats stats;
    stats.first_sequence = batches_.empty() ? next_ : batches_.front()->first_sequence;
    stats.next_sequence = next_;
    return stats;
  }
  std::string cursor(record::Sequence sequence) const override { return "c" + std::to_string(sequence); }
  base::Result<record::Sequence> read_cursor(std::string_view text) const override {
    if (!text.starts_with('c')) return base::fail(base::ErrorCode::cursor_invalid, "the cursor is not one of this store");
    return std::stoull(std::string(text.substr(1)));
  }

 private:
  std::vector<record::CommittedBatchRef> snapshot() const {
    base::MutexLock lock(mutex_);
    return batches_;
  }

  live::Hub* const hub_;
  mutable base::Mutex mutex_;
  std::vector<record::CommittedBatchRef> batches_ TT_GUARDED_BY(mutex_);
  record::Sequence next_ TT_GUARDED_BY(mutex_);
};

// The client's end. While it does not read, what is sent is queued.
class FakeConnection final : public net::WsConnection {
 public:
  void send_frames(std::shared_ptr<const std::string> frames) override {
    base::MutexLock lock(mutex_);
    if (reading_) {
      take(*frames);
    } else {
      queued_ += frames->size();
      waiting_.push_back(frames);
    }
    buffers_.push_back(std::move(frames));
    changed_.notify_all();
  }
  void send_text(std::string_view text) override {
    std::string frame;
    net::append_ws_text_frame(frame, text);
    send_frames(std::make_shared<const std::string>(std::move(frame)));
  }
  std::size_t queued_bytes() const override {
    base::MutexLock lock(mutex_);
    return queued_;
  }
  void close(unsigned short code, std::string_view) override {
    base::MutexLock lock(mutex_);
    close_code_ = code;
    changed_.notify_all();
  }
  void post(std::function<void()> task) override { task(); }

  void stop_reading() {
    base::MutexLock lock(mutex_);
    reading_ = false;
  }
  // The caller then tells the handler on_drained.
  void read_again() {
    base::MutexLock lock(mutex_);
    reading_ = true;
    for (const auto& frames : waiting_) take(*frames);
    waiting_.clear();
    queued_ = 0;
    changed_.notify_all();
  }

  // Waits until `done` is true of the messages so far, and gives them; gives up after 20 s.
  std::vector<std::string> wait(const std::function<bool(const std::vector<std::string>&)>& done) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    base::MutexLock lock(mutex_);
    while (!done(messages_) && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::milliseconds(50));
    return messages_;
  }
  std::vector<std::string> wait_for_count(std::size_t count) const {
    return wait([count](const auto& messages) { return messages.size() >= count; });
  }
  bool wait_for_text(std::string_view part) const {
    const auto has = [part](const auto& messages) {
      return std::any_of(messages.begin(), messages.end(), [&](const auto& text) { return text.find(part) != std::string::npos; });
    };
    return has(wait(has));
  }
  bool wait_for_queue() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    base::MutexLock lock(mutex_);
    while (queued_ == 0 && std::chrono::steady_clock::now() < deadline) changed_.wait_for(mutex_, std::chrono::milliseconds(50));
    return queued_ > 0;
  }
  std::vector<std::shared_ptr<const std::string>> buffers() const {
    base::MutexLock lock(mutex_);
    return buffers_;
  }
  int close_code() const {
    base::MutexLock lock(mutex_);
    return close_code_;
  }

 private:
  // RFC 6455, section 5.2: unmasked text frames of a server.
  void take(std::string_view frames) TT_REQUIRES(mutex_) {
    while (!frames.empty()) {
      const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(frames[i])); };
      std::size_t size = byte(1);
      std::size_t head = 2;
      const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
      if (more > 0) size = 0;
      for (std::size_t i = 0; i < more; ++i) size = size << 8 | byte(2 + i);
      head += more;
      messages_.emplace_back(frames.substr(head, size));
      frames.remove_prefix(head + size);
    }
  }

  mutable base::Mutex mutex_;
  mutable base::Condition changed_;
  bool reading_ TT_GUARDED_BY(mutex_) = true;
  std::size_t queued_ TT_GUARDED_BY(mutex_) = 0;
  int close_code_ TT_GUARDED_BY(mutex_) = 0;
  std::deque<std::shared_ptr<const std::string>> waiting_ TT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const std::string>> buffers_ TT_GUARDED_BY(mutex_);
  std::vector<std::string> messages_ TT_GUARDED_BY(mutex_);
};

class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(int threads) : group_("test") {
    for (int i = 0; i < threads; ++i) group_.spawn("test", [this](std::stop_token stop) { run(stop); });
  }
  ~ThreadExecutor() override {
    group_.request_stop();
    {
      base::MutexLock lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_all();
    group_.close();
  }
  bool post(std::function<void()> task) override {
    base::MutexLock lock(mutex_);
    if (stopping_) return false;
    tasks_.push_back(std::move(task));
    ready_.notify_one();
    return true;
  }

 private:
  void run(const std::stop_token&) {
    for (;;) {
      std::function<void()> task;
      {
        base::MutexLock lock(mutex_);
        while (tasks_.empty() && !stopping_) ready_.wait(mutex_);
        if (stopping_) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  base::Mutex mutex_;
  base::Condition ready_;
  std::deque<std::function<void()>> tasks_ TT_GUARDED_BY(mutex_);
  bool stopping_ TT_GUARDED_BY(mutex_) = false;
  base::TaskGroup group_;
};

}  // namespace telltale::api::testing
