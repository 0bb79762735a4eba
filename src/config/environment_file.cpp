#include "config/environment_file.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

constexpr std::string_view default_path = "config/environments.yaml";

std::optional<std::string> variable(const LoadRequest& request, std::string_view name) {
  auto value = request.environment ? request.environment(name) : std::nullopt;
  return value && !value->empty() ? value : std::nullopt;
}

std::optional<std::string> asked_for(const LoadRequest& request) {
  return request.env_name ? request.env_name : variable(request, "TELLTALE_ENV");
}

// "a/config/environments.yaml" -> "a"; "a/environments.yaml" -> "a".
std::string folder_of(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.filename() == "config") folder = folder.parent_path();
  return folder.string();
}

bool is_environment_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

// Lays `over` over `base`. What is empty in `over` says nothing.
void overlay(Node& base, const Node& over) {
  for (const Entry& entry : over.entries) {
    if (entry.key == "inherits") continue;
    const auto found = std::find_if(base.entries.begin(), base.entries.end(), [&](const Entry& other) { return other.key == entry.key; });
    if (found == base.entries.end()) {
      base.entries.push_back(entry);
    } else if (entry.node.kind == Node::Kind::map && found->node.kind == Node::Kind::map) {
      overlay(found->node, entry.node);
    } else if (entry.node.kind != Node::Kind::empty) {
      *found = entry;
    }
  }
}

}  // namespace

EnvironmentFile::Place EnvironmentFile::find(const LoadRequest& request) {
  if (request.env_file) return {*request.env_file, true};
  if (auto path = variable(request, "TELLTALE_ENVIRONMENTS")) return {*path, true};
  return {std::string(default_path), false};
}

std::expected<EnvironmentFile, Problem> EnvironmentFile::read(base::Files& files, const LoadRequest& request, const std::string& path,
                                                              std::vector<Problem>& problems) {
  const auto text = base::read_file(files, path, max_document_bytes);
  if (!text) {
    const bool absent = text.error().code == ErrorCode::file_not_found || text.error().code == ErrorCode::not_directory;
    if (absent) return std::unexpected(Problem{ErrorCode::config_not_found, {}, 0, {}, {}, "Configuration file not found: " + path});
    return std::unexpected(Problem{text.error().code, path, 0, {}, {}, "cannot be read: " + text.error().cause});
  }
  auto root = parse_yaml(*text, path, problems);
  if (!root) return std::unexpected(std::move(root.error()));
  EnvironmentFile file;
  file.path_ = path;
  file.absolute_path_ = (std::filesystem::path(request.working_folder) / path).lexically_normal().string();
  file.folder_ = folder_of(file.absolute_path_);
  file.take(*root, problems);
  return file;
}

Problem EnvironmentFile::problem(int line, std::string key, std::string_view value, std::string message) const {
  return {ErrorCode::config_invalid_value, path_, line, std::move(key), base::to_printable(value), std::move(message)};
}

void EnvironmentFile::take(const Node& root, std::vector<Problem>& problems) {
  if (root.kind != Node::Kind::map && root.kind != Node::Kind::empty) {
    problems.push_back(problem(root.line, {}, {}, "must be a map from the names of environments to what they hold"));
    return;
  }
  constexpr std::string_view reserved[] = {"version", "default", "defaults", "environments"};
  const auto is_reserved = [&](const Entry& entry) {
    return std::find(std::begin(reserved), std::end(reserved), entry.key) != std::end(reserved);
  };
  const auto is_section = [](const Entry& entry) { return entry.key == "environments"; };
  const bool sectioned = std::any_of(root.entries.begin(), root.entries.end(), is_section);
  std::vector<Entry> others;
  for (const Entry& entry : root.entries) {
    if (is_reserved(entry)) {
      take_reserved(entry, problems);
    } else if (!sectioned) {
      others.push_back(entry);
    } else {
      problems.push_back({ErrorCode::config_unknown_key,
                          path_,
                          entry.line,
                          base::to_printable(entry.key),
                          {},
                          "is not a setting; beside `environments:` there are default, defaults and version; an environment goes below "
                          "`environments:`"});
    }
  }
  take_environments(others, problems);
  if (!default_name_.empty() && find_environment(default_name_) == nullptr) {
    problems.push_back(
        problem(default_line_, "default", default_name_, fmt::format("is none of the environments: {}", fmt::join(names(), ", "))));
  }
}

void EnvironmentFile::take_reserved(const Entry& entry, std::vector<Problem>& problems) {
  const Node& node = entry.node;
  if (node.kind == Node::Kind::empty) return;
  if (entry.key == "version") {
    if (node.kind == Node::Kind::scalar && node.text == "1") return;
    problems.push_back(problem(entry.line, "version", node.text, "must be 1, the one version that this telltale reads"));
  } else if (entry.key == "default") {
    default_name_ = node.text;
    default_line_ = entry.line;
    if (node.kind == Node::Kind::scalar) return;
    problems.push_back(
        problem(entry.line, "default", {}, "must be the name of an environment; what all environments inherit is `defaults:`"));
  } else if (node.kind != Node::Kind::map) {
    problems.push_back(problem(entry.line, entry.key, node.text, "must be a map"));
  } else if (entry.key == "defaults") {
    defaults_ = node;
  } else {
    take_environments(node.entries, problems);
  }
}

