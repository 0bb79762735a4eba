// What there is to be told of a run, brought together: the registry's word and one scan of the run's records.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "reports/run_report.h"
#include "runs/attribution/attributor.h"
#include "runs/files/run_files.h"
#include "runs/registry/registry.h"
#include "store/engine/store.h"

namespace telltale::reports {

// All are only read.
struct CollectPorts {
  const runs::Registry& registry;
  const runs::Attributor& attributor;
  const store::StoreReader& reader;
  const base::Clock& clock;
  std::string engine_version;
  const runs::RunFiles* files = nullptr;  // null: there is no engine; paths are left out
};

// For a thread that may block. run_not_found; errors of the store.
base::Result<RunReport> collect(const CollectPorts& ports, const std::string& run);

}  // namespace telltale::reports
