// The files of one run (spec 1): what a run's folder gets while the run goes on, and its final form.
//
// Records come from the live hub; what fell out of its ring, and all that has to be made anew, comes from the store, which holds
// everything. After an error of the file system the run's files are taken back to what was whole, and made right when it works again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/time_zone.h"
#include "live/hub.h"
#include "runs/attribution/attributor.h"
#include "runs/files/appended_file.h"
#include "runs/files/file_metrics.h"
#include "runs/files/line_format.h"
#include "runs/files/output_folder.h"
#include "runs/files/test_log.h"
#include "runs/registry/registry.h"
#include "runs/summary/run_records.h"
#include "store/engine/store.h"

namespace telltale::runs {

using base::MonoNanos;

// How long after its end lines of a test or of a run are waited for.
inline constexpr std::int64_t late_ns = 2 * base::nanos_per_second;

// All outlive the run's output.
struct OutputPorts {
  base::Files& files;
  const base::TimeZone& zone;
  const store::StoreReader& reader;
  const live::Hub& hub;
  const Registry& registry;
  const Attributor& attributor;
  FileMetrics& metrics;
};

// `failing`: they cannot be written now. `final`: they will not change any more, but for lines that come late (seconds).
enum class FilesState : std::uint8_t { none, writing, failing, final };
std::string_view name_of(FilesState state);

// What is to be told of a run's files.
struct OutputStatus {
  FilesState state = FilesState::none;
  std::string folder;
  std::string problem;  // why they are not written now
};

// One thread.
class RunOutput {
 public:
  // `resumed`: the run was begun before; its files are there or were.
  RunOutput(const OutputPorts& ports, const Run& run, bool resumed);
  ~RunOutput();
  RunOutput(const RunOutput&) = delete;
  RunOutput& operator=(const RunOutput&) = delete;

  // The run goes on after its end, or has more services.
  void go_on(const Run& run);
  // Also when a test that had ended goes on.
  void test_started(const Test& test);
  void test_finished(const Test& test, MonoNanos now);
  void run_finished(MonoNanos now);
  // After run_finished: all that was written before the run's end is in the store, as far as that can be had.
  void settled() { settled_ = true; }

  // Does what is due. When it wants to be called again at the latest; nothing: not before something happens.
  std::optional<MonoNanos> step(MonoNanos now);
  // The engine stops: what can be written is written.
  void close(MonoNanos now);

  OutputStatus status() const;
  // Nothing will be done any more.
  bool is_over() const { return over_; }

 private:
  struct ServiceOutput;
  struct TestOutput;
  // What one pass over the store collects.
  struct Collected;

  base::Status work(MonoNanos now);
  void note_trouble(const base::Error& error, MonoNanos now);
  base::Status open(MonoNanos now);
  base::Status load_tests();
  base::Status repair();
  void forget_pending();
  base::Status check_files(MonoNanos now);

  // --- live: run_output_live.cpp
  base::Status catch_up();
  base::Status catch_up_from_store(record::Sequence to);
  base::Status route(const RunRecord& record);
  base::Status flush();
  base::Status write_services();
  base::Status write_provisional(TestOutput& test);
  base::Status append_provisional(TestOutput& test, TestFile kind);
  ServiceOutput& service_of(std::string_view name);
  TestOutput& test_of(const TestKey& key, const Test* known);
  void format(const RunRecord& record, const ServiceOutput& service);
  ServiceOutput& format(const RunRecord& record);

  // --- passes over the store: run_output_passes.cpp
  base::Status rebuild(bool services, const std::vector<TestOutput*>& tests);
  base::Status collect(Collected& collected, const RunScan& scan, bool services);
  base::Status collect_record(Collected& collected, const RunRecord& record);
  TestLog* log_of(Collected& collected, const TestKey& key);
  base::Status place_provisional(TestOutput& test, TestLog& log, record::Sequence through);
  base::Status finals(MonoNanos now);
  base::Status finalize(const std::vector<TestOutput*>& tests);
  base::Status finalize_one(TestOutput& test, TestLog& log);
  base::Status claim_stem(TestOutput& test);
  std::vector<TestOutput*> all_tests() const;
  std::vector<TestOutput*> begun_tests() const;
  TimeSpan bounds_of(const std::vector<TestOutput*>& tests) const;
  bool retention_took_some() const;

  const OutputPorts ports_;
  const std::string run_;
  const bool resumed_;
  bool complete_;  // the store has all of the run's events
  std::vector<std::string> declared_;
  OutputFolder folder_;

  std::map<std::string, std::unique_ptr<ServiceOutput>, std::less<>> services_;
  std::vector<std::unique_ptr<TestOutput>> tests_;  // in the order in which they came
  std::unordered_map<std::string, TestOutput*> tests_by_id_;
  std::set<std::string> stems_;       // taken, in lower case
  std::deque<TestOutput*> ending_;    // finished, not final, by the time they are due
  std::vector<TestOutput*> touched_;  // with text that is not written yet
  std::unordered_map<record::StreamId, std::string, base::Hash128Hasher> instances_;

  FormattedLine line_;
  std::size_t pending_bytes_ = 0;
  record::Sequence routed_ = 0;  // of the last record looked at
  record::Sequence done_ = 0;    // up to here the files are whole
  record::Sequence first_kept_ = 0;

  std::vector<TestOutput*> reopened_;  // were final, and go on
  bool loaded_ = false;                // the tests that were there before
  bool rotated_ = false;
  bool beside_ = false;  // services' files are being made anew, beside those that are there
  bool whole_ = false;   // services' files have all up to done_
  bool opened_ = false;
  bool broken_ = false;  // the files may hold parts of what failed
  bool more_ = false;    // there is more in the hub
  std::optional<MonoNanos> ended_;
  bool settled_ = false;
  bool finished_ = false;  // the final pass after the run's end is done
  bool over_ = false;
  bool told_ = false;  // the log has been told of trouble
  std::string problem_;
  MonoNanos retry_at_ = 0;
  MonoNanos next_check_ = 0;
  MonoNanos next_finals_ = 0;
};

}  // namespace telltale::runs
