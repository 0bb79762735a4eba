#include "config/environments.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/environment_file.h"
#include "config/interpolate.h"
#include "config/item_reader.h"
#include "config/reader.h"
#include "config/services.h"
#include "config/table.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

constexpr std::string_view services_path = "monitoring.services";
// Not read with the rest of an environment.
constexpr std::string_view apart[] = {"settings", "inherits"};

constexpr std::string_view no_file_remedy =
    "Write it (docs/reference/environments.md has an example), or name another with --environments FILE or TELLTALE_ENVIRONMENTS.";
constexpr std::string_view not_chosen_remedy = "Choose one with --env NAME or TELLTALE_ENV, or write `default: NAME` into the file.";

std::unexpected<base::Error> failed(const Problem& problem) {
  std::string remedy;
  if (problem.code == ErrorCode::config_not_found) remedy = no_file_remedy;
  if (problem.code == ErrorCode::environment_not_found) remedy = not_chosen_remedy;
  return base::fail(problem.code, problem.text(), std::move(remedy));
}

std::unexpected<base::Error> failed(const std::vector<Problem>& problems, std::string_view what) {
  if (problems.size() == 1) return failed(problems.front());
  std::string cause = fmt::format("{} problems in {}:", problems.size(), what);
  for (const Problem& problem : problems) cause += "\n  " + problem.text();
  return base::fail(problems.front().code, std::move(cause),
                    "Mend what the lines above name; docs/reference/environments.md has everything that an environment may hold.");
}

bool holds_missing(const Item& item) {
  return item.missing || std::any_of(item.members.begin(), item.members.end(), [](const Member& each) { return holds_missing(each.item); });
}

// The services that can be told in full; of the others something is missing, and said.
Item complete_entries(const Item& list) {
  Item complete = list;
  std::erase_if(complete.members, [](const Member& entry) { return holds_missing(entry.item); });
  complete.wrong |= complete.members.size() != list.members.size();
  return complete;
}

// The environment's patterns count for every service; its own `replace` stands instead of the common one.
void add_common_patterns(const Item& values, std::vector<ServiceConfig>& services) {
  const std::string path = "monitoring.error_patterns.";
  const TextList add = values.texts(path + "add");
  const TextList ignore = values.texts(path + "ignore");
  const TextList replace = values.texts(path + "replace");
  for (ServiceConfig& service : services) {
    ErrorPatterns& patterns = service.error_patterns;
    patterns.add.insert(patterns.add.begin(), add.begin(), add.end());
    patterns.ignore.insert(patterns.ignore.begin(), ignore.begin(), ignore.end());
    if (patterns.replace.empty()) patterns.replace = replace;
  }
}

LoadedEnvironment read_environment_of(const EnvironmentFile& file, const std::string& name, base::Files& files, const LoadRequest& request,
                                      std::vector<Problem>& problems) {
  LoadedEnvironment loaded;
  EnvironmentConfig& environment = loaded.environment;
  environment.name = name;
  environment.path = file.path();
  environment.absolute_path = file.absolute_path();
  environment.folder = file.folder();
  environment.available = file.names();
  const Interpolator interpolate(files, request, file.folder());
  ItemReader reader(file.path(), environment_table(), &interpolate, {problems, loaded.warnings, &loaded.missing});
  environment.values = reader.read(file.merged(name, problems), {}, apart);
  if (const Item* services = environment.values.find(services_path)) {
    ServiceReader(file.path(), file.folder(), request.home, problems, loaded.warnings)
        .read(complete_entries(*services), std::string(services_path), environment.services);
  }
  if (auto blank = blank_pattern(environment.values, "monitoring.error_patterns", file.path(), {})) problems.push_back(std::move(*blank));
  if (!environment.values.wrong) {
    add_common_patterns(environment.values, environment.services);
    add_defaults(environment.values, environment_table(), {});
  }
  sort_by_line(problems);
  sort_by_line(loaded.missing);
  return loaded;
}

// What can be said of every environment on its own, whatever is set.
void check_structure(const EnvironmentFile& file, std::vector<Problem>& problems) {
  std::vector<std::string> warnings;  // are said when the environment is read with all it inherits
  const auto check = [&](const Node& node, const std::string& shown) {
    ItemReader(file.path(), environment_table(), nullptr, {problems, warnings}).read(node, shown, apart);
    for (const Entry& entry : node.entries) {
      if (entry.key != "settings" || entry.node.kind == Node::Kind::empty) continue;
      if (entry.node.kind == Node::Kind::map) {
        ItemReader(file.path(), settings_table(), nullptr, {problems, warnings}).read(entry.node, shown + ".settings");
      } else {
        problems.push_back({ErrorCode::config_invalid_value,
                            file.path(),
                            entry.line,
                            shown + ".settings",
                            {},
                            "must be a map of settings as in telltale.yaml"});
      }
    }
  };
  check(file.defaults(), "defaults");
  for (const Entry& environment : file.environments()) check(environment.node, environment.key);
}

