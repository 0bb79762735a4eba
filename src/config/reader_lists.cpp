// sources.files, redaction.add and services.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/reader.h"
#include "config/table.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

// The value of a member, or an empty one.
template <class T>
T member(const auto& members, std::string_view name) {
  const auto found = members.find(name);
  return found == members.end() ? T() : std::get<T>(found->second.value);
}

std::string_view member_name(const Setting& setting) {
  return setting.path.substr(setting.path.rfind('.') + 1);
}

std::string text_or(std::string text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

bool is_service_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

bool is_label_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name.front()) && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

void Reader::read_list(const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::empty) return;
  if (path == "services") return read_services(node);
  if (node.kind != Node::Kind::sequence) {
    return report(ErrorCode::config_invalid_value, node.line, path, node.text, "must be a list of entries, each a map of settings");
  }
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    const Entry& entry = node.entries[i];
    const std::string shown = fmt::format("{}[{}]", path, i);
    const std::size_t before = problems_.size();
    const Members members = read_entry(entry.node, path, shown);
    if (problems_.size() != before) continue;
    if (path == "sources.files") {
      add_file_source(members, shown, entry.line);
    } else {
      add_redaction(members, shown, entry.line);
    }
  }
}

Reader::Members Reader::read_entry(const Node& node, const std::string& list, const std::string& shown) {
  Members members;
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::empty) {
    report(ErrorCode::config_invalid_value, node.line, shown, node.text, "must be a map of settings");
    return members;
  }
  for (const Entry& entry : node.entries) {
    const Setting* setting = find_entry_setting(fmt::format("{}[].{}", list, entry.key));
    if (setting == nullptr) {
      unknown_member(entry, list, shown);
    } else if (auto read = read_value(*setting, entry.node, fmt::format("{}.{}", shown, entry.key))) {
      members.emplace(member_name(*setting), std::move(*read));
    }
  }
  return members;
}

void Reader::unknown_member(const Entry& entry, const std::string& list, const std::string& shown) {
  const std::string key = fmt::format("{}.{}", shown, base::to_printable(entry.key));
  if (list == "services" && (entry.key == "selector" || entry.key == "command")) {
    return report(ErrorCode::config_unknown_key, entry.line, key, {},
                  "names a kind of source that this version does not have; its sources are files: write `file: PATTERN`");
  }
  report(ErrorCode::config_unknown_key, entry.line, key, {}, "is not a setting" + suggestion(list + "[]", entry.key));
}

void Reader::add_file_source(const Members& members, const std::string& shown, int line) {
  FileSource source;
  source.paths = member<TextList>(members, "paths");
  source.exclude = member<TextList>(members, "exclude");
  source.labels = member<TextMap>(members, "labels");
  source.service = member<std::string>(members, "service");
  source.start = text_or(member<std::string>(members, "start"), source.start);
  const auto line_of = [&](std::string_view name) { return members.contains(name) ? members.at(name).origin.line : line; };
  const auto is_empty = [](const std::string& path) { return path.empty(); };
  if (source.paths.empty() || std::any_of(source.paths.begin(), source.paths.end(), is_empty)) {
    return report(ErrorCode::config_invalid_value, line_of("paths"), shown + ".paths", {},
                  "must name the files, with at least one pattern as in /var/log/app/*.log");
  }
  for (const auto& [name, text] : source.labels) {
    if (is_label_name(name) && name != "level" && name != "severity") continue;
    report(ErrorCode::config_invalid_value, line_of("labels"), fmt::format("{}.labels.{}", shown, base::to_printable(name)), text,
           "labels are named with letters, digits and _, and not level or severity, which are a record's own");
  }
  source.name = text_or(member<std::string>(members, "name"), source.paths.front());
  note_origins(members, fmt::format("sources.files[{}]", loaded_.config.files.size()));
  loaded_.config.files.push_back(std::move(source));
}

