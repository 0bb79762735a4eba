// What `telltale run` says at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "sources/launch/exit_status.h"
#include "sources/launch/relay_keeper.h"

namespace telltale::app {

struct RunSummary {
  std::string run;
  std::string name;
  std::string working_folder;
  std::optional<sources::ExitStatus> command;  // nothing: it was not run
  std::int64_t command_ns = 0;
  bool captured = false;                    // the command's output: it was no terminal
  std::vector<std::string> ended_services;  // by themselves; texts
  sources::DrainReport drained;
  bool connected = false;                      // some engine took lines
  std::string trouble;                         // why none did
  std::optional<boost::json::object> shown;    // the engine's answer to GET /api/v1/runs/RUN
  std::optional<std::uint64_t> command_lines;  // of the command's output, that the engine has
  std::optional<boost::json::object> audit{};  // the engine's answer to GET /api/v1/runs/RUN/audit
};

// One text a line, for people. Without an engine it is one line.
std::vector<std::string> summary_lines(const RunSummary& summary);

}  // namespace telltale::app
