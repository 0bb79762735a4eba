// The engine: all parts of a running `telltale serve`, wired. Start order and reverse stop order are visible in engine.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "config/config.h"

namespace telltale::app {

// What people and programs need to know of an engine that started.
struct EngineInfo {
  std::string version;
  std::string url;  // http://127.0.0.1:8765
  std::string data_folder;
  std::string token_hint;             // where the token is; never the token
  std::vector<std::string> warnings;  // such as a secondary port that is taken
};

// One owner, one thread.
class Engine {
 public:
  virtual ~Engine() = default;
  // Everything runs when it returns. `should_stop` is asked between the steps; then the answer is `cancelled`. What was started is
  // stopped again on any error.
  static base::Result<std::unique_ptr<Engine>> start(const config::Config& config, base::Files& files, base::Clock& clock,
                                                     base::Random& random, const std::function<bool()>& should_stop);
  virtual const EngineInfo& info() const = 0;
  // True when nothing has used the engine for `idle_ns` and no run is open: it takes no more requests from then on, and is to be stopped.
  virtual bool end_if_idle(std::int64_t idle_ns) = 0;
  // Stops reading, brings what was read into the store, syncs, ends. The first error met is given; all parts are stopped anyway.
  virtual base::Status stop() = 0;
};

}  // namespace telltale::app
