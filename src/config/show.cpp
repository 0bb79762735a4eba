#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/interpolate.h"
#include "config/load.h"
#include "config/settings.h"
#include "config/table.h"
#include "config/value.h"

namespace telltale::config {

namespace {

// One setting as it is shown.
struct Shown {
  std::string path;   // "server.port", "sources.files[0].paths"
  std::string value;  // YAML
  std::string from;
};

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

// Sizes and times are no JSON; they become texts.
std::string json_value(const std::string& yaml) {
  const bool is_json = yaml.starts_with('"') || yaml.starts_with('[') || yaml.starts_with('{') || yaml == "true" || yaml == "false" ||
                       yaml.find_first_not_of("0123456789") == std::string::npos;
  return is_json ? yaml : quoted(yaml);
}

std::string yaml_value(const Setting& setting, const Value& value) {
  switch (setting.type) {
    case SettingType::boolean:
    case SettingType::integer:
    case SettingType::bytes:
    case SettingType::duration:
    case SettingType::number:
    case SettingType::offset:
      return format_value(setting.type, value);
    case SettingType::text_list: {
      TextList texts = std::get<TextList>(value);
      for (std::string& text : texts) text = escape_references(text);
      return format_value(setting.type, texts);
    }
    case SettingType::text_map: {
      TextMap texts = std::get<TextMap>(value);
      for (auto& [name, text] : texts) text = escape_references(text);
      return format_value(setting.type, texts);
    }
    case SettingType::pattern:
      return quoted(std::get<std::string>(value));
    default:
      break;
  }
  return quoted(escape_references(format_value(setting.type, value)));
}

// A secret whose text is "***" and what was written with ${...} are not the value itself.
Shown shown(const Loaded& loaded, const Setting& setting, std::string path, const Value& value) {
  const auto found = loaded.origins.find(path);
  const Origin origin = found == loaded.origins.end() ? Origin{} : found->second;
  const bool as_written = origin.written && setting.type != SettingType::secret;
  std::string text = as_written ? *origin.written : yaml_value(setting, value);
  return {std::move(path), std::move(text), origin.text()};
}

using ShownEntry = std::vector<Shown>;

// The settings of one entry of a list.
class EntryShower {
 public:
  EntryShower(const Loaded& loaded, std::string list, std::size_t index)
      : loaded_(loaded), list_(std::move(list)), place_(fmt::format("{}[{}]", list_, index)) {}

  EntryShower& add(std::string_view name, Value value) {
    const Setting* setting = settings_table().find(fmt::format("{}[].{}", list_, name));
    entry_.push_back(shown(loaded_, *setting, fmt::format("{}.{}", place_, name), value));
    return *this;
  }
  ShownEntry take() { return std::move(entry_); }

 private:
  const Loaded& loaded_;
  const std::string list_;
  const std::string place_;
  ShownEntry entry_;
};

std::vector<ShownEntry> shown_files(const Loaded& loaded) {
  std::vector<ShownEntry> entries;
  for (std::size_t i = 0; i < loaded.config.files.size(); ++i) {
    const FileSource& file = loaded.config.files[i];
    if (file.of_service) continue;  // shown with the service
    EntryShower entry(loaded, "sources.files", i);
    entry.add("name", file.name).add("paths", file.paths).add("exclude", file.exclude).add("service", file.service);
    entries.push_back(entry.add("labels", file.labels).add("start", file.start).take());
  }
  return entries;
}

std::vector<ShownEntry> shown_redactions(const Loaded& loaded) {
  std::vector<ShownEntry> entries;
  for (const PatternRule& rule : loaded.config.redaction.add) {
    EntryShower entry(loaded, "redaction.add", entries.size());
    entries.push_back(entry.add("name", rule.name).add("pattern", rule.pattern).add("keywords", rule.keywords).take());
  }
  return entries;
}

std::vector<Shown> shown_settings(const Loaded& loaded) {
  std::vector<Shown> all;
  for (const Setting& setting : setting_table) {
    all.push_back(shown(loaded, setting, std::string(setting.path), setting.read(loaded.config)));
  }
  return all;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}
std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('.'));
}
std::string_view parent_part(std::string_view path) {
  return path.substr(0, path.rfind('.'));
}

