// Crash points of a followed stream: the power goes off at each operation on files while lines of a server are stored, the engine comes up
// again, asks the server, and has each line once, or a gap for what the server lost meanwhile.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "pipeline/flow/pipeline.h"
#include "sources/follow/testing/follow_harness.h"
#include "store/engine/testing/test_store.h"
#include "tests/fault/crash_scenario.h"

namespace telltale::testing {
namespace {

using base::nanos_per_second;
using base::testing::FaultyFiles;
using sources::FollowStream;
using sources::testing::MemoryTransport;
using sources::testing::ScriptedHabits;
using sources::testing::ScriptedLog;
using store::testing::TestStore;

constexpr const char* stream_key = "scripted:one";

// The real pipeline of one stream, on the caller's thread, in front of the store.
class InlinePipeline final : public record::BlockSink {
 public:
  InlinePipeline(TestStore& store, telemetry::Metrics& metrics) : store_(store), metrics_(metrics) {}

  record::PushOutcome try_push(record::RawBlock& block) override {
    pipeline_.process(std::move(block), store_.clock.mono(), ready_);
    deliver();
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()>) override {}
  void flush() override {
    pipeline_.flush(ready_);
    deliver();
  }

 private:
  void deliver() {
    for (record::Batch& batch : ready_) store_.push(std::move(batch));
    ready_.clear();
  }
  TestStore& store_;
  pipeline::PipelineMetrics metrics_;
  const pipeline::Stages stages_;
  pipeline::PipelineScratch scratch_{stages_};
  pipeline::Pipeline pipeline_{stages_, scratch_, metrics_};
  std::vector<record::Batch> ready_;
};

// An engine from its start to its end, or to the power's: store, pipeline, and the stream of one server.
class Life final : public record::CommitListener {
 public:
  Life(FaultyFiles& files, const store::StoreOptions& options, const ScriptedLog& log, const sources::FollowOptions& follow)
      : store(files, options), log_(log), follow_(follow) {
    store.listeners = {this};
  }
  bool begin() {
    if (!store.open()) return false;
    transport = std::make_shared<MemoryTransport>(log_);
    metrics_ = std::make_unique<sources::FollowMetrics>(registry_, "scripted");
    pipeline = std::make_unique<InlinePipeline>(store, registry_);
    ports_.emplace(sources::FollowStreamPorts{store.clock, *pipeline, store.engine->sink(), random_, store.engine->hasher(), *metrics_});
    const auto streams = sources::read_stored_streams("scripted", store.engine->positions());
    const auto found = streams.find(stream_key);
    stream = std::make_unique<FollowStream>(
        follow_, *ports_,
        sources::FollowTarget{stream_key, record::make_stream(record::Labels({{"service", "api"}, {"source", "scripted"}})), transport},
        found == streams.end() ? sources::FollowDelivery::Stored{} : found->second,
        [this](std::uint64_t connection, std::shared_ptr<sources::FollowIntake> intake) {
          return std::make_shared<Handler>(*this, connection, std::move(intake));
        });
    return true;
  }
  void on_commit(const record::CommittedBatchRef& batch) override {
    if (batch->batch.position) on_position(*batch->batch.position);
  }
  void on_position(const record::Position& position) override {
    if (position.key == sources::follow_key(stream_key)) committed.push_back(position);
  }

  // Takes so many bytes of the server's, at most.
  void read(std::size_t bytes) {
    advance();
    transport->give(bytes);
    advance();
  }
  void commit(bool durable) {
    pipeline->flush();
    static_cast<void>(store.engine->flush(durable, 0));
    advance();
  }
  // All that the server has is stored. False: the store does not take it.
  bool settle() {
    for (int quiet = 0, rounds = 0; quiet < 4; ++rounds) {
      if (rounds > 2000) return false;
      advance();
      const bool told = transport->give(4096);
      commit(true);
      quiet = told || !stream->is_settled() ? 0 : quiet + 1;
      if (!told) store.clock.advance(nanos_per_second / 2);
    }
    return true;
  }

  std::vector<record::Position> committed;  // before the store, which tells of more as it ends
  TestStore store;
  std::shared_ptr<MemoryTransport> transport;
  std::unique_ptr<InlinePipeline> pipeline;
  std::unique_ptr<FollowStream> stream;

