// The layers of settings, each laid over the one before: the file's tree, an environment's `settings`, the environment, the command line.
#pragma once

#include <string>
#include <vector>

#include "config/interpolate.h"
#include "config/item.h"
#include "config/load.h"
#include "config/setting.h"
#include "config/tree.h"

namespace telltale::config {

// Takes everything from a document into a Loaded; what is wrong becomes a Problem and leaves its setting as it was.
class Reader {
 public:
  // All outlive it.
  Reader(std::string file, const LoadRequest& request, const Interpolator& interpolate, Loaded& loaded, std::vector<Problem>& problems)
      : file_(std::move(file)), request_(request), interpolate_(interpolate), loaded_(loaded), problems_(problems) {}

  // telltale.yaml.
  void read(const Node& root);
  // An environment's `settings`: the same without `version`.
  void read_settings(const Node& map);

 private:
  void read_version(const Node& root);
  void apply(const Item& item, const std::string& path);
  void add_list(const Item& list, const std::string& path);
  void add_file_source(const Item& entry, const std::string& shown, int line);
  void add_redaction(const Item& entry);
  void add_services(const Item& list);

  // Notes where the members of the entry at `place` in the Config came from.
  void note_origins(const Item& entry, const std::string& place);
  void report(int line, std::string key, std::string_view value, std::string message);

  const std::string file_;
  const LoadRequest& request_;
  const Interpolator& interpolate_;
  Loaded& loaded_;
  std::vector<Problem>& problems_;
};

// Puts the problems from place `first` on into the order of their lines; those of one line stay in theirs.
void sort_by_line(std::vector<Problem>& problems, std::size_t first = 0);

// `settings` of the environment that counts, where there is a file of environments (environments.cpp).
void read_environment_settings(base::Files& files, const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems);
void read_environment(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems);
void read_command_line(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems);

// What concerns more than one setting; runs last.
void check_rules(Loaded& loaded, std::vector<Problem>& problems);

}  // namespace telltale::config
