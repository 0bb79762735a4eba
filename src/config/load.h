// Reads the settings of an engine: defaults < telltale.yaml < environment variables < command line. The table of schema/config.yaml is
// the only list of what there is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "config/config.h"

namespace telltale::config {

using Environment = std::function<std::optional<std::string>(std::string_view name)>;

struct LoadRequest {
  std::optional<std::string> path;                             // --config; none: the search order of DESIGN 8
  std::vector<std::pair<std::string, std::string>> overrides;  // command line: setting's path ("server.port") and value as text
  std::vector<std::string> files;                              // command line: patterns that become one more file source
  Environment environment;
  std::string working_folder = ".";
  std::string home;  // empty: no ~/.config
};

// One thing that is wrong: "telltale.yaml:12: server.port: 'abc' is not a number from 0 to 65535".
struct Problem {
  std::string file;  // or "environment", "command line"
  int line = 0;      // 0: none
  std::string key;   // the setting's path
  std::string message;
  std::string text() const;
};

struct Loaded {
  Config config;
  std::map<std::string, std::string> origins;  // setting's path -> "default", "telltale.yaml:12", "environment LOG_LEVEL", "command line"
  std::vector<std::string> warnings;           // such as a secret in plain text
};

// All problems at once; config_* of the first is the code of the error that load() gives.
std::vector<Problem> check(base::Files& files, const LoadRequest& request);

// The checked settings. On problems: one error whose cause holds a line for each.
base::Result<Loaded> load(base::Files& files, const LoadRequest& request);

// For `telltale config show`: every setting with where it came from; secrets as ***.
std::string show_yaml(const Loaded& loaded);
std::string show_json(const Loaded& loaded);

}  // namespace telltale::config
