#include "config/item.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/interpolate.h"
#include "config/table.h"
#include "config/value.h"

namespace telltale::config {

const Item* Item::find(std::string_view path) const {
  for (const Member& member : members) {
    if (kind != Kind::map || member.key.empty() || !path.starts_with(member.key)) continue;
    if (path.size() == member.key.size()) return &member.item;
    if (path[member.key.size()] != '.') continue;
    if (const Item* below = member.item.find(path.substr(member.key.size() + 1))) return below;
  }
  return nullptr;
}

Value Item::as_value() const {
  if (kind == Kind::value) return value;
  if (kind == Kind::list) {
    TextList texts;
    for (const Member& member : members) texts.push_back(std::get<std::string>(member.item.value));
    return texts;
  }
  TextMap texts;
  for (const Member& member : members) texts[member.key] = std::get<std::string>(member.item.value);
  return texts;
}

std::string Item::text(std::string_view path) const {
  const Item* item = find(path);
  return item == nullptr || item->wrong ? std::string() : std::get<std::string>(item->value);
}

std::int64_t Item::number(std::string_view path, std::int64_t otherwise) const {
  const Item* item = find(path);
  const auto* number = item == nullptr ? nullptr : std::get_if<std::int64_t>(&item->value);
  return number == nullptr ? otherwise : *number;
}

TextList Item::texts(std::string_view path) const {
  const Item* item = find(path);
  return item == nullptr || item->wrong ? TextList() : std::get<TextList>(item->as_value());
}

namespace {

Item value_item(SettingType type, Value value) {
  Item item;
  item.kind = Item::Kind::value;
  item.type = type;
  item.value = std::move(value);
  return item;
}

Item default_item(const Setting& setting) {
  auto value = parse_value(setting, setting.default_text);
  if (!value) return {};  // the generator checks defaults
  const auto* texts = std::get_if<TextList>(&*value);
  if (texts == nullptr) return value_item(setting.type, std::move(*value));
  Item list;
  list.kind = Item::Kind::list;
  list.type = setting.type;
  for (const std::string& text : *texts) list.members.push_back({{}, 0, value_item(SettingType::text, text)});
  return list;
}

}  // namespace

void add_defaults(Item& map, const Table& table, const std::string& path) {
  for (Member& member : map.members) {
    const std::string below = path.empty() ? member.key : fmt::format("{}.{}", path, member.key);
    if (table.is_list(below)) {
      if (below.ends_with("monitoring.services")) continue;  // they say only what is asked of them
      for (Member& entry : member.item.members) add_defaults(entry.item, table, below + "[]");
    } else if (table.find(below) == nullptr) {
      add_defaults(member.item, table, below);
    }
  }
  if (path.empty()) return;
  for (const Setting* setting : table.below(path)) {
    const std::string_view key = setting->path.substr(setting->path.rfind('.') + 1);
    if (!setting->default_text.empty() && map.find(key) == nullptr) map.members.push_back({std::string(key), 0, default_item(*setting)});
  }
}

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

// A list or map that is one setting, not a section or a list of entries.
bool is_setting(const Item& item) {
  return item.kind != Item::Kind::value && item.type != SettingType::any;
}

// Sizes and times are texts, which YAML needs no quotes for.
std::string scalar(const Item& item, bool yaml) {
  const auto* text = std::get_if<std::string>(&item.value);
  if (text != nullptr && item.type == SettingType::secret) return text->empty() ? "\"\"" : "\"***\"";
  if (text != nullptr) return quoted(yaml ? escape_references(*text) : *text);
  const std::string shown = format_value(item.type, item.value);
  const bool is_time = item.type == SettingType::duration || item.type == SettingType::offset || item.type == SettingType::bytes;
  return is_time && !yaml ? quoted(shown) : shown;
}

// On one line, as YAML or JSON: what is hidden is shown as it was written.
std::string flow(const Item& item, bool yaml) {
  if (item.origin.written && (item.type != SettingType::secret || item.missing)) return *item.origin.written;
  if (item.kind == Item::Kind::value) return scalar(item, yaml);
  const bool is_map = item.kind == Item::Kind::map;
  std::string out = is_map ? "{" : "[";
  for (const Member& member : item.members) {
    if (out.size() > 1) out += ", ";
    if (is_map) out += quoted(member.key) + ": ";
    out += flow(member.item, yaml);
  }
  return out + (is_map ? "}" : "]");
}

// YAML's plain keys are kept as they are, so that they read as in the file.
std::string yaml_key(const std::string& key) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const bool word = !key.empty() && std::all_of(key.begin(), key.end(), plain);
  const bool special = word && (base::equals_ignoring_case(key, "null") || base::equals_ignoring_case(key, "true") ||
                                base::equals_ignoring_case(key, "false"));
  return word && !special ? key : quoted(key);
}

bool is_list_of_maps(const Item& item) {
  const auto is_map = [](const Member& member) { return member.item.kind == Item::Kind::map && !member.item.members.empty(); };
  return item.kind == Item::Kind::list && !is_setting(item) && !item.members.empty() &&
         std::all_of(item.members.begin(), item.members.end(), is_map);
}

void append_members(std::string& out, const Item& map, std::size_t indent, bool in_list);

void append_member(std::string& out, const Member& member, std::size_t indent, std::string_view start) {
  const Item& item = member.item;
  const std::string head = fmt::format("{:{}}{}{}:", "", indent, start, yaml_key(member.key));
  if (item.kind == Item::Kind::map && !is_setting(item) && !item.members.empty()) {
    out += head + "\n";
    append_members(out, item, indent + start.size() + 2, false);
  } else if (is_list_of_maps(item)) {
    out += head + "\n";
    for (const Member& entry : item.members) append_members(out, entry.item, indent + start.size() + 2, true);
  } else {
    // A command for the shell is read as it is.
    const bool shell = item.kind == Item::Kind::value && item.type == SettingType::command;
    out += fmt::format("{} {}  # {}\n", head, shell ? quoted(std::get<std::string>(item.value)) : flow(item, true), item.origin.text());
  }
}

void append_members(std::string& out, const Item& map, std::size_t indent, bool in_list) {
  for (std::size_t i = 0; i < map.members.size(); ++i) {
    append_member(out, map.members[i], indent, !in_list ? "" : i == 0 ? "- " : "  ");
  }
}

}  // namespace

void append_yaml(std::string& out, const Item& map, std::size_t indent) {
  append_members(out, map, indent, false);
}

void append_json(std::string& out, const Item& item, bool with_origins) {
  if (with_origins && (item.kind == Item::Kind::value || is_setting(item))) {
    out += fmt::format("{{\"value\": {}, \"from\": {}}}", flow(item, false), quoted(item.origin.text()));
    return;
  }
  if (item.kind == Item::Kind::value) {
    out += item.hidden ? fmt::format("{{\"$secret\": {}}}", item.origin.written.value_or("\"***\"")) : scalar(item, false);
    return;
  }
  const bool is_map = item.kind == Item::Kind::map;
  out += is_map ? '{' : '[';
  for (std::size_t i = 0; i < item.members.size(); ++i) {
    if (i > 0) out += ", ";
    if (is_map) out += quoted(item.members[i].key) + ": ";
    append_json(out, item.members[i].item, with_origins);
  }
  out += is_map ? '}' : ']';
}

}  // namespace telltale::config
