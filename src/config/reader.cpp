#include "config/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/item_reader.h"
#include "config/services.h"
#include "config/table.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

bool is_label_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name.front()) && std::all_of(name.begin(), name.end(), fits);
}

std::string text_or(std::string text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

}  // namespace

void sort_by_line(std::vector<Problem>& problems, std::size_t first) {
  std::vector<std::pair<int, std::size_t>> order;
  for (std::size_t i = first; i < problems.size(); ++i) order.emplace_back(problems[i].line, i);
  std::sort(order.begin(), order.end());
  std::vector<Problem> sorted;
  for (const auto& [line, place] : order) sorted.push_back(std::move(problems[place]));
  std::move(sorted.begin(), sorted.end(), problems.begin() + static_cast<std::ptrdiff_t>(first));
}

void Reader::report(int line, std::string key, std::string_view value, std::string message) {
  problems_.push_back({ErrorCode::config_invalid_value, file_, line, std::move(key), base::to_printable(value), std::move(message)});
}

void Reader::read(const Node& root) {
  if (root.kind != Node::Kind::map && root.kind != Node::Kind::empty) {
    return report(root.line, {}, {}, "must be a map of settings, as in `version: 1`");
  }
  read_version(root);
  const std::size_t before = problems_.size();
  ItemReader items(file_, settings_table(), &interpolate_, {problems_, loaded_.warnings});
  constexpr std::string_view skipped[] = {"version"};
  apply(items.read(root, {}, skipped), {});
  // What is found of several settings together comes after what is found of each.
  sort_by_line(problems_, before);
}

void Reader::read_settings(const Node& map) {
  if (map.kind != Node::Kind::map) return report(map.line, "settings", map.text, "must be a map of settings as in telltale.yaml");
  ItemReader items(file_, settings_table(), &interpolate_, {problems_, loaded_.warnings});
  apply(items.read(map), {});
}

void Reader::read_version(const Node& root) {
  for (const Entry& entry : root.entries) {
    if (entry.key != "version") continue;
    if (entry.node.kind == Node::Kind::scalar && entry.node.text == "1") return;
    report(entry.line, "version", entry.node.text, "must be 1, the one version that this telltale reads");
    return;
  }
  report(1, "version", {}, "is missing; write `version: 1`");
}

void Reader::apply(const Item& item, const std::string& path) {
  for (const Member& member : item.members) {
    const std::string below = path.empty() ? member.key : fmt::format("{}.{}", path, member.key);
    const Setting* setting = settings_table().find(below);
    if (settings_table().is_list(below)) {
      add_list(member.item, below);
    } else if (setting == nullptr) {
      apply(member.item, below);
    } else if (!member.item.wrong) {
      setting->write(loaded_.config, member.item.as_value());
      loaded_.origins[below] = member.item.origin;
    }
  }
}

void Reader::add_list(const Item& list, const std::string& path) {
  if (path == "services") return add_services(list);
  for (std::size_t i = 0; i < list.members.size(); ++i) {
    const Member& entry = list.members[i];
    if (entry.item.wrong) continue;
    if (path == "sources.files") {
      add_file_source(entry.item, fmt::format("{}[{}]", path, i), entry.line);
    } else {
      add_redaction(entry.item);
    }
  }
}

void Reader::add_file_source(const Item& entry, const std::string& shown, int line) {
  FileSource source;
  source.paths = entry.texts("paths");
  source.exclude = entry.texts("exclude");
  source.service = entry.text("service");
  source.start = text_or(entry.text("start"), source.start);
  const auto line_of = [&](std::string_view name) { return entry.find(name) != nullptr ? entry.find(name)->origin.line : line; };
  const auto is_empty = [](const std::string& path) { return path.empty(); };
  if (source.paths.empty() || std::any_of(source.paths.begin(), source.paths.end(), is_empty)) {
    return report(line_of("paths"), shown + ".paths", {}, "must name the files, with at least one pattern as in /var/log/app/*.log");
  }
  if (const Item* labels = entry.find("labels")) source.labels = std::get<TextMap>(labels->as_value());
  for (const auto& [name, text] : source.labels) {
    if (is_label_name(name) && name != "level" && name != "severity") continue;
    report(line_of("labels"), fmt::format("{}.labels.{}", shown, base::to_printable(name)), text,
           "labels are named with letters, digits and _, and not level or severity, which are a record's own");
  }
  source.name = text_or(entry.text("name"), source.paths.front());
  note_origins(entry, fmt::format("sources.files[{}]", loaded_.config.files.size()));
  loaded_.config.files.push_back(std::move(source));
}

void Reader::note_origins(const Item& entry, const std::string& place) {
  for (const Member& member : entry.members) loaded_.origins[fmt::format("{}.{}", place, member.key)] = member.item.origin;
}

void Reader::add_redaction(const Item& entry) {
  note_origins(entry, fmt::format("redaction.add[{}]", loaded_.config.redaction.add.size()));
  loaded_.config.redaction.add.push_back({entry.text("name"), entry.text("pattern"), entry.texts("keywords")});
}

void Reader::add_services(const Item& list) {
  auto& services = loaded_.config.services;
  const std::size_t first = services.size();
  ServiceReader(file_, request_.working_folder, request_.home, problems_, loaded_.warnings).read(list, "services", services);
  loaded_.services.kind = Item::Kind::list;
  for (const Member& entry : list.members) {
    const auto is_kept = [&](const ServiceConfig& service) { return service.name == entry.item.text("name"); };
    if (std::none_of(services.begin() + static_cast<std::ptrdiff_t>(first), services.end(), is_kept)) continue;
    loaded_.services.members.push_back({{}, entry.line, entry.item});
    FileSource source;
    source.paths = entry.item.texts("file");
    for (std::string& path : entry.item.texts("files")) source.paths.push_back(std::move(path));
    if (source.paths.empty()) continue;
    source.name = source.service = entry.item.text("name");
    source.of_service = true;
    loaded_.config.files.push_back(std::move(source));
  }
}

}  // namespace telltale::config
