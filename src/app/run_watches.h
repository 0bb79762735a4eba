// Follows the files of the services that runs of this machine's clients name, for as long as these runs are open.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "runs/registry/registry.h"
#include "sources/file/file_source.h"

namespace telltale::app {

// Told by the registry before it answers a run's events: when the answer comes, what is written from then on is read. Thread-safe; the
// source outlives it and is started.
class RunWatches final : public runs::RegistryListener {
 public:
  explicit RunWatches(sources::FileSource& source) : source_(source) {}

  void on_run_started(const runs::Run& run, bool resumed) override TT_EXCLUDES(mutex_);
  void on_run_finished(const runs::Run& run) override TT_EXCLUDES(mutex_);
  void on_test_started(const runs::Run&, const runs::Test&) override {}
  void on_test_finished(const runs::Run&, const runs::Test&) override {}
  void on_watch(const runs::Run& run, const std::vector<runs::Service>& services, const std::string& test) override TT_EXCLUDES(mutex_);

 private:
  void watch(const runs::Run& run, const std::vector<runs::Service>& services, bool resume) TT_EXCLUDES(mutex_);

  sources::FileSource& source_;
  base::Mutex mutex_;
  std::map<std::string, std::vector<sources::WatchId>> watches_ TT_GUARDED_BY(mutex_);  // by run
};

}  // namespace telltale::app
