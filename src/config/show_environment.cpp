#include <fmt/format.h>

#include "base/text.h"
#include "config/environments.h"

namespace telltale::config {

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    out += quoted(text);
  }
  return out + "]";
}

std::string patterns_json(const ErrorPatterns& patterns) {
  return fmt::format("{{\"add\": {}, \"ignore\": {}, \"replace\": {}}}", list(patterns.add), list(patterns.ignore), list(patterns.replace));
}

std::string ready_json(const Ready& ready) {
  switch (ready.kind) {
    case Ready::Kind::none:
      return "null";
    case Ready::Kind::line:
      return fmt::format("{{\"line\": {}}}", quoted(ready.line));
    case Ready::Kind::port:
      return fmt::format("{{\"port\": {}}}", ready.port);
    case Ready::Kind::http:
      break;
  }
  const bool is_v6 = ready.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? fmt::format("[{}]", ready.host) : ready.host;
  return fmt::format("{{\"http\": {}}}", quoted(fmt::format("http://{}:{}{}", host, ready.port, ready.path)));
}

// What `monitoring.services` says of the service of this name.
const Item* entry_of(const Item& values, std::string_view name) {
  const Item* services = values.find("monitoring.services");
  if (services == nullptr) return nullptr;
  for (const Member& entry : services->members) {
    if (entry.item.text("name") == name) return &entry.item;
  }
  return nullptr;
}

std::string service_json(const ServiceConfig& service, const Item* entry) {
  std::string out = fmt::format("{{\"name\": {}, \"files\": {}", quoted(service.name), list(service.files));
  if (service.has_clock_offset) out += fmt::format(", \"clock_offset_ms\": {}", static_cast<double>(service.clock_offset_ns) / 1e6);
  const ErrorPatterns& patterns = service.error_patterns;
  if (!patterns.add.empty() || !patterns.ignore.empty() || !patterns.replace.empty()) {
    out += ", \"error_patterns\": " + patterns_json(patterns);
  }
  if (!service.selector.empty()) out += ", \"selector\": " + quoted(service.selector);
  if (!service.command.empty() && entry != nullptr) {
    out += ", \"command\": ";
    // As it was written: what ${...} stands for may be a secret.
    append_json(out, *entry->find("command"), false);
    out += fmt::format(", \"ready\": {}, \"after\": {}, \"cwd\": {}, \"ready_timeout_ms\": {}", ready_json(service.ready),
                       list(service.after), quoted(service.cwd), service.ready_timeout_ns / 1'000'000);
  }
  return out + "}";
}

void append_secrets(std::string& out, const Item& item, const std::string& path) {
  if (item.kind == Item::Kind::value) {
    if (!item.hidden) return;
    if (out.size() > 1) out += ", ";
    const auto* text = std::get_if<std::string>(&item.value);
    out += fmt::format("{}: {}", quoted(path), item.missing || text == nullptr ? "null" : quoted(*text));
    return;
  }
  for (std::size_t i = 0; i < item.members.size(); ++i) {
    const Member& member = item.members[i];
    const bool is_list = item.kind == Item::Kind::list;
    const std::string below = is_list ? fmt::format("{}[{}]", path, i) : path.empty() ? member.key : path + "." + member.key;
    append_secrets(out, member.item, below);
  }
}

}  // namespace

std::string show_environment_yaml(const LoadedEnvironment& loaded) {
  const EnvironmentConfig& environment = loaded.environment;
  std::string out = fmt::format("# {}\n", base::to_printable(environment.path));
  for (const Problem& problem : loaded.missing) out += fmt::format("# missing: {}\n", base::to_printable(problem.text()));
  out += fmt::format("default: \"{}\"\n\"{}\":{}\n", environment.name, environment.name, environment.values.members.empty() ? " {}" : "");
  append_yaml(out, environment.values, 2);
  return out;
}

std::string show_environment_json(const LoadedEnvironment& loaded) {
  const EnvironmentConfig& environment = loaded.environment;
  std::string out =
      fmt::format("{{\"file\": {}, \"folder\": {}, \"name\": {}, \"available\": {}, \"values\": ", quoted(environment.absolute_path),
                  quoted(environment.folder), quoted(environment.name), list(environment.available));
  append_json(out, environment.values, false);
  out += ", \"services\": [";
  for (const ServiceConfig& service : environment.services) {
    if (out.back() != '[') out += ", ";
    out += service_json(service, entry_of(environment.values, service.name));
  }
  out += "], \"missing\": [";
  for (const Problem& problem : loaded.missing) {
    if (out.back() != '[') out += ", ";
    out += fmt::format("{{\"key\": {}, \"file\": {}, \"line\": {}, \"message\": {}}}", quoted(problem.key), quoted(problem.file),
                       problem.line, quoted(problem.message));
  }
  return out + fmt::format("], \"warnings\": {}}}\n", list(loaded.warnings));
}

std::string secrets_json(const LoadedEnvironment& loaded) {
  std::string out = "{";
  append_secrets(out, loaded.environment.values, {});
  return out + "}\n";
}

}  // namespace telltale::config
