// config/environments.yaml: the systems that a suite can run against, their services, and how they are reached. What may stand in it is in
// docs/reference/environments.md, which is generated from schema/environments.yaml.
//
// The file is the one named by the request, else by TELLTALE_ENVIRONMENTS, else config/environments.yaml in the working folder. Which of
// its environments counts is said by the request, else by TELLTALE_ENV, else by the file's `default:`; without all three it is the only
// one. Relative paths in it start at the folder above `config/` (else at the file's own folder).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "config/config.h"
#include "config/item.h"
#include "config/load.h"

namespace telltale::config {

struct EnvironmentConfig {
  std::string name;
  std::string path;                     // of the file, as messages name it
  std::string absolute_path;            // when the request knew the working folder
  std::string folder;                   // where its relative paths start; absolute when the request knew the working folder
  std::vector<std::string> available;   // all environments of the file, in its order
  std::vector<ServiceConfig> services;  // monitoring.services in the file's order; those of `after` are there and make no ring
  Item values;                          // everything but `settings`, with defaults: what `telltale config show` prints
};

struct LoadedEnvironment {
  EnvironmentConfig environment;
  std::vector<std::string> warnings;  // one line each
  // Secrets and variables that are not set. Their values are empty in `environment`: whoever needs a section refuses to start when
  // missing_in() of it is not empty.
  std::vector<Problem> missing;
};

// The chosen environment, with what it inherits. config_not_found ("Configuration file not found: PATH"), environment_not_found
// ("Environment 'x' not found in config. Available: [a, b]"), or the first problem's code with every problem on a line of its own.
base::Result<LoadedEnvironment> load_environment(base::Files& files, const LoadRequest& request);

// The missing secrets of a section such as "mongodb" or "monitoring" as one error, naming variable, place and use; good when there are
// none.
base::Status missing_in(const LoadedEnvironment& loaded, std::string_view section);

// Whether a file is named or lies in the default place.
bool has_environments(base::Files& files, const LoadRequest& request);

// What there is to say of the file when all of it is looked at: every environment's problems, and of the chosen one also what is missing.
// Without a file and without a choice there is nothing to say.
struct EnvironmentsCheck {
  std::string path;  // empty: there is no file
  std::vector<std::string> available;
  std::string chosen;  // empty: none; no secrets were looked for
  std::vector<Problem> problems;
  std::vector<std::string> warnings;
};
EnvironmentsCheck check_environments(base::Files& files, const LoadRequest& request);

// The services' places in the order in which to start them: each after those in its `after`, otherwise in the file's order.
std::vector<std::size_t> start_order(const std::vector<ServiceConfig>& services);

// Everything of the environment: as YAML with comments for people (secrets are ***), or as JSON for programs, where what holds a secret is
// {"$secret": "as it was written"}.
std::string show_environment_yaml(const LoadedEnvironment& loaded);
std::string show_environment_json(const LoadedEnvironment& loaded);
// The values behind each {"$secret": ...} as a JSON object by path ("mongodb.password"); what is missing is null. For the pipe of a program
// that asked for them, never for output.
std::string secrets_json(const LoadedEnvironment& loaded);

}  // namespace telltale::config
