// What happens to a started program, as records of its own stream (stream="process").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "sources/launch/exit_status.h"
#include "sources/launch/relay_keeper.h"

namespace telltale::sources {

// The loop's thread. The clock outlives it.
class ProcessLog {
 public:
  // Of a program of the service; `process` as in RelayedStream. Without it (an error) nothing is recorded.
  static base::Result<ProcessLog> open(RelayKeeper& keeper, const base::Clock& clock, const std::string& service,
                                       const std::string& process);

  // Names and commands are not in the text: they may hold words that tell of errors, and secrets.
  void started(std::int64_t pid);
  // `expected`: somebody asked for it, or it is the program's nature.
  void ended(const ExitStatus& status, bool expected);
  // Nothing follows.
  void close() { pipe_.reset(); }

 private:
  ProcessLog(const base::Clock& clock, base::Descriptor pipe) : clock_(&clock), pipe_(std::move(pipe)) {}
  std::string begin(std::string_view level, std::string_view event, std::string_view message) const;
  void write(std::string line);

  const base::Clock* clock_;
  base::Descriptor pipe_;
};

}  // namespace telltale::sources
