// The engine's parts that know of runs: registry, attribution, clocks, files; and the order of their start and stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/activity.h"
#include "app/run_watches.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/mutex.h"
#include "base/time_zone.h"
#include "live/hub.h"
#include "pipeline/rules/rules.h"
#include "runs/attribution/attributor.h"
#include "runs/clock/clock_estimator.h"
#include "runs/files/run_files.h"
#include "runs/registry/registry.h"
#include "store/catalog/catalog.h"
#include "store/engine/store.h"
#include "telemetry/metrics.h"

namespace telltale::app {

// All outlive the parts.
struct RunPorts {
  base::Files& files;
  const base::Clock& clock;
  store::Store& store;
  store::Catalog& catalog;
  live::Hub& hub;
  const pipeline::Rules& rules;
  sources::FileSource& file_source;
  telemetry::Metrics& metrics;
  std::string host;  // this machine's name
  std::int64_t grace_ns = runs::default_grace_ns;
  std::vector<runs::Service> services;  // that the engine knows, with their clock offsets
  // Returns when all that existed at the call has been read and is in the store, or the time is over.
  std::function<void(std::int64_t timeout_ns)> barrier;
};

// One owner.
class RunParts final : public OpenRuns {
 public:
  static base::Result<std::unique_ptr<RunParts>> open(RunPorts ports);
  ~RunParts() override;

  // When everything that events and files need is there.
  void start();
  // Before the store's end. Open runs stay open in the store; what can be written of their files is.
  void stop();

  runs::Registry& registry() { return *registry_; }
  const runs::Attributor& attributor() const { return *attributor_; }
  runs::RunFiles& files() { return *run_files_; }
  // To be told of commits until its end.
  record::CommitListener& clock_estimator() { return *clocks_; }
  bool has_open_runs() const override;

 private:
  explicit RunParts(RunPorts ports);
  base::Status open_registry();
  std::string redact(std::string_view text) TT_EXCLUDES(scratch_mutex_);

  const RunPorts ports_;
  const base::LocalTimeZone zone_;
  base::Mutex scratch_mutex_;
  pipeline::RulesScratch scratch_ TT_GUARDED_BY(scratch_mutex_);
  std::unique_ptr<runs::RunFiles> run_files_;
  RunWatches watches_;
  std::unique_ptr<runs::Registry> registry_;
  std::unique_ptr<const runs::Attributor> attributor_;
  std::unique_ptr<runs::ClockEstimator> clocks_;
};

}  // namespace telltale::app
