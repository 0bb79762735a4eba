// What was read from a settings file: the tree of a document with its values checked, and where each stands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"

namespace telltale::config {

enum class OriginKind : std::uint8_t { builtin, file, environment, command_line };

// Where a setting's value came from.
struct Origin {
  OriginKind kind = OriginKind::builtin;
  std::string place;                   // the file or the variable
  int line = 0;                        // in the file
  std::optional<std::string> written;  // as YAML, before ${...} was replaced; empty when nothing was

  // "default", "telltale.yaml:3", "LOG_LEVEL", "command line"
  std::string text() const;
};

struct Member;

struct Item {
  enum class Kind : std::uint8_t { value, list, map };
  Kind kind = Kind::map;
  Value value;                          // of a value: never a TextList or TextMap, which are lists and maps here
  SettingType type = SettingType::any;  // of a value; of a list or map that is one setting: that setting's
  Origin origin;                        // where it stands; `written` only when ${...} was replaced in it
  bool hidden = false;                  // a secret, or what may be one: shown as *** or as it was written
  bool missing = false;                 // a value that could not be had: a variable or file that is not there
  bool wrong = false;                   // it or something below has a problem
  std::vector<Member> members;          // of a list (their keys are empty) and of a map, in the file's order

  // By path below this item, as in "mongodb.port"; null when there is none. Keys that hold dots are found too.
  const Item* find(std::string_view path) const;
  bool is_empty() const { return kind != Kind::value && members.empty(); }

  // The value as the setting's type has it: lists and maps of texts as TextList and TextMap.
  Value as_value() const;
  // What is below, or an empty one; the type must be the right one.
  std::string text(std::string_view path) const;
  std::int64_t number(std::string_view path, std::int64_t otherwise) const;
  TextList texts(std::string_view path) const;
};

struct Member {
  std::string key;
  int line = 0;
  Item item;
};

class Table;

// Adds the defaults of what is not given, directly in `map` and in the maps below that are there. `path` is the map's in the table.
void add_defaults(Item& map, const Table& table, const std::string& path);

// As YAML on lines of their own, with a comment after each that says where it came from; and as JSON. `indent` in spaces.
void append_yaml(std::string& out, const Item& map, std::size_t indent);
// {"value": ..., "from": ...} for each value when `with_origins`; else values alone, and hidden ones as {"$secret": "as written"}.
void append_json(std::string& out, const Item& item, bool with_origins);

}  // namespace telltale::config
