// For tests: a whole relay against a whole process source over loopback, and the starter's side of both.
#pragma once

#include <fcntl.h>

#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/spawn.h"
#include "net/testing/test_server.h"
#include "record/gap.h"
#include "sources/process/process_source.h"
#include "sources/relay/relay.h"

namespace telltale::sources::testing {

using Kind = ControlMessage::Kind;

inline constexpr std::int64_t long_time = 30 * base::nanos_per_second;

// Pipeline and store in one. While it holds, nothing is committed; what was not committed is gone with kill().
class RelayStore final : public record::BlockSink, public record::BatchSink {
 public:
  struct Kept {
    std::string text;
    std::optional<record::Gap> gap;
    std::optional<record::Position> position;
  };

  record::PushOutcome try_push(record::RawBlock& block) override {
    take({block.bytes, {}, block.position});
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { callback(); }
  record::PushOutcome try_push(record::Batch& batch) override {
    take({{}, record::read_gap(batch, batch.records[0]), batch.position});
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { callback(); }

  void listen(record::CommitListener* listener) {
    base::MutexLock lock(mutex_);
    listener_ = listener;
  }
  void hold(bool holds) {
    base::MutexLock lock(mutex_);
    holds_ = holds;
    commit();
  }
  // The oldest, although it holds.
  bool commit_one() {
    base::MutexLock lock(mutex_);
    for (int i = 0; pending_.empty() && i < 300; ++i) changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    if (pending_.empty()) return false;
    std::vector<Kept> later(std::make_move_iterator(pending_.begin() + 1), std::make_move_iterator(pending_.end()));
    pending_.resize(1);
    const bool holds = std::exchange(holds_, false);
    commit();
    holds_ = holds;
    pending_ = std::move(later);
    return true;
  }
  void kill() {
    base::MutexLock lock(mutex_);
    pending_.clear();
    listener_ = nullptr;
  }
  std::string text() {
    base::MutexLock lock(mutex_);
    return text_;
  }
  std::vector<record::Gap> gaps() {
    base::MutexLock lock(mutex_);
    return gaps_;
  }
  std::vector<record::Position> positions() {
    base::MutexLock lock(mutex_);
    std::vector<record::Position> all;
    for (const auto& [key, value] : positions_) all.push_back({key, value});
    return all;
  }
  bool wait_for(const std::function<bool(const std::string&)>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(long_time);
    base::MutexLock lock(mutex_);
    while (!reached(text_)) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    }
    return true;
  }

 private:
  void take(Kept kept) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    pending_.push_back(std::move(kept));
    commit();
  }
  void commit() TT_REQUIRES(mutex_) {
    if (holds_) return;
    for (auto& kept : pending_) {
      text_ += kept.text;
      if (kept.gap) gaps_.push_back(*kept.gap);
      if (kept.position->value.empty()) positions_.erase(kept.position->key);
      if (!kept.position->value.empty()) positions_[kept.position->key] = kept.position->value;
      if (listener_ == nullptr) continue;
      // As the store does.
      if (kept.text.empty() && !kept.gap) {
        listener_->on_position(*kept.position);
        continue;
      }
      auto committed = std::make_shared<record::CommittedBatch>();
      committed->batch.position = kept.position;
      listener_->on_commit(committed);
    }
    pending_.clear();
    changed_.notify_all();
  }

  base::Mutex mutex_;
  base::Condition changed_;
  record::CommitListener* listener_ TT_GUARDED_BY(mutex_) = nullptr;
  bool holds_ TT_GUARDED_BY(mutex_) = false;
  std::vector<Kept> pending_ TT_GUARDED_BY(mutex_);
  std::string text_ TT_GUARDED_BY(mutex_);
  std::vector<record::Gap> gaps_ TT_GUARDED_BY(mutex_);
  std::map<std::string, std::string> positions_ TT_GUARDED_BY(mutex_);
};

class RelayHandler final : public net::WsHandler {
 public:
  explicit RelayHandler(ProcessSource& source) : source_(source) {}
  void on_open(const std::shared_ptr<net::WsConnection>& connection) override { id_ = source_.connect(std::make_shared<Peer>(connection)); }
  void on_text(std::string_view message) override { source_.text(id_, message); }
  bool on_binary(std::string_view message) override {
    source_.binary(id_, message);
    return true;
  }
  void on_drained() override {}
  void on_close() override { source_.disconnect(id_); }

