// The environments of a file as trees, before anything in them is looked at: which there are, which one counts, and what it inherits.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "config/load.h"
#include "config/tree.h"

namespace telltale::config {

class EnvironmentFile {
 public:
  // The file that the request means, and whether it was named (by the request or by TELLTALE_ENVIRONMENTS).
  struct Place {
    std::string path;
    bool named = false;
  };
  static Place find(const LoadRequest& request);

  // Reads the file at `path`. What is wrong within it is added to `problems`. Error: it is not there, cannot be read, or is no YAML.
  static std::expected<EnvironmentFile, Problem> read(base::Files& files, const LoadRequest& request, const std::string& path,
                                                      std::vector<Problem>& problems);

  const std::string& path() const { return path_; }
  const std::string& absolute_path() const { return absolute_path_; }  // when the request knew the working folder
  // Where relative paths start: the folder above `config`, else the file's own; absolute when the request knew the working folder.
  const std::string& folder() const { return folder_; }
  std::vector<std::string> names() const;
  const Node& defaults() const { return defaults_; }
  const std::vector<Entry>& environments() const { return environments_; }

  // The name that counts, whether it is there or not; nothing when there is no choice: several and no default.
  std::optional<std::string> choice(const LoadRequest& request) const;
  // Whether the request or TELLTALE_ENV chose it, and not the file.
  static bool is_asked_for(const LoadRequest& request);

  // The environment with the defaults and what it inherits; nearer ones win, maps are joined, all else is replaced. Empty when it is not
  // there.
  Node merged(std::string_view name, std::vector<Problem>& problems) const;

  // "Environment 'x' not found in config. Available: [a, b]"
  Problem not_found(std::string_view name) const;
  // Several environments and none is chosen.
  Problem not_chosen() const;

 private:
  void take(const Node& root, std::vector<Problem>& problems);
  void take_environments(const std::vector<Entry>& entries, std::vector<Problem>& problems);
  void take_reserved(const Entry& entry, std::vector<Problem>& problems);
  void inherit(std::string_view name, std::vector<std::string>& way, std::vector<std::string>& done, Node& into,
               std::vector<Problem>& problems) const;
  std::vector<Entry> parents(const Entry& environment, std::vector<Problem>& problems) const;
  const Entry* find_environment(std::string_view name) const;
  Problem problem(int line, std::string key, std::string_view value, std::string message) const;

  std::string path_;
  std::string absolute_path_;
  std::string folder_;
  std::string default_name_;
  int default_line_ = 0;
  Node defaults_;
  std::vector<Entry> environments_;
};

}  // namespace telltale::config
