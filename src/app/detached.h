// Starts a program that outlives this one: its own session, no terminal, nothing inherited but its log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace telltale::app {

struct DetachedProgram {
  std::string path;
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // NAME=value
  std::string log;                       // standard output and error are appended to it; made when missing, for its owner alone
  int nice = 0;                          // added to this process's
};

// In the program: descriptor on which it says that it is ready.
inline constexpr int ready_descriptor = 3;

struct DetachedProcess {
  std::int64_t pid = 0;
  // Reading end of the program's descriptor 3: the program writes there when it is ready; its end means that the program ended.
  base::Descriptor ready;
};

// Any thread. The program has this process's working folder.
base::Result<DetachedProcess> start_detached(const DetachedProgram& program);

}  // namespace telltale::app