void add_new(std::vector<Problem>& to, std::vector<Problem> from) {
  for (Problem& problem : from) {
    const auto is_same = [&](const Problem& other) { return other.text() == problem.text(); };
    if (std::none_of(to.begin(), to.end(), is_same)) to.push_back(std::move(problem));
  }
}

// The environments one by one, with what they inherit. What is missing counts for the chosen one alone.
void check_each(const EnvironmentFile& file, base::Files& files, const LoadRequest& request, EnvironmentsCheck& check) {
  for (const std::string& name : check.available) {
    std::vector<Problem> problems;
    LoadedEnvironment loaded = read_environment_of(file, name, files, request, problems);
    add_new(check.problems, std::move(problems));
    if (name == check.chosen) add_new(check.problems, std::move(loaded.missing));
    for (std::string& warning : loaded.warnings) {
      if (std::find(check.warnings.begin(), check.warnings.end(), warning) == check.warnings.end())
        check.warnings.push_back(std::move(warning));
    }
  }
  sort_by_line(check.problems);
}

}  // namespace

bool has_environments(base::Files& files, const LoadRequest& request) {
  const EnvironmentFile::Place place = EnvironmentFile::find(request);
  return place.named || files.info(place.path).has_value();
}

base::Result<LoadedEnvironment> load_environment(base::Files& files, const LoadRequest& request) {
  std::vector<Problem> problems;
  const auto file = EnvironmentFile::read(files, request, EnvironmentFile::find(request).path, problems);
  if (!file) return failed(file.error());
  if (!problems.empty()) return failed(problems, file->path());
  const auto name = file->choice(request);
  if (!name) return failed(file->not_chosen());
  const std::vector<std::string> names = file->names();
  if (std::find(names.begin(), names.end(), *name) == names.end()) return failed(file->not_found(*name));
  LoadedEnvironment loaded = read_environment_of(*file, *name, files, request, problems);
  if (!problems.empty()) return failed(problems, fmt::format("environment {}", *name));
  return loaded;
}

base::Status missing_in(const LoadedEnvironment& loaded, std::string_view section) {
  std::vector<Problem> problems;
  for (const Problem& problem : loaded.missing) {
    const std::string_view key = problem.key;
    if (key.starts_with(section) && (key.size() == section.size() || key[section.size()] == '.' || key[section.size()] == '[')) {
      problems.push_back(problem);
    }
  }
  if (problems.empty()) return {};
  return failed(problems, fmt::format("{} of environment {}", section, loaded.environment.name));
}

EnvironmentsCheck check_environments(base::Files& files, const LoadRequest& request) {
  EnvironmentsCheck check;
  if (!has_environments(files, request) && !request.env_name) return check;
  const auto file = EnvironmentFile::read(files, request, EnvironmentFile::find(request).path, check.problems);
  if (!file) {
    check.problems.push_back(file.error());
    return check;
  }
  check.path = file->path();
  check.available = file->names();
  check_structure(*file, check.problems);
  if (const auto name = file->choice(request)) {
    const bool there = std::find(check.available.begin(), check.available.end(), *name) != check.available.end();
    if (there) check.chosen = *name;
    if (!there && EnvironmentFile::is_asked_for(request)) check.problems.push_back(file->not_found(*name));
  }
  sort_by_line(check.problems);
  if (check.problems.empty()) check_each(*file, files, request, check);
  return check;
}

void read_environment_settings(base::Files& files, const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems) {
  const EnvironmentFile::Place place = EnvironmentFile::find(request);
  const bool asked_for = place.named || EnvironmentFile::is_asked_for(request);
  std::vector<Problem> found;
  const auto file = EnvironmentFile::read(files, request, place.path, found);
  if (!file) found.push_back(file.error());
  if (!file && file.error().code == ErrorCode::config_not_found && !place.named && !request.env_name) return;
  const auto name = file ? file->choice(request) : std::nullopt;
  if (found.empty() && name) {
    const std::vector<std::string> names = file->names();
    if (std::find(names.begin(), names.end(), *name) == names.end()) found.push_back(file->not_found(*name));
  }
  if (!found.empty() && !asked_for) {
    // The file may be of another program, and nobody asked for it.
    for (const Problem& problem : found) loaded.warnings.push_back(problem.text() + "; no settings are taken from the file");
    return;
  }
  problems.insert(problems.end(), found.begin(), found.end());
  if (!found.empty() || !name) return;
  const Node environment = file->merged(*name, problems);
  for (const Entry& entry : environment.entries) {
    if (entry.key != "settings" || entry.node.kind == Node::Kind::empty) continue;
    loaded.environment = *name;
    const Interpolator interpolate(files, request, file->folder());
    Reader(file->path(), request, interpolate, loaded, problems).read_settings(entry.node);
  }
}

}  // namespace telltale::config