void Reader::note_origins(const Members& members, const std::string& place) {
  for (const auto& [name, read] : members) loaded_.origins[fmt::format("{}.{}", place, name)] = read.origin;
}

void Reader::add_redaction(const Members& members, const std::string& shown, int line) {
  PatternRule rule;
  rule.name = member<std::string>(members, "name");
  rule.pattern = member<std::string>(members, "pattern");
  rule.keywords = member<TextList>(members, "keywords");
  for (const auto& [name, text] : {std::pair("name", &rule.name), std::pair("pattern", &rule.pattern)}) {
    if (text->empty()) return report(ErrorCode::config_invalid_value, line, fmt::format("{}.{}", shown, name), {}, "is missing");
  }
  note_origins(members, fmt::format("redaction.add[{}]", loaded_.config.redaction.add.size()));
  loaded_.config.redaction.add.push_back(std::move(rule));
}

// Spec 3's map from names to settings and spec 1's list of entries with a name mean the same.
void Reader::read_services(const Node& node) {
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::sequence) {
    return report(ErrorCode::config_invalid_value, node.line, "services", node.text,
                  "must be a map from names to settings, or a list of entries with a name");
  }
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    const Entry& entry = node.entries[i];
    const bool named = node.kind == Node::Kind::map;
    const std::string shown = named ? fmt::format("services.{}", base::to_printable(entry.key)) : fmt::format("services[{}]", i);
    read_service(entry.node, shown, named ? entry.key : std::string(), entry.line);
  }
}

void Reader::read_service(const Node& node, const std::string& shown, const std::string& name, int line) {
  const std::size_t before = problems_.size();
  Members members = read_entry(node, "services", shown);
  if (problems_.size() != before) return;
  const bool has_name = members.contains("name");
  if (!name.empty() && has_name) {
    return report(ErrorCode::config_invalid_value, line, shown + ".name", {}, "is given already by the key above it; take it out");
  }
  if (!name.empty()) members["name"] = {name, {OriginKind::file, file_, line, std::nullopt}};
  add_service(members, shown, line);
}

void Reader::add_service(const Members& members, const std::string& shown, int line) {
  ServiceConfig service;
  service.name = member<std::string>(members, "name");
  if (!is_service_name(service.name)) {
    return report(ErrorCode::config_invalid_value, line, shown + ".name", service.name,
                  service.name.empty() ? "is missing" : "must be of letters, digits, `_`, `.` and `-`, at most 100");
  }
  const auto same = [&](const ServiceConfig& other) { return other.name == service.name; };
  if (std::any_of(loaded_.config.services.begin(), loaded_.config.services.end(), same)) {
    return report(ErrorCode::config_invalid_value, line, shown + ".name", service.name, "is the name of an earlier service too");
  }
  if (members.contains("port")) service.port = static_cast<std::uint16_t>(member<std::int64_t>(members, "port"));
  service.log_type = text_or(member<std::string>(members, "log_type"), service.log_type);
  service.healthcheck = member<std::string>(members, "healthcheck");
  if (!service.healthcheck.empty() && (!service.port || !service.healthcheck.starts_with('/'))) {
    return report(ErrorCode::config_invalid_value, line, shown + ".healthcheck", service.healthcheck,
                  "must be a path that begins with / of a service that has a port");
  }
  if (auto paths = member<TextList>(members, "file"); !paths.empty()) {
    FileSource source;
    source.name = source.service = service.name;
    source.paths = std::move(paths);
    const Members origins{{"name", members.at("name")}, {"service", members.at("name")}, {"paths", members.at("file")}};
    note_origins(origins, fmt::format("sources.files[{}]", loaded_.config.files.size()));
    loaded_.config.files.push_back(std::move(source));
  }
  note_origins(members, fmt::format("services[{}]", loaded_.config.services.size()));
  loaded_.config.services.push_back(std::move(service));
}

}  // namespace telltale::config
