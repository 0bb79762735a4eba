// The environment and the command line, and what is checked of all layers together.
#include <fmt/format.h>

#include "base/text.h"
#include "config/reader.h"
#include "config/settings.h"
#include "config/table.h"
#include "config/value.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

// Sets one setting from a text that is not of a file.
void apply(const Setting& setting, std::string_view text, Origin origin, const std::string& key, Loaded& loaded,
           std::vector<Problem>& problems) {
  auto value = parse_value(setting, text);
  if (!value) {
    const std::string shown = setting.type == SettingType::secret ? "" : base::to_printable(text);
    problems.push_back({ErrorCode::config_invalid_value, {}, 0, key, shown, value.error()});
    return;
  }
  setting.write(loaded.config, *value);
  loaded.origins[std::string(setting.path)] = std::move(origin);
}

// A problem of a setting, placed where its value came from.
Problem problem_of(const Loaded& loaded, const std::string& setting, std::string message) {
  Problem problem{ErrorCode::config_invalid_value, {}, 0, setting, {}, std::move(message)};
  const auto origin = loaded.origins.find(setting);
  if (origin != loaded.origins.end() && origin->second.kind == OriginKind::file) {
    problem.file = origin->second.place;
    problem.line = origin->second.line;
  }
  return problem;
}

void check_ports(const Loaded& loaded, std::vector<Problem>& problems) {
  const ServerConfig& server = loaded.config.server;
  const std::pair<const char*, std::uint16_t> ports[] = {
      {"server.port", server.port}, {"server.health_port", server.health_port}, {"server.metrics_port", server.metrics_port}};
  for (std::size_t i = 1; i < std::size(ports); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (ports[i].second == 0 || ports[i].second != ports[j].second) continue;
      problems.push_back(problem_of(loaded, ports[i].first,
                                    fmt::format("is {}, which {} is too; choose another, or 0 for none", ports[i].second, ports[j].first)));
    }
  }
}

void check_server(const Loaded& loaded, std::vector<Problem>& problems) {
  const ServerConfig& server = loaded.config.server;
  if (server.host.empty()) problems.push_back(problem_of(loaded, "server.host", "must be an address to listen on, as in 127.0.0.1"));
  if (server.tls_certificate.empty() != server.tls_key.empty()) {
    const bool has_key = !server.tls_key.empty();
    problems.push_back(problem_of(loaded, has_key ? "server.tls.key" : "server.tls.certificate",
                                  fmt::format("needs server.tls.{} beside it", has_key ? "certificate" : "key")));
  }
  for (const std::string& origin : server.allowed_origins) {
    if (origin.starts_with("http://") || origin.starts_with("https://")) continue;
    Problem problem = problem_of(loaded, "server.allowed_origins", "must be origins that begin with http:// or https://");
    problem.value = base::to_printable(origin);
    problems.push_back(std::move(problem));
  }
}

}  // namespace

void read_environment(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems) {
  if (!request.environment) return;
  for (const Setting& setting : setting_table) {
    for (const std::string_view variable : setting.variables) {
      const auto text = request.environment(variable);
      if (!text || text->empty()) continue;
      const std::string name(variable);
      apply(setting, *text, {OriginKind::environment, name, 0, {}}, name, loaded, problems);
      break;
    }
  }
}

void read_command_line(const LoadRequest& request, Loaded& loaded, std::vector<Problem>& problems) {
  const Table& table = settings_table();
  for (const auto& [path, text] : request.overrides) {
    const Setting* setting = table.find(path);
    if (setting != nullptr && setting->write != nullptr) {
      apply(*setting, text, {OriginKind::command_line, {}, 0, {}}, path, loaded, problems);
      continue;
    }
    const auto dot = path.rfind('.');
    const std::string parent = dot == std::string::npos ? "" : path.substr(0, dot);
    const std::string message = table.is_list(path) ? "is a list of entries, which the file alone can set"
                                                    : "is not a setting" + table.suggestion(parent, path.substr(dot + 1));
    problems.push_back({ErrorCode::config_unknown_key, {}, 0, base::to_printable(path), {}, message});
  }
}

void check_rules(Loaded& loaded, std::vector<Problem>& problems) {
  check_server(loaded, problems);
  check_ports(loaded, problems);
  const StoreConfig& store = loaded.config.store;
  const PipelineConfig& pipeline = loaded.config.pipeline;
  if (store.data.empty()) problems.push_back(problem_of(loaded, "store.data", "must name a folder"));
  if (pipeline.queue_bytes < pipeline.block_bytes) {
    problems.push_back(problem_of(loaded, "pipeline.queue_bytes", "must be at least pipeline.block_bytes"));
  }
  if (store.retention_bytes != 0 && store.retention_bytes < store.segment_bytes) {
    loaded.warnings.push_back(
        problem_of(loaded, "store.retention_bytes", "is less than one segment (store.segment_bytes): little more than nothing is kept")
            .text());
  }
  if (!loaded.config.redaction.enabled) {
    loaded.warnings.push_back(problem_of(loaded, "redaction.enabled", "is false: secrets are stored and sent as they were written").text());
  }
}

}  // namespace telltale::config
