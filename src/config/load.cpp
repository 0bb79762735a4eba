#include "config/load.h"

#include <fmt/format.h>

#include "config/interpolate.h"
#include "config/reader.h"
#include "config/tree.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

constexpr std::string_view file_name = "telltale.yaml";

// The document that counts; both are empty when there is none.
struct Document {
  std::string path;
  std::string text;
};

std::vector<std::string> places(const LoadRequest& request) {
  if (request.path) return {*request.path};
  std::vector<std::string> paths{std::string(file_name)};
  if (!request.home.empty()) paths.push_back(base::join_path(request.home, ".config/telltale/telltale.yaml"));
  paths.push_back("/etc/telltale/telltale.yaml");
  return paths;
}

// A file that is there and cannot be read is an error: the next one would silently have other settings.
std::expected<Document, Problem> find_document(base::Files& files, const LoadRequest& request) {
  for (const std::string& path : places(request)) {
    auto text = base::read_file(files, path, max_document_bytes);
    if (text) return Document{path, std::move(*text)};
    const bool absent = text.error().code == ErrorCode::file_not_found || text.error().code == ErrorCode::not_directory;
    if (absent && !request.path) continue;
    const ErrorCode code = absent ? ErrorCode::config_not_found : text.error().code;
    return std::unexpected(Problem{code, path, 0, {}, {}, "cannot be read: " + text.error().cause});
  }
  return Document{};
}

Loaded gather(base::Files& files, const LoadRequest& request, std::vector<Problem>& problems) {
  Loaded loaded;
  const auto document = find_document(files, request);
  if (!document) {
    problems.push_back(document.error());
    return loaded;
  }
  if (!document->path.empty()) {
    loaded.config.path = document->path;
    const auto root = parse_yaml(document->text, document->path, problems);
    if (!root) {
      problems.push_back(root.error());
      return loaded;
    }
    const Interpolator interpolate(files, request);
    Reader(document->path, request, interpolate, loaded, problems).read(*root);
  }
  read_environment_settings(files, request, loaded, problems);
  read_environment(request, loaded, problems);
  read_command_line(request, loaded, problems);
  check_rules(loaded, problems);
  return loaded;
}

}  // namespace

std::string Problem::text() const {
  std::string text;
  if (!file.empty()) text += line > 0 ? fmt::format("{}:{}: ", file, line) : file + ": ";
  if (!key.empty()) text += value.empty() ? key + ": " : fmt::format("{}: '{}': ", key, value);
  return text + message;
}

std::string Origin::text() const {
  switch (kind) {
    case OriginKind::builtin:
      return "default";
    case OriginKind::file:
      return fmt::format("{}:{}", place, line);
    case OriginKind::environment:
      return place;
    case OriginKind::command_line:
      return "command line";
  }
  return "default";
}

base::Result<Loaded> load(base::Files& files, const LoadRequest& request) {
  std::vector<Problem> problems;
  Loaded loaded = gather(files, request, problems);
  if (problems.empty()) return loaded;
  if (problems.size() == 1) return base::fail(problems.front().code, problems.front().text());
  std::string cause = fmt::format("{} problems in the settings:", problems.size());
  for (const Problem& problem : problems) cause += "\n  " + problem.text();
  return base::fail(problems.front().code, std::move(cause),
                    "Mend what the lines above name; docs/reference/configuration.md has every setting.");
}

std::vector<Problem> check(base::Files& files, const LoadRequest& request) {
  std::vector<Problem> problems;
  static_cast<void>(gather(files, request, problems));
  return problems;
}

}  // namespace telltale::config
