// Looking things up in the table of settings.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"

namespace telltale::config {

// All paths that may stand in a file. Paths of lists' entries are written with "[]": "sources.files[].paths".
class Table {
 public:
  // The spans outlive it.
  explicit Table(std::vector<std::span<const Setting>> parts) : parts_(std::move(parts)) {}

  // Null when there is none.
  const Setting* find(std::string_view path) const;
  // "sources.files", "redaction.add" or "services".
  bool is_list(std::string_view path) const;
  // True when there is something below, as for "server".
  bool is_section(std::string_view path) const;
  // The settings directly below `path` (empty: at the top).
  std::vector<const Setting*> below(std::string_view path) const;
  // "; did you mean server.port?" or "; allowed here: ..." for the unknown key `key` under `parent` (empty: at the top).
  std::string suggestion(std::string_view parent, std::string_view key) const;

 private:
  template <class Visit>
  void visit(Visit each) const;
  std::set<std::string_view> keys_below(std::string_view parent) const;

  std::vector<std::span<const Setting>> parts_;
};

const Table& settings_table();     // of telltale.yaml
const Table& environment_table();  // of an environment in environments.yaml

// The one of `candidates` that was most likely meant by `key`, or nothing.
std::string_view nearest(std::string_view key, const std::set<std::string_view>& candidates);

}  // namespace telltale::config