void EnvironmentFile::take_environments(const std::vector<Entry>& entries, std::vector<Problem>& problems) {
  for (const Entry& entry : entries) {
    if (!is_environment_name(entry.key)) {
      problems.push_back(problem(entry.line, base::to_printable(entry.key), {},
                                 "is no name for an environment: letters, digits, `_`, `.` and `-`, at most 100"));
    } else if (entry.node.kind != Node::Kind::map && entry.node.kind != Node::Kind::empty) {
      problems.push_back(
          problem(entry.line, entry.key, entry.node.text, "must be an environment: a map of sections such as `monitoring:`"));
    } else {
      environments_.push_back(entry);
      environments_.back().node.kind = Node::Kind::map;
    }
  }
}

std::vector<std::string> EnvironmentFile::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : environments_) names.push_back(entry.key);
  return names;
}

const Entry* EnvironmentFile::find_environment(std::string_view name) const {
  const auto found = std::find_if(environments_.begin(), environments_.end(), [&](const Entry& entry) { return entry.key == name; });
  return found == environments_.end() ? nullptr : &*found;
}

bool EnvironmentFile::is_asked_for(const LoadRequest& request) {
  return asked_for(request).has_value();
}

std::optional<std::string> EnvironmentFile::choice(const LoadRequest& request) const {
  if (auto name = asked_for(request)) return name;
  if (!default_name_.empty()) return default_name_;
  if (environments_.size() == 1) return environments_.front().key;
  return std::nullopt;
}

Problem EnvironmentFile::not_found(std::string_view name) const {
  return {ErrorCode::environment_not_found,
          {},
          0,
          {},
          {},
          fmt::format("Environment '{}' not found in config. Available: [{}]", base::to_printable(name), fmt::join(names(), ", "))};
}

Problem EnvironmentFile::not_chosen() const {
  if (environments_.empty()) return {ErrorCode::environment_not_found, path_, 0, {}, {}, "holds no environment"};
  return {ErrorCode::environment_not_found,
          {},
          0,
          {},
          {},
          fmt::format("No environment was chosen, and {} has no `default:`. Available: [{}]", path_, fmt::join(names(), ", "))};
}

Node EnvironmentFile::merged(std::string_view name, std::vector<Problem>& problems) const {
  Node into{Node::Kind::map, defaults_.line, {}, false, {}};
  overlay(into, defaults_);
  std::vector<std::string> way;
  std::vector<std::string> done;
  inherit(name, way, done, into, problems);
  return into;
}

void EnvironmentFile::inherit(std::string_view name, std::vector<std::string>& way, std::vector<std::string>& done, Node& into,
                              std::vector<Problem>& problems) const {
  const Entry* environment = find_environment(name);
  if (environment == nullptr) return;
  way.emplace_back(name);
  for (const Entry& parent : parents(*environment, problems)) {
    const std::string& parent_name = parent.node.text;
    const std::string key = environment->key + ".inherits";
    if (std::find(way.begin(), way.end(), parent_name) != way.end()) {
      problems.push_back(problem(parent.line, key, {}, fmt::format("inherits itself: {} -> {}", fmt::join(way, " -> "), parent_name)));
    } else if (find_environment(parent_name) == nullptr) {
      problems.push_back(problem(parent.line, key, parent_name, fmt::format("is none of the environments: {}", fmt::join(names(), ", "))));
    } else if (std::find(done.begin(), done.end(), parent_name) == done.end()) {
      inherit(parent_name, way, done, into, problems);
    }
  }
  way.pop_back();
  done.emplace_back(name);
  overlay(into, environment->node);
}

// The texts of `inherits`.
std::vector<Entry> EnvironmentFile::parents(const Entry& environment, std::vector<Problem>& problems) const {
  for (const Entry& entry : environment.node.entries) {
    if (entry.key != "inherits" || entry.node.kind == Node::Kind::empty) continue;
    const std::vector<Entry> texts = entry.node.kind == Node::Kind::scalar ? std::vector<Entry>{entry} : entry.node.entries;
    const auto is_text = [](const Entry& each) { return each.node.kind == Node::Kind::scalar; };
    if (entry.node.kind != Node::Kind::map && std::all_of(texts.begin(), texts.end(), is_text)) return texts;
    problems.push_back(problem(entry.line, environment.key + ".inherits", {}, "must be the name of an environment, or a list of names"));
  }
  return {};
}

}  // namespace telltale::config
