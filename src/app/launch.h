// What `telltale run` and `telltale services start` share: the relay's program, and secrets taken out of what services wrote.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/engine_life.h"
#include "base/error.h"
#include "base/random.h"
#include "config/config.h"
#include "sources/launch/relay_keeper.h"

namespace telltale::app {

// This program again, as a relay: it finds engines as `engine` says. `run` is the run's id.
sources::RelayKeeperOptions relay_keeper_options(const EngineLifeOptions& engine, const std::string& run, base::Random& random);

// What programs that are started find in their environment: this process's without what is ours, and the run.
std::vector<std::string> program_environment(const std::string& run);

// By the rules of the settings; made when it is needed first. One thread.
class Redactor {
 public:
  explicit Redactor(const config::Config& config);
  ~Redactor();
  Redactor(const Redactor&) = delete;
  Redactor& operator=(const Redactor&) = delete;

  // Rules that cannot be made (the engine says why) let nothing through: the text is replaced as a whole.
  std::string redact(std::string_view text);

 private:
  struct Parts;
  const config::RedactionConfig redaction_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace telltale::app
