// The engine's HTTP interface over a data folder that is only read, inside this process: so commands without an engine give the same
// answers by the same code.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "config/config.h"
#include "net/http/http.h"

namespace telltale::app {

// One thread. References outlive it.
class OfflineEngine {
 public:
  virtual ~OfflineEngine() = default;
  // Opens the data folder of the settings; errors of store::open_read_only.
  static base::Result<std::unique_ptr<OfflineEngine>> open(const config::Config& config, base::Files& files, const base::Clock& clock);
  // The answer to GET of a path with query, at once. Its caller may see everything.
  virtual net::Response get(std::string_view target) = 0;
};

}  // namespace telltale::app
