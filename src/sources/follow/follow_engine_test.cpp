// All real parts together: a server on a socket, the source's thread, the pipeline's threads, a store on disk; closed and opened again.
#include <chrono>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "pipeline/flow/workers.h"
#include "sources/follow/follow_source.h"
#include "sources/follow/testing/scripted_server.h"
#include "store/engine/store.h"

namespace telltale::sources {
namespace {

using base::nanos_per_second;
using testing::ScriptedHabits;
using testing::ScriptedLog;
using testing::ScriptedServer;
using testing::ScriptedTransport;
using testing::WireFormat;

constexpr std::int64_t patience_ns = 20 * nanos_per_second;

// Passes commits on to a source that is made after the store.
class Relay final : public record::CommitListener {
 public:
  void set(FollowSource* source) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    source_ = source;
  }
  void on_commit(const record::CommittedBatchRef& batch) override TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (source_ != nullptr) source_->on_commit(batch);
  }
  void on_position(const record::Position& position) override TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (source_ != nullptr) source_->on_position(position);
  }

 private:
  base::Mutex mutex_;
  FollowSource* source_ TT_GUARDED_BY(mutex_) = nullptr;
};

// An engine with this one source. Ending it is a stop, or leaves what was accepted where it was.
class SmallEngine {
 public:
  SmallEngine(base::Files& files, const std::string& folder, ScriptedServer& server, WireFormat format) {
    store::StoreOptions options;
    options.folder = folder;
    auto opened = store::Store::open(files, clock_, random_, metrics, options, {&relay_});
    if (!opened) {
      ADD_FAILURE() << opened.error().message();
      return;
    }
    store = std::move(*opened);
    workers_ =
        std::make_unique<pipeline::Workers>(pipeline::WorkersOptions{.threads = 2}, pipeline::Stages{}, store->sink(), clock_, metrics);
    FollowOptions follow;
    follow.kind = "scripted";
    follow.retry_least_ns = base::nanos_per_millisecond;
    follow.retry_most_ns = 20 * base::nanos_per_millisecond;
    source = std::make_unique<FollowSource>(follow, FollowSourcePorts{clock_, *workers_, store->sink(), random_, store->hasher(), metrics},
                                            store->positions());
    relay_.set(source.get());
    EXPECT_TRUE(source->start());
    FollowTarget target{"scripted:a", record::make_stream(record::Labels({{"service", "a"}, {"source", "scripted"}})),
                        std::make_shared<ScriptedTransport>(*client_, server.port(), "a", format)};
    source->follow(std::move(target));
  }
  ~SmallEngine() {
    source->stop();
    workers_->stop();
    relay_.set(nullptr);
    EXPECT_TRUE(store->close());
  }

  telemetry::Metrics metrics;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<FollowSource> source;

 private:
  base::SystemClock clock_;
  base::SystemRandom random_;
  Relay relay_;
  const std::unique_ptr<net::StreamClient> client_ = net::StreamClient::create();
  std::unique_ptr<pipeline::Workers> workers_;
};

TEST(FollowEngine, EachLineOnceWithItsServersTimeOverCutsAndRestarts) {
  for (const WireFormat format : {WireFormat::lines, WireFormat::frames}) {
    base::testing::TempDirectory folder;
    base::PosixFiles files;
    base::SystemClock clock;
    ScriptedServer server;
    ScriptedLog& log = server.log("a", ScriptedHabits{.format = format});
    std::map<std::string, base::UnixNanos> written;
    const auto write = [&](int count) {
      for (; count > 0; --count) {
        const std::string text = fmt::format("message {}", written.size());
        const base::UnixNanos time = clock.wall() - 300 * base::nanos_per_millisecond;
        written[text] = time;
        log.write(time, text);
      }
    };
    for (int life = 0; life < 4; ++life) {
      SmallEngine engine(files, folder.path("data"), server, format);
      for (int round = 0; round < 5; ++round) {
        write(700);
        server.cut_next_after(static_cast<std::size_t>(300 + 1000 * round));
        server.cut();
      }
      if (life % 2 == 0) EXPECT_TRUE(engine.source->barrier(patience_ns).complete);
    }
    SmallEngine engine(files, folder.path("data"), server, format);
    EXPECT_TRUE(engine.source->barrier(patience_ns).complete);
    std::map<std::string, int> seen;
    const auto status = engine.store->scan({}, {}, [&](const record::CommittedBatchRef& batch) {
      for (const record::Record& record : batch->batch.records) {
        const std::string text(batch->batch.line(record));
        EXPECT_FALSE(record.has(record::flag_gap)) << text;
        EXPECT_EQ(record.event_time, written[text]) << text;
        ++seen[text];
      }
      return store::ScanStep::go_on;
    });
    ASSERT_TRUE(status);
    EXPECT_EQ(seen.size(), written.size());
    for (const auto& [text, count] : seen) ASSERT_EQ(count, 1) << text;
  }
}

}  // namespace
}  // namespace telltale::sources