void append_line(std::string& out, std::size_t indent, std::string_view start, const Shown& setting) {
  out += fmt::format("{:{}}{}{}: {}  # {}\n", "", indent, start, last_part(setting.path), setting.value, setting.from);
}

void append_list(std::string& out, std::size_t indent, std::string_view key, const std::vector<ShownEntry>& entries) {
  if (entries.empty()) {
    out += fmt::format("{:{}}{}: []  # default\n", "", indent, key);
    return;
  }
  out += fmt::format("{:{}}{}:\n", "", indent, key);
  for (const ShownEntry& entry : entries) {
    for (std::size_t i = 0; i < entry.size(); ++i) append_line(out, indent + 2, i == 0 ? "- " : "  ", entry[i]);
  }
}

// `all` are in the order of their sections; deeper ones have a heading of their own, as server.tls has.
void append_settings(std::string& out, const std::vector<Shown>& all, const Loaded& loaded) {
  std::string_view section;
  std::string_view parent;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Shown& setting = all[i];
    if (first_part(setting.path) != section) out += fmt::format("{}:\n", section = parent = first_part(setting.path));
    const bool nested = parent_part(setting.path) != section;
    if (nested && parent_part(setting.path) != parent) out += fmt::format("  {}:\n", last_part(parent_part(setting.path)));
    parent = parent_part(setting.path);
    append_line(out, nested ? 4 : 2, "", setting);
    const bool ends = i + 1 == all.size() || first_part(all[i + 1].path) != section;
    if (ends && section == "redaction") append_list(out, 2, "add", shown_redactions(loaded));
  }
}

std::string json_setting(const Shown& setting, std::string_view key) {
  return fmt::format("{}: {{\"value\": {}, \"from\": {}}}", quoted(key), json_value(setting.value), quoted(setting.from));
}

std::string json_list(const std::vector<ShownEntry>& entries) {
  std::string out = "[";
  for (const ShownEntry& entry : entries) {
    out += out.size() > 1 ? ", {" : "{";
    for (std::size_t i = 0; i < entry.size(); ++i) out += (i == 0 ? "" : ", ") + json_setting(entry[i], last_part(entry[i].path));
    out += '}';
  }
  return out + "]";
}

}  // namespace

std::string show_yaml(const Loaded& loaded) {
  std::string out =
      loaded.config.path.empty() ? "# no settings file was found\n" : fmt::format("# {}\n", base::to_printable(loaded.config.path));
  out += "version: 1\n";
  append_settings(out, shown_settings(loaded), loaded);
  out += "sources:\n";
  append_list(out, 2, "files", shown_files(loaded));
  if (loaded.services.members.empty()) {
    out += "services: []  # default\n";
  } else {
    Item all;
    all.members.push_back({"services", 0, loaded.services});
    append_yaml(out, all, 0);
  }
  return out;
}

std::string show_json(const Loaded& loaded) {
  std::string out = fmt::format("{{\"file\": {}, \"settings\": {{", loaded.config.path.empty() ? "null" : quoted(loaded.config.path));
  const auto settings = shown_settings(loaded);
  for (std::size_t i = 0; i < settings.size(); ++i) out += (i == 0 ? "" : ", ") + json_setting(settings[i], settings[i].path);
  out += fmt::format("}}, \"sources.files\": {}, \"redaction.add\": {}, \"services\": ", json_list(shown_files(loaded)),
                     json_list(shown_redactions(loaded)));
  Item services = loaded.services;
  services.kind = Item::Kind::list;
  append_json(out, services, true);
  out += ", \"warnings\": [";
  for (std::size_t i = 0; i < loaded.warnings.size(); ++i) out += (i == 0 ? "" : ", ") + quoted(loaded.warnings[i]);
  return out + "]}\n";
}

}  // namespace telltale::config
