// Finds the engine again and again, for who outlives engines: relays, and who sends a run's events.
#pragma once

#include <string>

#include "app/engine_life.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"

namespace telltale::app {

// Blocking; one thread an object.
class EngineFinder {
 public:
  // As EngineLife's, with one addition: `heir` is the data folder of the engine that options.url names, where it is known already. Both
  // ports outlive the finder.
  EngineFinder(base::Files& files, const base::Clock& clock, EngineLifeOptions options, std::string heir = {});

  // A named engine: it, or when it does not answer and was on this machine, the one that has its data folder now. Else the engine of the
  // data folder, which is started when there is none and `may_start` (for some seconds not again after that failed). Errors as
  // EngineLife's.
  base::Result<EngineAddress> find(bool may_start);

 private:
  base::Result<EngineAddress> find_named();

  base::Files& files_;
  const base::Clock& clock_;
  const EngineLifeOptions options_;
  std::string heir_;
  base::MonoNanos next_start_ = 0;
};

}  // namespace telltale::app
