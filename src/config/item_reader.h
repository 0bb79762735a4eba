// From a document's tree to items, by a table of settings.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/interpolate.h"
#include "config/item.h"
#include "config/load.h"
#include "config/table.h"
#include "config/tree.h"

namespace telltale::config {

class ItemReader {
 public:
  // What is wrong, each with file and line. `missing` null: secrets that are not set are problems as any other.
  struct Findings {
    std::vector<Problem>& problems;
    std::vector<std::string>& warnings;
    std::vector<Problem>* missing = nullptr;
  };

  // All outlive it. Without `interpolate` texts that hold ${...} are not looked at any further.
  ItemReader(std::string file, const Table& table, const Interpolator* interpolate, Findings findings)
      : file_(std::move(file)), table_(table), interpolate_(interpolate), findings_(findings) {}

  // The map's entries but those of `skipped` keys; `shown` is put before their paths in messages. What is wrong is marked and has no value.
  Item read(const Node& map, const std::string& shown = {}, std::span<const std::string_view> skipped = {});

 private:
  // A place in the document: its path in the table, and as messages name it.
  struct Place {
    std::string path;
    std::string shown;
  };
  // A text after ${...} was replaced.
  struct Text {
    std::string text;
    bool replaced = false;
    bool hidden = false;
    bool unknown = false;  // not looked at, or missing
    bool missing = false;
  };

  Item read_map(const Node& map, const Place& place, std::span<const std::string_view> skipped = {});
  std::optional<Item> read_entry(const Entry& entry, const Place& parent);
  std::optional<Item> read_section(const Node& node, const Place& place, int line);
  Item read_list(const Node& node, const Place& place, int line);
  Item read_list_entry(const Entry& entry, const Place& list, std::size_t index);
  bool has_required(const Item& entry, const Place& place, int line);

  Item read_setting(const Setting& setting, const Node& node, const std::string& shown);
  Item read_scalar(const Setting& setting, const Node& node, const std::string& shown);
  Item read_text_list(const Setting& setting, const Node& node, const std::string& shown);
  Item read_text_map(const Setting& setting, const Node& node, const std::string& shown);
  Item read_any(const Setting& setting, const Node& node, const std::string& shown);
  Item read_text(const Setting& setting, const Node& node, const std::string& shown);
  std::optional<Text> text_of(const Setting& setting, const Node& node, const std::string& shown, bool verbatim = false);
  Item leaf(const Setting& setting, const Node& node, Text text, Value value);

  Item wrong(int line);
  void report(base::ErrorCode code, int line, std::string key, std::string_view value, std::string message);
  void report_kind(const Setting& setting, const Node& node, const std::string& shown);

  const std::string file_;
  const Table& table_;
  const Interpolator* interpolate_;
  const Findings findings_;
};

// The short forms that settings have are replaced by their long ones: `jump_host: NAME`, `ip:` for `host:`, `ready: TEXT`, `files:`, and
// the map of services for their list. `path` is the table's.
Node long_form(std::string_view path, const Node& node);

}  // namespace telltale::config
