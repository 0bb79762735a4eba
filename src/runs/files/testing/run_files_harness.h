// For tests: a store, a hub, a registry and the files of runs, all real, on disks in memory and with a clock that is moved by hand.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/testing/faulty_files.h"
#include "base/text.h"
#include "record/gap.h"
#include "runs/files/run_files.h"
#include "store/engine/testing/test_store.h"

namespace telltale::runs {

inline constexpr std::size_t test_ring_bytes = 1024 * 1024;

class RunFilesHarness {
 public:
  // `output` is, or wraps, `disk`, where the clients' folders are; the store has a disk of its own.
  explicit RunFilesHarness(base::Files& output, base::testing::MemoryFiles& disk, std::size_t ring_bytes = test_ring_bytes)
      : disk_(disk), output_(output), ring_bytes_(ring_bytes) {
    store_.options.folder = "/data";
    start();
  }
  ~RunFilesHarness() { stop(); }

  void start() {
    hub_ = std::make_unique<live::Hub>(ring_bytes_);
    store_.listeners = {hub_.get()};
    EXPECT_TRUE(store_.open());
    files_ = std::make_unique<RunFiles>(RunFilesPorts{.files = output_,
                                                      .clock = store_.clock,
                                                      .zone = zone_,
                                                      .reader = *store_.engine,
                                                      .hub = *hub_,
                                                      .metrics = store_.metrics,
                                                      .barrier = [this](std::int64_t) { store_.engine->pump(); },
                                                      .sink = &store_.engine->sink(),
                                                      .positions = store_.engine->positions()});
    auto registry = Registry::open(registry_ports(), {}, {files_.get()});
    ASSERT_TRUE(registry) << registry.error().message();
    registry_ = std::move(*registry);
    attributor_ = std::make_unique<Attributor>(*registry_);
    files_->start(*registry_, *attributor_, false);
    registry_->start();
  }
  // As an engine that stops.
  void stop() {
    if (files_ == nullptr) return;
    registry_->stop();
    files_->stop();
    files_.reset();
    attributor_.reset();
    registry_.reset();
    EXPECT_TRUE(store_.engine->close());
    store_.engine.reset();
    hub_.reset();
  }
  void restart() {
    stop();
    start();
  }

  // The client's side of a folder.
  void put_mark(const std::string& run, const std::string& folder) {
    disk_.put(folder + "/.telltale-run", R"({"run":")" + run + R"(","nonce":"n0nce"})");
  }
  // {"type":TYPE,MEMBERS} with an id and the time of the clock.
  Applied event(const std::string& run, std::string_view type, const std::string& members = {}) {
    const std::string time = base::format_rfc3339(store_.clock.wall());
    const std::string json = R"({"events":[{"id":"e)" + std::to_string(++events_) + R"(","time":")" + time + R"(","type":")" +
                             std::string(type) + "\"" + (members.empty() ? "" : "," + members) + "}]}";
    const auto events = parse_events(json);
    EXPECT_TRUE(events) << json << ": " << events.error().message();
    const auto applied = registry_->apply(run, *events, {.connection = 1, .loopback = true});
    EXPECT_TRUE(applied) << json << ": " << applied.error().message();
    return applied.value_or(Applied());
  }
  Applied start_run(const std::string& run, const std::string& folder, const std::string& services = {}) {
    put_mark(run, folder);
    return event(
        run, "run_started",
        R"("name":"suite","framework":"pytest","output":{"folder":")" + folder + R"(","nonce":"n0nce"},"services":[)" + services + "]");
  }
  void start_test(const std::string& run, const std::string& id, const std::string& stem = {}, const std::string& worker = "master") {
    event(run, "test_started",
          R"("test":")" + id + R"(","node_id":"t.py::)" + id + R"(","name":")" + id + R"(","attempt":1,"worker":")" + worker +
              R"(","file_stem":")" + (stem.empty() ? id : stem) + "\"");
  }
  void finish_test(const std::string& run, const std::string& id, const std::string& outcome = "passed") {
    event(run, "test_finished", R"("test":")" + id + R"(","outcome":")" + outcome + R"(","duration_ms":1)");
  }
  void finish_run(const std::string& run) { event(run, "run_finished", R"("outcome":"passed","exit_code":0)"); }

  // One record, written and read at this moment, committed. `event_time`: when it says that it was written.
  void log(const std::string& service, std::string_view text, std::optional<base::UnixNanos> event_time = {}, bool error = false) {
    record::Batch batch;
    batch.stream = store::testing::test_stream(service);
    batch.text = text;
    record::Record record;
    record.observed_time = store_.clock.wall();
    record.event_time = event_time.value_or(store_.clock.wall());
    record.resolution = record::TimeResolution::nanosecond;
    record.line = record.body = {0, static_cast<std::uint32_t>(text.size())};
    if (error) record.severity = record::Severity::error;
    batch.records.push_back(record);
    commit(std::move(batch));
  }
  void commit(record::Batch batch) {
    ASSERT_EQ(store_.push(std::move(batch)), record::PushOutcome::accepted);
    store_.engine->pump();
  }
  void advance(std::int64_t milliseconds) { store_.clock.advance(milliseconds * base::nanos_per_millisecond); }
  base::UnixNanos now() const { return store_.clock.wall(); }
  // Does all that is due.
  void pump() {
    for (int i = 0; i < 100; ++i) {
      const auto next = files_->pump();
      if (!next || *next > store_.clock.mono()) return;
    }
    FAIL() << "there is always something due";
  }
  OutputStatus status(const std::string& run) { return files_->status(run); }

  // The lines of a file without their times.
  std::string text(const std::string& path) {
    const auto read = base::read_file(disk_, path, 1 << 26);
    if (!read) return "no " + path;
    std::string shown;
    for (std::size_t at = 0; at < read->size();) {
      const std::size_t end = std::min(read->find('\n', at), read->size() - 1);
      const std::string line = read->substr(at, end + 1 - at);
      shown += line.starts_with('[') ? line.substr(26) : line;
      at = end + 1;
    }
    return shown;
  }
  bool exists(const std::string& path) { return disk_.info(path).has_value(); }
  std::uint64_t counter(std::string_view name) { return store_.metrics.counter(name, "").value(); }

  RunFiles& files() { return *files_; }
  Registry& registry() { return *registry_; }
  store::Engine& store() { return *store_.engine; }
  const base::Clock& clock() const { return store_.clock; }

 private:
  RegistryPorts registry_ports() {
    return RegistryPorts{.clock = store_.clock,
                         .reader = *store_.engine,
                         .sink = &store_.engine->sink(),
                         .positions = store_.engine->positions(),
                         .flush = [this](std::int64_t timeout) { return store_.engine->flush(false, timeout); },
                         .streams = {},
                         .redact = {},
                         .metrics = &store_.metrics};
  }

  base::testing::MemoryFiles& disk_;
  base::Files& output_;
  const std::size_t ring_bytes_;
  const base::FixedTimeZone zone_{0};
  base::testing::MemoryFiles store_disk_;
  store::testing::TestStore store_{store_disk_};
  std::unique_ptr<live::Hub> hub_;
  std::unique_ptr<RunFiles> files_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Attributor> attributor_;
  int events_ = 0;
};

}  // namespace telltale::runs
