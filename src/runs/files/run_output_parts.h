// What RunOutput keeps of each service and test; for its own files alone.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "runs/files/run_output.h"

namespace telltale::runs {

struct RunOutput::ServiceOutput {
  ServiceOutput(std::string service_name, const OutputFolder& folder)
      : name(std::move(service_name)),
        realtime(folder.service_path(name, ServiceFile::realtime)),
        errors(folder.service_path(name, ServiceFile::errors)) {}

  const std::string name;
  AppendedFile realtime;
  AppendedFile errors;
  bool created = false;
  std::set<std::string> instances;
};

struct RunOutput::TestOutput {
  struct Text {
    std::string pending;
    bool begun = false;  // the file was made
  };

  std::string id;
  std::string file_stem;  // as the client wants it
  std::string stem;       // as it is; empty: nothing was written yet
  Text log;
  Text errors;
  bool touched = false;
  record::Sequence through = 0;  // records up to it are in the provisional files
  std::optional<MonoNanos> due;  // finished: when the final form is to be made
  bool is_final = false;
  bool stale = false;         // something came after it was final
  std::uint64_t digest = 0;   // of the final form
  std::uint64_t records = 0;  // in the final form
};

struct RunOutput::Collected {
  std::unordered_map<std::string, std::pair<TestOutput*, TestLog>> logs;  // by id
  bool whoever = false;                                                   // also of tests that are met and not yet among them
  std::size_t held = 0;                                                   // bytes, about
};

}  // namespace telltale::runs