 private:
  class Handler final : public sources::FollowHandler {
   public:
    Handler(Life& life, std::uint64_t connection, std::shared_ptr<sources::FollowIntake> intake)
        : life_(life), connection_(connection), intake_(std::move(intake)) {}
    void answered(sources::FollowAnswer answer) override { life_.stream->received({connection_, std::move(answer)}); }
    bool bytes(std::string_view bytes) override {
      const bool more = intake_->add(bytes.size());
      life_.stream->received({connection_, std::string(bytes)});
      return more;
    }
    void closed(sources::FollowEnd end) override { life_.stream->received({connection_, std::move(end)}); }

   private:
    Life& life_;
    const std::uint64_t connection_;
    const std::shared_ptr<sources::FollowIntake> intake_;
  };
  void advance() {
    for (const record::Position& position : std::exchange(committed, {})) stream->committed(position);
    stream->advance([] {});
  }

  const ScriptedLog& log_;
  const sources::FollowOptions& follow_;
  telemetry::Metrics registry_;
  sources::testing::SeededRandom random_;
  std::unique_ptr<sources::FollowMetrics> metrics_;
  std::optional<sources::FollowStreamPorts> ports_;
};

// The server is another machine: what it has survives.
class FollowScenario : public CrashScenario {
 public:
  FollowScenario() {
    follow_.kind = "scripted";
    follow_.block_bytes = 120;
    follow_.chunk_marks = 4;
  }
  void prepare(FaultyFiles&) override {}

  std::vector<std::string> check(FaultyFiles& files) override {
    Life life(files, options(), log_, follow_);
    if (!life.begin()) return {"it does not open"};
    write(3);
    if (!life.settle()) return {"it does not come to rest"};
    look(life);
    finish(life);
    life.stream.reset();
    if (auto closed = life.store.engine->close(); !closed) failures_.push_back("it does not close: " + closed.error().message());
    return failures_;
  }

 protected:
  virtual store::StoreOptions options() const {
    store::StoreOptions options;
    options.folder = "data";
    return options;
  }
  // More that is to be looked at when all is stored.
  virtual void finish(Life&) {}
  template <class Use>
  void live(FaultyFiles& files, Use use) {
    Life life(files, options(), log_, follow_);
    if (life.begin()) use(life);
  }
  // By the server's clock, which goes on while the engine is down; two channels are a little out of order.
  void write(int count) {
    for (; count > 0; --count) {
      now_ += 150 * base::nanos_per_millisecond;
      log_.write(now_ - (written_ % 3) * 200 * base::nanos_per_millisecond, fmt::format("line {}", written_));
      ++written_;
    }
  }
  void fail(std::string text) { failures_.push_back(std::move(text)); }

  struct Found {
    std::map<std::string, int> lines;
    std::vector<record::Gap> gaps;
  };
  Found found_;
  ScriptedLog log_{ScriptedHabits{}};
  sources::FollowOptions follow_;
  base::UnixNanos now_ = 1'700'000'000 * nanos_per_second;
  int written_ = 0;
  int may_miss_from_ = 0;  // lines [from, to) may be gone from the server
  int may_miss_to_ = 0;
  base::UnixNanos lost_from_ = INT64_MAX;
  base::UnixNanos lost_to_ = INT64_MIN;
  std::vector<std::string> failures_;

