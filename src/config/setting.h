// The shape of the table of settings that is generated from schema/config.yaml (config/settings.h).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace telltale::config {

enum class SettingType : std::uint8_t {
  boolean,
  integer,
  number,  // with a fraction
  bytes,
  duration,
  offset,  // a duration that may be negative
  text,
  secret,
  pattern,
  choice,
  zone,
  start,    // beginning, end, RFC 3339 or a negative duration
  command,  // a text for the shell, or a list of program and arguments
  text_list,
  text_map,
  text_lists,  // a map of names to lists of texts
  any,
};

using TextList = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;
// boolean: bool; integer, bytes, duration and offset (nanoseconds): the number; text, secret, pattern, choice, zone, start: the text. What
// may hold lists or maps in any depth (command, text_lists, any) is no Value as a whole, but an Item (item.h).
using Value = std::variant<bool, std::int64_t, double, std::string, TextList, TextMap>;

// Another word for a value of a choice, as other programs have it.
struct Alias {
  std::string_view word;
  std::string_view value;
};

struct Setting {
  std::string_view path;  // "server.port"; of a list's entries "sources.files[].paths"
  SettingType type = SettingType::text;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::span<const std::string_view> allowed = {};    // of a choice
  std::span<const Alias> aliases = {};               // of a choice
  std::span<const std::string_view> variables = {};  // the first that is set wins
  bool required = false;                             // in entries of lists
  std::string_view default_text = {};                // as it would be written; lists and maps are empty by default
  // The place in a Config; none for entries of lists.
  Value (*read)(const Config&) = nullptr;
  void (*write)(Config&, const Value&) = nullptr;
};

}  // namespace telltale::config
