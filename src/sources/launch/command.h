// The command of `telltale run`: where this process is, as if nobody had started it for somebody else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/spawn.h"
#include "sources/launch/child.h"
#include "sources/launch/exit_status.h"
#include "sources/launch/loop.h"
#include "sources/launch/process_log.h"
#include "sources/launch/relay_keeper.h"

namespace telltale::sources {

inline constexpr const char* command_service = "command";  // the label `service` of its streams

// The loop's thread alone; all ports outlive it.
class Command {
 public:
  Command(Loop& loop, const base::Clock& clock, RelayKeeper& keeper) : clock_(clock), keeper_(keeper), child_(loop) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // `program`: path, arguments, environment and signals; the rest is set here. It has this process's input, process group and open
  // descriptors. Output and error are this process's own where they are a terminal; else they go through pipes that are captured and
  // passed on, through one when both lead to the same place: so their order stays.
  base::Status start(base::Program program);
  bool is_captured() const { return !streams_.empty(); }
  // Nothing while it runs.
  const std::optional<ExitStatus>& exit_status() const { return child_.exit_status(); }
  void signal(int number) const { child_.signal(number); }
  // Its end is recorded; `expected`: it is no trouble.
  void record_end(bool expected);

 private:
  base::Status add_stream(base::Program& program, int descriptor, std::vector<base::Descriptor>& ours);

  const base::Clock& clock_;
  RelayKeeper& keeper_;
  Child child_;
  std::optional<ProcessLog> log_;
  std::vector<std::uint32_t> streams_;
};

}  // namespace telltale::sources