 private:
  struct Peer final : RelayPeer {
    explicit Peer(std::shared_ptr<net::WsConnection> to) : connection(std::move(to)) {}
    void send(std::string text) override { connection->send_text(text); }
    void close(std::string_view why) override { connection->close(1008, why); }
    std::shared_ptr<net::WsConnection> connection;  // owned together with the session
  };
  ProcessSource& source_;
  RelayConnection id_ = 0;
};

// An engine on a store.
class RelayEngine {
 public:
  explicit RelayEngine(RelayStore& store) : store_(store) {
    source = std::make_unique<ProcessSource>(ProcessSourceOptions(), ProcessSourcePorts{clock_, store, store, metrics_, {}},
                                             store.positions(), std::vector<record::StreamRef>());
    store.listen(source.get());
    EXPECT_TRUE(source->start());
    net::ServerLimits limits;
    limits.max_message_bytes = relay_max_line_bytes + 64 * 1024;
    server_ = std::make_unique<net::testing::TestServer>(limits);
    server_->on_upgrade = [this](const net::Request&) { return std::make_unique<RelayHandler>(*source); };
  }
  // As a kill: connections break, what was not committed is gone.
  ~RelayEngine() {
    store_.kill();
    server_->stop();
    source->stop();
  }
  EngineTarget target() const { return {"http://127.0.0.1:" + std::to_string(server_->port()), ""}; }
  std::unique_ptr<ProcessSource> source;

 private:
  RelayStore& store_;
  base::SystemClock clock_;
  telemetry::Metrics metrics_;
  std::unique_ptr<net::testing::TestServer> server_;
};

// The starter's side.
class RelayTest : public ::testing::Test {
 protected:
  RelayTest() { std::signal(SIGPIPE, SIG_IGN); }
  ~RelayTest() override {
    finish();
    engine.reset();
  }

  void start_engine() {
    auto made = std::make_unique<RelayEngine>(store);
    base::MutexLock lock(mutex_);
    target_ = made->target();
    engine = std::move(made);
  }
  void kill_engine() {
    {
      base::MutexLock lock(mutex_);
      target_.reset();
    }
    engine.reset();
  }
  void start_relay(const std::string& name = "r1") {
    auto ends = ControlChannel::make_pair().value();
    control = std::make_unique<ControlChannel>(std::move(ends.first));
    options.relay = name;
    relay = std::make_unique<Relay>(options, RelayPorts{clock, [this](bool) { return find(); }}, std::move(ends.second));
    thread = std::jthread([this] { EXPECT_TRUE(std::exchange(relay, nullptr)->run()); });
    ASSERT_TRUE(control->send({.kind = Kind::start, .text = "run-1", .host = "box"}, {progress.get()}));
  }
  // A pipe that the relay reads; its writing end.
  base::Descriptor add(std::uint64_t number, std::string ready_text = {}, int through = -1, bool resumed = false) {
    if (!resumed) {
      auto made = base::make_pipe().value();
      readers[number] = std::move(made.read);
      writers[number] = std::move(made.write);
    }
    std::vector<int> descriptors{readers[number].get()};
    if (through >= 0) descriptors.push_back(through);
    const ControlMessage message{.kind = Kind::stream,
                                 .number = number,
                                 .key = "k" + std::to_string(number),
                                 .ready_text = std::move(ready_text),
                                 .labels = {{"service", "api"}, {"stream", "stdout"}},
                                 .flag = resumed};
    EXPECT_TRUE(control->send(message, descriptors));
    return base::Descriptor(::fcntl(writers[number].get(), F_DUPFD_CLOEXEC, 0));
  }
  static void write(const base::Descriptor& to, std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(to.get(), text.data(), text.size());
      ASSERT_GT(written, 0);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  // The next message of a kind; others are passed over.
  ControlMessage expect(Kind kind) {
    while (true) {
      auto packet = control->receive();
      if (!packet) {
        ADD_FAILURE() << "the relay is gone";
        return {};
      }
      if (packet->message.kind == kind) return packet->message;
    }
  }
  ControlMessage drain(std::uint64_t timeout_ms = 30'000) {
    EXPECT_TRUE(control->send({.kind = Kind::drain, .number = 7, .timeout_ms = timeout_ms}));
    return expect(Kind::drained);
  }
  void end_pipes() {
    readers.clear();
    writers.clear();
  }
  // Waits until the relay has ended by itself.
  void finish() {
    end_pipes();
    if (control != nullptr) static_cast<void>(control->send({.kind = Kind::finish}));
    if (thread.joinable()) thread.join();
    control.reset();
  }

  base::SystemClock clock;
  RelayStore store;
  std::unique_ptr<RelayEngine> engine;
  base::Descriptor progress = Progress::make().value();
  RelayOptions options{.relay = "r1", .linger_ns = long_time, .grace_ns = 300 * base::nanos_per_millisecond};
  std::unique_ptr<ControlChannel> control;
  std::unique_ptr<Relay> relay;
  std::jthread thread;
  std::map<std::uint64_t, base::Descriptor> readers;  // as a starter keeps them: no program gets SIGPIPE when its relay dies
  std::map<std::uint64_t, base::Descriptor> writers;

 private:
  base::Result<EngineTarget> find() {
    base::MutexLock lock(mutex_);
    if (target_) return *target_;
    return base::fail(base::ErrorCode::engine_not_found, "no engine");
  }
  base::Mutex mutex_;
  std::optional<EngineTarget> target_ TT_GUARDED_BY(mutex_);
};

// Lines of the numbers from `from` to before `to`.
inline std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

}  // namespace telltale::sources::testing
