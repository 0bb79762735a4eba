// The layers of settings, each laid over the one before: the file's tree, the environment, the command line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/interpolate.h"
#include "config/load.h"
#include "config/setting.h"
#include "config/tree.h"

namespace telltale::config {

// Takes everything from a document into a Loaded; what is wrong becomes a Problem and leaves its setting as it was.
class Reader {
 public:
  // All outlive it.
  Reader(std::string file, const Interpolator& interpolate, Loaded& loaded, std::vector<Problem>& problems)
      : file_(std::move(file)), interpolate_(interpolate), loaded_(loaded), problems_(problems) {}

  void read(const Node& root);

 private:
  struct Read {
    Value value;
    Origin origin;
  };
  // The settings of one entry of a list, by their names in it.
  using Members = std::map<std::string_view, Read>;

  void read_map(const Node& map, const std::string& path);
  void read_key(const Entry& entry, const std::string& parent);
  void read_version(const Node& root);
  void read_list(const Node& node, const std::string& path);
  void read_services(const Node& node);
  void read_service(const Node& node, const std::string& shown, const std::string& name, int line);
  Members read_entry(const Node& node, const std::string& list, const std::string& shown);
  void unknown_member(const Entry& entry, const std::string& list, const std::string& shown);

  std::optional<Read> read_value(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Value> parse_node(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Value> read_text_list(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Value> read_text_map(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Value> read_scalar(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Interpolator::Text> text_of(const Setting& setting, const Node& node, const std::string& shown);

  void add_file_source(const Members& members, const std::string& shown, int line);
  void add_redaction(const Members& members, const std::string& shown, int line);
  void add_service(const Members& members, const std::string& shown, int line);

  // Notes where the members of the entry at `place` in the Config came from.
  void note_origins(const Members& members, const std::string& place);

  void report(base::ErrorCode code, int line, std::string key, std::string value, std::string message);

  const std::string file_;
  const Interpolator& interpolate_;
  Loaded& loaded_;
  std::vector<Problem>& problems_;
  bool replaced_ = false;  // something of the value that is being read
};

void read_environment(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems);
void read_command_line(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems);

// What concerns more than one setting; runs last.
void check_rules(Loaded& loaded, std::vector<Problem>& problems);

}  // namespace telltale::config
