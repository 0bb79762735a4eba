// The files of spec 1 for all runs of an engine: docs/reference/run-files.md.
//
// Told of runs and tests by the registry and woken by the hub; all work is done by a thread of its own, so that neither the store's writer
// nor the live view nor a test runner ever waits for a slow disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "runs/files/run_output.h"
#include "runs/files/unfinished.h"

namespace telltale::runs {

// All outlive the files.
struct RunFilesPorts {
  base::Files& files;
  const base::Clock& clock;
  const base::TimeZone& zone;
  const store::StoreReader& reader;
  live::Hub& hub;
  telemetry::Metrics& metrics;
  // Returns when all that existed at the call has been read by the sources and is in the store, or the time is over.
  std::function<void(std::int64_t timeout_ns)> barrier;
  // The store's, and its positions at opening: they keep which runs' files are not final yet. Without a sink a restart forgets.
  record::BatchSink* sink = nullptr;
  std::vector<record::Position> positions{};
};

class RunFiles final : public RegistryListener {
 public:
  explicit RunFiles(RunFilesPorts ports);
  ~RunFiles() override;

  // Before the registry tells of anything; both outlive stop(). Files that an engine before this one left unfinished are made final. With
  // `own_thread` false the caller drives it by pump(): for tests.
  void start(Registry& registry, const Attributor& attributor, bool own_thread = true);
  // Writes what can be written and ends the thread. Idempotent.
  void stop();

  // --- of any thread
  // `none` for runs whose files are not written here, and for those whose files were final before this engine started.
  OutputStatus status(const std::string& run) const TT_EXCLUDES(mutex_);
  // What is wrong with files that cannot be written now: a sentence that names one of the runs; empty: nothing.
  std::string trouble() const TT_EXCLUDES(mutex_);
  // Waits until the files of a run that has ended are final. False: not within the time, or they will not be.
  bool wait_until_final(const std::string& run, std::int64_t timeout_ns) TT_EXCLUDES(mutex_);
  // There are files to be written yet: not the moment to end the engine.
  bool busy() const TT_EXCLUDES(mutex_);
  // Where the test's files are, if they are here.
  TestFiles files_of(const Run& run, const Test& test) const;

  // Does what is due; false when there is nothing to do before `next`.
  std::optional<MonoNanos> pump();

  void on_run_started(const Run& run, bool resumed) override;
  void on_run_finished(const Run& run) override;
  void on_test_started(const Run& run, const Test& test) override;
  void on_test_finished(const Run& run, const Test& test) override;
  void on_watch(const Run& run, const std::vector<Service>& services, const std::string& test) override;

 private:
  // What the listener was told; done by the thread.
  using Command = std::function<void(MonoNanos now)>;
  struct Known {
    OutputStatus status;
    bool over = false;
  };

  void run(const std::stop_token& stop);
  void post(Command command) TT_EXCLUDES(mutex_);
  std::deque<Command> take_commands() TT_EXCLUDES(mutex_);
  bool is_local(const std::string& run) const TT_EXCLUDES(mutex_);
  void open_run(const Run& run, bool resumed);
  void recover(const std::string& run, MonoNanos now);
  bool forget(const std::string& run) TT_EXCLUDES(mutex_);
  void let_go_of_what_is_over();
  void settle(const std::string& run);
  void with(const std::string& run, const std::function<void(RunOutput&)>& action);
  void publish() TT_EXCLUDES(mutex_);
  void forget_oldest() TT_REQUIRES(mutex_);

  const RunFilesPorts ports_;
  FileMetrics metrics_;
  UnfinishedFiles unfinished_;
  Registry* registry_ = nullptr;
  const Attributor* attributor_ = nullptr;
  bool own_thread_ = true;
  bool stopped_ = false;

  // --- of the thread that pumps
  std::map<std::string, std::unique_ptr<RunOutput>> runs_;
  std::unique_ptr<live::Subscription> subscription_;

  mutable base::Mutex mutex_;
  base::Condition work_;     // a command, a commit, or the end
  base::Condition changed_;  // known_
  std::deque<Command> commands_ TT_GUARDED_BY(mutex_);
  bool woken_ TT_GUARDED_BY(mutex_) = false;
  std::map<std::string, Known> known_ TT_GUARDED_BY(mutex_);
  base::TaskGroup tasks_{"files"};
};

}  // namespace telltale::runs