 private:
  void look(Life& life) {
    found_ = {};
    const auto status = life.store.engine->scan({}, {}, [&](const record::CommittedBatchRef& batch) {
      for (const record::Record& record : batch->batch.records) {
        const auto gap = record::read_gap(batch->batch, record);
        gap ? found_.gaps.push_back(*gap) : void(++found_.lines[std::string(batch->batch.line(record))]);
      }
      return store::ScanStep::go_on;
    });
    if (!status) fail("scan: " + status.error().message());
    bool missing = false;
    for (int i = 0; i < written_; ++i) {
      const int count = found_.lines[fmt::format("line {}", i)];
      if (count == 0 && i >= may_miss_from_ && i < may_miss_to_) {
        missing = true;
        continue;
      }
      if (count != 1) fail(fmt::format("line {} is there {} times", i, count));
    }
    if (found_.lines.size() > static_cast<std::size_t>(written_)) fail("a line is there that was never written");
    if (missing && found_.gaps.empty()) fail("lines are missing without a gap");
    if (!missing && may_miss_to_ == 0 && !found_.gaps.empty()) fail("a gap is there, and nothing is missing");
    for (const record::Gap& gap : found_.gaps)
      if (gap.from_time > lost_from_ || gap.to_time < lost_to_) fail("the gap does not hold what is missing");
    if (found_.gaps.size() > 1) fail(fmt::format("one loss is stated {} times", found_.gaps.size()));
  }
};

// Lines are delivered, the connection breaks, the engine ends and goes on.
class Following : public FollowScenario {
  void run(FaultyFiles& files) override {
    live(files, [&](Life& life) {
      write(6);
      for (int i = 0; i < 6; ++i) {
        life.read(150);
        if (i % 2 == 1) life.commit(i % 4 == 3);
        write(2);
        life.store.clock.advance(nanos_per_second / 4);
      }
      life.transport->cut();
      write(3);
    });
    live(files, [&](Life& life) {
      for (int i = 0; i < 8; ++i) {
        life.read(200);
        life.commit(i == 5);
        life.store.clock.advance(nanos_per_second / 4);
      }
      write(2);
      life.read(4096);
    });
  }
};

// Segments are so small that positions and chunks of marks go from one to the next.
class FollowingOverSegments final : public Following {
  store::StoreOptions options() const override {
    store::StoreOptions options = Following::options();
    options.segment_bytes = 1200;
    options.compress = false;
    return options;
  }
};

// The server rotates away what was not read: the gap and the place behind it are one.
class RotatedWhileAway final : public FollowScenario {
  void prepare(FaultyFiles& files) override {
    live(files, [&](Life& life) {
      write(5);
      life.settle();
    });
    now_ += 10 * nanos_per_second;
    lost_from_ = now_;
    write(5);
    lost_to_ = now_;
    write(2);
    log_.rotate(2);
    may_miss_from_ = 5;
    may_miss_to_ = 10;
  }
  void run(FaultyFiles& files) override {
    live(files, [&](Life& life) {
      life.store.clock.advance(10 * nanos_per_second);
      for (int i = 0; i < 6; ++i) {
        life.read(300);
        life.commit(i % 2 == 0);
        life.store.clock.advance(6 * nanos_per_second);
      }
    });
  }
};

// A new instance begins while nobody looks; the old one is read to its end first.
class Restarted final : public FollowScenario {
  void run(FaultyFiles& files) override {
    live(files, [&](Life& life) {
      write(4);
      for (int i = 0; i < 3; ++i) life.read(120);
      life.commit(false);
      write(2);
      log_.restart();
      write(3);
      life.transport->cut();
      for (int i = 0; i < 10; ++i) {
        life.read(300);
        life.commit(i % 3 == 0);
        life.store.clock.advance(nanos_per_second / 2);
      }
    });
  }
};

// What is left for good leaves nothing behind.
class Forgotten final : public FollowScenario {
  void run(FaultyFiles& files) override {
    live(files, [&](Life& life) {
      write(12);
      life.settle();
    });
  }
  void finish(Life& life) override {
    life.stream->leave(true);
    for (int i = 0; i < 6; ++i) life.commit(true);
    if (!life.stream->has_left()) fail("it does not leave");
    for (const record::Position& position : life.store.engine->positions()) fail("a position stayed: " + position.key);
  }
};

void expect_no_failures(const std::string& name, const ScenarioMaker& make, std::uint64_t at_least) {
  const CrashPoints result = run_crash_points(name, make);
  EXPECT_THAT(result.failures, ::testing::IsEmpty());
  EXPECT_GE(result.points, at_least);  // the enumeration found operations at all
}

TEST(FollowCrashPoints, DeliverDieResume) {
  expect_no_failures("follow", [] { return std::make_unique<Following>(); }, 500);
}
TEST(FollowCrashPoints, OverSegments) {
  expect_no_failures("follow over segments", [] { return std::make_unique<FollowingOverSegments>(); }, 500);
}
TEST(FollowCrashPoints, RotatedWhileAway) {
  expect_no_failures("follow, rotated while away", [] { return std::make_unique<RotatedWhileAway>(); }, 300);
}
TEST(FollowCrashPoints, Restarted) {
  expect_no_failures("follow, restarted", [] { return std::make_unique<Restarted>(); }, 300);
}
TEST(FollowCrashPoints, Forgotten) {
  expect_no_failures("follow, forgotten", [] { return std::make_unique<Forgotten>(); }, 300);
}

}  // namespace
}  // namespace telltale::testing
