// For tests: a scripted server without a socket, one stream of it without the thread, and a store that is behind.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/testing/manual_clock.h"
#include "sources/follow/follow_stream.h"
#include "sources/follow/stored_streams.h"
#include "sources/follow/testing/lagging_store.h"
#include "sources/follow/testing/memory_transport.h"

namespace telltale::sources::testing {

// The same each time.
class SeededRandom final : public base::Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<std::uint8_t>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

class FollowHarness {
 public:
  explicit FollowHarness(ScriptedHabits habits = {}) : log(habits), transport(std::make_shared<MemoryTransport>(log)) {
    options.kind = "scripted";
    store.on_commit = [this](const record::Position& position) {
      if (position.key == follow_key(key)) stream->committed(position);
    };
  }

  void start() {
    stream.reset();
    // As the connections of a process that ended.
    transport = std::make_shared<MemoryTransport>(log);
    transport->reachable = reachable;
    transport->on_open = on_open;
    const auto streams = read_stored_streams("scripted", store.positions());
    const auto found = streams.find(key);
    ++life_;
    stream = std::make_unique<FollowStream>(
        options, ports,
        FollowTarget{key, record::make_stream(record::Labels({{"service", "api"}, {"source", "scripted"}})), transport, begin},
        found == streams.end() ? FollowDelivery::Stored{} : found->second,
        [this](std::uint64_t connection, std::shared_ptr<FollowIntake> intake) {
          return std::make_shared<Handler>(*this, life_, connection, std::move(intake));
        });
  }
  void kill_and_start() {
    store.kill();
    start();
  }

  void advance() {
    stream->advance([] {});
  }
  // All that the server has goes all the way, also over its breaks.
  void settle() {
    for (int quiet = 0; quiet < 3;) {
      advance();
      const bool told = transport->give(1 << 16);
      advance();
      const bool busy = told || !store.idle();
      store.commit_all();
      quiet = busy ? 0 : quiet + 1;
    }
  }
  // All connections break, and the stream sees it.
  void cut() {
    transport->cut();
    advance();
  }
  // The server is asked again when its time has come.
  void wait(std::int64_t nanos) {
    clock.advance(nanos);
    settle();
  }

  // The server's clock is the engine's, unless a test says otherwise.
  void write(std::string text, std::int64_t after_ns = 0, std::uint8_t channel = 1) {
    log.write(clock.wall() + after_ns, std::move(text), channel);
  }

  const std::string key = "scripted:one";
  base::UnixNanos begin = 0;
  bool reachable = true;
  std::function<void(const FollowRequest&)> on_open;
  base::testing::ManualClock clock;
  ScriptedLog log;
  std::shared_ptr<MemoryTransport> transport;
  LaggingStore store;
  SeededRandom random;
  base::KeyedHasher hasher{"key"};
  telemetry::Metrics registry;
  FollowMetrics metrics{registry, "scripted"};
  FollowOptions options;
  FollowStreamPorts ports{clock, store, store, random, hasher, metrics};
  std::unique_ptr<FollowStream> stream;

 private:
  class Handler final : public FollowHandler {
   public:
    Handler(FollowHarness& harness, int life, std::uint64_t connection, std::shared_ptr<FollowIntake> intake)
        : harness_(harness), life_(life), connection_(connection), intake_(std::move(intake)) {}
    void answered(FollowAnswer answer) override { tell(std::move(answer)); }
    bool bytes(std::string_view bytes) override {
      const bool more = intake_->add(bytes.size());
      tell(std::string(bytes));
      return more;
    }
    void closed(FollowEnd end) override { tell(std::move(end)); }

   private:
    template <class What>
    void tell(What what) {
      if (life_ == harness_.life_) harness_.stream->received({connection_, std::move(what)});
    }
    FollowHarness& harness_;
    const int life_;
    const std::uint64_t connection_;
    const std::shared_ptr<FollowIntake> intake_;
  };
  int life_ = 0;
};

}  // namespace telltale::sources::testing
