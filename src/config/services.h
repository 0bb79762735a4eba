// The services under test: one meaning for telltale.yaml's `services` and an environment's `monitoring.services`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/item.h"
#include "config/load.h"

namespace telltale::config {

class ServiceReader {
 public:
  // Relative paths of the services start at `folder`; empty: they stay as they are. `home` stands for ~. All outlive it.
  ServiceReader(std::string file, std::string folder, std::string home, std::vector<Problem>& problems, std::vector<std::string>& warnings)
      : file_(std::move(file)), folder_(std::move(folder)), home_(std::move(home)), problems_(problems), warnings_(warnings) {}

  // Adds the entries of the list to `services`, whose names are taken already, and checks what they say of each other. Entries that are
  // wrong are left out. `shown` is the list in messages.
  void read(const Item& list, const std::string& shown, std::vector<ServiceConfig>& services);

 private:
  bool add(const Item& entry, const std::string& shown, int line, std::vector<ServiceConfig>& services);
  bool read_sources(const Item& entry, const std::string& shown, ServiceConfig& service);
  bool read_start(const Item& entry, const std::string& shown, ServiceConfig& service);
  bool read_ready(const Item& ready, const std::string& shown, int line, ServiceConfig& service);
  bool read_ready_http(const Item& http, const std::string& shown, ServiceConfig& service);
  void check_after(const Item& list, const std::string& shown, const std::vector<ServiceConfig>& services);
  std::string absolute(std::string path) const;
  bool refuse(int line, std::string key, std::string value, std::string message);

  const std::string file_;
  const std::string folder_;
  const std::string home_;
  std::vector<Problem>& problems_;
  std::vector<std::string>& warnings_;
};

// What is wrong with the error patterns of `entry` (add, ignore, replace below `path`): a blank one would stand in every line. `shown` is
// the entry in messages.
std::optional<Problem> blank_pattern(const Item& entry, const std::string& path, const std::string& file, const std::string& shown);

// How messages name an entry: by its key in a map, else by its place.
std::string shown_entry(const std::string& list, const Member& member, std::size_t index);

}  // namespace telltale::config
