// The files of runs as the engine has them: with a thread of their own, beside the store's writer and those who send events.
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/testing/memory_files.h"
#include "base/testing/temp_directory.h"
#include "base/text.h"
#include "runs/files/run_files.h"
#include "store/engine/testing/test_store.h"

namespace telltale::runs {
namespace {

constexpr int test_count = 20;
constexpr std::int64_t patience_ns = 30 * base::nanos_per_second;

class RunFilesThreads : public ::testing::Test {
 protected:
  RunFilesThreads() {
    store::StoreOptions options;
    options.folder = "/data";
    auto opened = store::Store::open(store_files_, clock_, random_, metrics_, options, {&hub_});
    EXPECT_TRUE(opened);
    store_ = std::move(*opened);
    files_ = std::make_unique<RunFiles>(
        RunFilesPorts{.files = posix_,
                      .clock = clock_,
                      .zone = zone_,
                      .reader = *store_,
                      .hub = hub_,
                      .metrics = metrics_,
                      .barrier = [this](std::int64_t timeout_ns) { static_cast<void>(store_->flush(false, timeout_ns)); }});
    auto registry = Registry::open({.clock = clock_,
                                    .reader = *store_,
                                    .sink = &store_->sink(),
                                    .positions = store_->positions(),
                                    .flush = [this](std::int64_t timeout_ns) { return store_->flush(false, timeout_ns); },
                                    .streams = {},
                                    .redact = {},
                                    .metrics = &metrics_},
                                   {}, {files_.get()});
    EXPECT_TRUE(registry);
    registry_ = std::move(*registry);
    attributor_ = std::make_unique<Attributor>(*registry_);
    files_->start(*registry_, *attributor_);
    registry_->start();
  }
  ~RunFilesThreads() override {
    registry_->stop();
    files_->stop();
    EXPECT_TRUE(store_->close());
  }

  void send(const std::string& run, EventBody body) {
    Event event;
    event.id = "e" + std::to_string(++events_);
    event.time = clock_.wall();
    event.body = std::move(body);
    const auto applied = registry_->apply(run, {event}, {.connection = 1, .loopback = true});
    EXPECT_TRUE(applied) << applied.error().message();
  }

  // A suite from its beginning to its end, with a line in each test.
  void run_suite(const std::string& run) {
    const std::string folder = directory_.path(run);
    EXPECT_TRUE(posix_.make_directories(folder));
    EXPECT_TRUE(base::write_file_atomically(posix_, folder + "/.telltale-run", R"({"run":")" + run + R"(","nonce":"n0nce"})"));
    RunStarted started;
    started.name = run;
    started.output = Output{folder, "n0nce"};
    started.services = {{run, {"/var/log/" + run + ".log"}, {}, {}}};
    send(run, started);
    for (int i = 0; i < test_count; ++i) {
      const std::string id = run + "-" + std::to_string(i);
      send(run, TestStarted{id, "t.py::" + id, id, 1, "master", id, ""});
      auto batch = store::testing::test_batch(store::testing::test_stream(run), static_cast<std::uint64_t>(i), 1, clock_.wall());
      batch.records[0].event_time = clock_.wall();
      batch.records[0].resolution = record::TimeResolution::nanosecond;
      EXPECT_EQ(store_->sink().try_push(batch), record::PushOutcome::accepted);
      send(run, TestFinished{id, TestOutcome::passed, 0, "", {}});
    }
    send(run, RunFinished{RunOutcome::passed, 0});
    EXPECT_TRUE(files_->wait_until_final(run, patience_ns)) << files_->status(run).problem;
  }

  base::testing::TempDirectory directory_;
  base::testing::MemoryFiles store_files_;
  base::PosixFiles posix_;
  base::SystemClock clock_;
  store::testing::CountingRandom random_;
  telemetry::Metrics metrics_;
  const base::FixedTimeZone zone_{0};
  live::Hub hub_{1024 * 1024};
  std::atomic<int> events_{0};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<RunFiles> files_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Attributor> attributor_;
};

TEST_F(RunFilesThreads, SuitesAtOnceEachFindTheirFilesFinal) {
  std::vector<std::jthread> suites;
  for (const char* run : {"run-1", "run-2", "run-3"}) suites.emplace_back([this, run] { run_suite(run); });
  suites.clear();
  for (const std::string run : {"run-1", "run-2", "run-3"}) {
    for (int i = 0; i < test_count; ++i) {
      const auto text = base::read_file(posix_, directory_.path(run) + "/test_logs/" + run + "-" + std::to_string(i) + ".log", 1 << 20);
      ASSERT_TRUE(text) << text.error().message();
      EXPECT_TRUE(text->starts_with("# final ")) << *text;
      EXPECT_NE(text->find(run + " line " + std::to_string(i) + "\n"), std::string::npos) << *text;
    }
  }
}

}  // namespace
}  // namespace telltale::runs
