// From defaults, telltale.yaml, the environment and the command line to a Config. Which settings there are: schema/config.yaml.
//
// Precedence: command line > environment variables > `settings` of the chosen environment (environments.h) > telltale.yaml > defaults. The
// file is the one named, else the first of telltale.yaml in the working folder, ~/.config/telltale/telltale.yaml and
// /etc/telltale/telltale.yaml; without any the defaults are used. Text values of the file may hold ${NAME}, ${NAME:-default} and
// ${file:/path} ("$${" is a literal "${"); in patterns and in commands for the shell they are left alone.
#pragma once

#include <cstdint>
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
#include "config/item.h"

namespace telltale::config {

// The value of an environment variable; empty when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
// The secret that ${SCHEME:reference} stands for. The error names the reference, never the secret.
using SecretSource = std::function<base::Result<std::string>(std::string_view reference)>;

struct LoadRequest {
  std::optional<std::string> path;                             // --config: this file and no other
  Environment environment;                                     // not set: no variables
  std::vector<std::pair<std::string, std::string>> overrides;  // of the command line: setting and value; a later one wins
  std::string home;                                            // for ~/.config; empty: that folder is not looked in
  std::map<std::string, SecretSource> secrets;                 // by scheme, besides `file`, which is built in
  std::optional<std::string> env_name;                         // --env: this environment, else TELLTALE_ENV, else the file's choice
  std::optional<std::string> env_file;                         // --environments, else TELLTALE_ENVIRONMENTS, else config/environments.yaml
  std::string working_folder;                                  // absolute; empty: relative paths stay relative
};

// One thing that is wrong with the settings.
struct Problem {
  base::ErrorCode code = base::ErrorCode::config_invalid_value;
  std::string file;     // empty: not from a file
  int line = 0;         // from 1; 0: unknown
  std::string key;      // the setting, as in "sources.files[0].paths"; or the environment variable
  std::string value;    // as written; empty for secrets and where there is none
  std::string message;  // what is wrong and what is allowed, without file, line and key

  // "FILE:LINE: KEY: MESSAGE"
  std::string text() const;
};

struct Loaded {
  Config config;
  std::string environment;            // whose `settings` are in it; empty: none
  std::vector<std::string> warnings;  // one line each, "FILE:LINE: KEY: MESSAGE"
  // By setting, as in "server.port"; of entries by their place in `config`, as in "sources.files[0].paths". What is not in it has its
  // default.
  std::map<std::string, Origin> origins;
  Item services;  // a list: what was written of each of config.services
};

// Reads and checks everything. On an error its cause has every problem on a line of its own, and its code is the first one's.
base::Result<Loaded> load(base::Files& files, const LoadRequest& request);

// All that is wrong, in the order of the file, then the environment, then the command line; empty when load() would succeed.
std::vector<Problem> check(base::Files& files, const LoadRequest& request);

// All settings with where each value came from, as YAML with comments (which load() reads again, but for secrets) or as JSON. Secrets
// are ***, and what came from a ${...} is shown as it was written.
std::string show_yaml(const Loaded& loaded);
std::string show_json(const Loaded& loaded);

}  // namespace telltale::config
