#include "config/services.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/text.h"
#include "config/environments.h"

namespace telltale::config {

namespace {

using base::ErrorCode;

bool is_service_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

bool is_variable_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits) && !(name[0] >= '0' && name[0] <= '9');
}

int line_of(const Item& entry, std::string_view key, int otherwise) {
  const Item* item = entry.find(key);
  return item == nullptr ? otherwise : item->origin.line;
}

ErrorPatterns patterns_of(const Item& entry) {
  return {entry.texts("error_patterns.add"), entry.texts("error_patterns.ignore"), entry.texts("error_patterns.replace")};
}

const ServiceConfig* find_service(const std::vector<ServiceConfig>& services, std::string_view name) {
  const auto found = std::find_if(services.begin(), services.end(), [&](const ServiceConfig& service) { return service.name == name; });
  return found == services.end() ? nullptr : &*found;
}

// The names from `service` over what it waits for back to itself; empty when there is no such way.
std::vector<std::string> ring(const std::vector<ServiceConfig>& services, const ServiceConfig& service) {
  std::vector<std::vector<std::string>> ways{{service.name}};
  std::vector<std::string> seen;
  for (std::size_t next = 0; next < ways.size(); ++next) {
    const std::vector<std::string> way = ways[next];
    const ServiceConfig* last = find_service(services, way.back());
    if (last == nullptr) continue;
    for (const std::string& name : last->after) {
      ways.push_back(way);
      ways.back().push_back(name);
      if (name == service.name) return ways.back();
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        ways.pop_back();
      } else {
        seen.push_back(name);
      }
    }
  }
  return {};
}

}  // namespace

std::optional<Problem> blank_pattern(const Item& entry, const std::string& path, const std::string& file, const std::string& shown) {
  for (const char* name : {"add", "ignore", "replace"}) {
    const std::string key = fmt::format("{}.{}", path, name);
    const TextList patterns = entry.texts(key);
    const auto is_blank = [](const std::string& pattern) { return base::trim(pattern).empty(); };
    if (std::none_of(patterns.begin(), patterns.end(), is_blank)) continue;
    return Problem{ErrorCode::config_invalid_value,
                   file,
                   line_of(entry, key, 0),
                   shown + key,
                   {},
                   "holds a blank text, which would stand in every line"};
  }
  return std::nullopt;
}

std::string shown_entry(const std::string& list, const Member& member, std::size_t index) {
  return member.key.empty() ? fmt::format("{}[{}]", list, index) : fmt::format("{}.{}", list, base::to_printable(member.key));
}

bool ServiceReader::refuse(int line, std::string key, std::string value, std::string message) {
  problems_.push_back({ErrorCode::config_invalid_value, file_, line, std::move(key), base::to_printable(value), std::move(message)});
  return false;
}

std::string ServiceReader::absolute(std::string path) const {
  if (path.starts_with("~/") && !home_.empty()) return base::join_path(home_, path.substr(2));
  if (folder_.empty() || path.starts_with('/')) return path;
  return path == "." || path.empty() ? folder_ : base::join_path(folder_, path.starts_with("./") ? path.substr(2) : path);
}

void ServiceReader::read(const Item& list, const std::string& shown, std::vector<ServiceConfig>& services) {
  const std::size_t before = problems_.size();
  for (std::size_t i = 0; i < list.members.size(); ++i) {
    const Member& member = list.members[i];
    if (!member.item.wrong) add(member.item, shown_entry(shown, member, i), member.line, services);
  }
  if (!list.wrong && problems_.size() == before) check_after(list, shown, services);
}

bool ServiceReader::add(const Item& entry, const std::string& shown, int line, std::vector<ServiceConfig>& services) {
  ServiceConfig service;
  service.name = entry.text("name");
  if (!is_service_name(service.name)) {
    return refuse(line, shown + ".name", service.name, "must be of letters, digits, `_`, `.` and `-`, at most 100");
  }
  if (find_service(services, service.name) != nullptr) {
    return refuse(line, shown + ".name", service.name, "is the name of an earlier service too");
  }
  if (const std::int64_t port = entry.number("port", 0); port != 0) service.port = static_cast<std::uint16_t>(port);
  if (entry.find("log_type") != nullptr) service.log_type = entry.text("log_type");
  service.healthcheck = entry.text("healthcheck");
  if (!service.healthcheck.empty() && (!service.port || !service.healthcheck.starts_with('/'))) {
    return refuse(line, shown + ".healthcheck", service.healthcheck, "must be a path that begins with / of a service that has a port");
  }
  if (auto blank = blank_pattern(entry, "error_patterns", file_, shown + ".")) {
    problems_.push_back(std::move(*blank));
    return false;
  }
  service.error_patterns = patterns_of(entry);
  service.has_clock_offset = entry.find("clock_offset") != nullptr;
  service.clock_offset_ns = entry.number("clock_offset", 0);
  if (!read_sources(entry, shown, service) || !read_start(entry, shown, service)) return false;
  services.push_back(std::move(service));
  return true;
}

bool ServiceReader::read_sources(const Item& entry, const std::string& shown, ServiceConfig& service) {
  for (const char* key : {"file", "files"}) {
    const Item* files = entry.find(key);
    if (files == nullptr) continue;
    for (std::string& path : entry.texts(key)) {
      if (path.empty()) return refuse(files->origin.line, fmt::format("{}.{}", shown, key), {}, "must name files, as in logs/api*.log");
      service.files.push_back(absolute(std::move(path)));
    }
  }
  service.selector = entry.text("selector");
  if (const Item* selector = entry.find("selector")) {
    warnings_.push_back(
        fmt::format("{}:{}: {}.selector: {} is not watched: this version of telltale has no Kubernetes source yet; the other "
                    "services are watched",
                    file_, selector->origin.line, shown, service.name));
  }
  const Item* command = entry.find("command");
  if (command == nullptr) return true;
  const bool is_text = command->kind == Item::Kind::value;
  service.command = is_text ? TextList{"/bin/sh", "-c", std::get<std::string>(command->value)} : entry.texts("command");
  const bool is_empty = service.command.empty() || (is_text ? service.command.back() : service.command.front()).empty();
  return !is_empty || refuse(command->origin.line, shown + ".command", {}, "must name a program to start");
}

bool ServiceReader::read_start(const Item& entry, const std::string& shown, ServiceConfig& service) {
  for (const char* key : {"ready", "after", "env", "cwd", "ready_timeout"}) {
    const Item* item = entry.find(key);
    if (item == nullptr || !service.command.empty() || item->origin.kind == OriginKind::builtin) continue;
    return refuse(item->origin.line, fmt::format("{}.{}", shown, key), {},
                  "is of a service that telltale starts; give it a `command`, or take it out");
  }
  if (service.command.empty()) return true;
  service.cwd = absolute(entry.text("cwd"));
  if (service.cwd.empty()) service.cwd = ".";
  service.after = entry.texts("after");
  service.ready_timeout_ns = entry.number("ready_timeout", service.ready_timeout_ns);
  if (const Item* env = entry.find("env")) {
    for (const Member& variable : env->members) {
      if (!is_variable_name(variable.key)) {
        return refuse(variable.line, shown + ".env", variable.key,
                      "variables are named with letters, digits and _, and do not begin with a digit");
      }
      service.env[variable.key] = Secret(std::get<std::string>(variable.item.value));
    }
  }
  const Item* ready = entry.find("ready");
  return ready == nullptr || read_ready(*ready, shown + ".ready", ready->origin.line, service);
}

bool ServiceReader::read_ready(const Item& ready, const std::string& shown, int line, ServiceConfig& service) {
  if (ready.members.size() != 1) return refuse(line, shown, {}, "must be one of `line: TEXT`, `port: NUMBER` and `http: ADDRESS`");
  const auto& [key, entry_line, item] = ready.members.front();
  if (item.missing) return true;
  if (key == "port") {
    service.ready.kind = Ready::Kind::port;
    service.ready.port = static_cast<std::uint16_t>(std::get<std::int64_t>(item.value));
    return true;
  }
  if (key == "http") return read_ready_http(item, shown + ".http", service);
  service.ready.kind = Ready::Kind::line;
  service.ready.line = std::get<std::string>(item.value);
  return !service.ready.line.empty() ||
         refuse(entry_line, shown + ".line", {}, "must be a text that a line holds when the service is ready");
}

bool ServiceReader::read_ready_http(const Item& http, const std::string& shown, ServiceConfig& service) {
  const std::string& written = std::get<std::string>(http.value);
  service.ready.kind = Ready::Kind::http;
  if (written.starts_with('/') && service.port) {
    service.ready.port = *service.port;
    service.ready.path = written;
    return true;
  }
  std::string_view rest = written;
  const bool http_address = rest.starts_with("http://");
  if (http_address) rest.remove_prefix(7);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  service.ready.path = authority.size() == rest.size() ? "/" : std::string(rest.substr(authority.size()));
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  std::string_view host = authority.substr(0, has_port ? colon : authority.size());
  const std::string_view digits = has_port ? authority.substr(colon + 1) : std::string_view("80");
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), service.ready.port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  service.ready.host = host;
  const bool good = http_address && !host.empty() && error == std::errc() && end == digits.data() + digits.size() &&
                    service.ready.port != 0 && written.find_first_of(" \t\r\n@#") == std::string::npos;
  return good || refuse(http.origin.line, shown, http.origin.written ? std::string() : written,
                        "must be an address as in http://127.0.0.1:8080/health, or a path such as /health of a service that has a `port`");
}

void ServiceReader::check_after(const Item& list, const std::string& shown, const std::vector<ServiceConfig>& services) {
  for (std::size_t i = 0; i < list.members.size(); ++i) {
    const Member& member = list.members[i];
    const ServiceConfig* service = find_service(services, member.item.text("name"));
    if (service == nullptr || service->after.empty()) continue;
    const std::string key = shown_entry(shown, member, i) + ".after";
    const int line = line_of(member.item, "after", member.line);
    for (const std::string& name : service->after) {
      if (find_service(services, name) != nullptr) continue;
      std::vector<std::string> names;
      for (const ServiceConfig& other : services) names.push_back(other.name);
      refuse(line, key, name, fmt::format("is not one of the services: {}", fmt::join(names, ", ")));
    }
    if (const auto names = ring(services, *service); !names.empty()) {
      refuse(line, key, {}, fmt::format("waits for itself: {}", fmt::join(names, " -> ")));
    }
  }
}

std::vector<std::size_t> start_order(const std::vector<ServiceConfig>& services) {
  std::vector<std::size_t> order;
  std::vector<bool> placed(services.size(), false);
  const auto is_ready = [&](const ServiceConfig& service) {
    return std::all_of(service.after.begin(), service.after.end(), [&](const std::string& name) {
      const ServiceConfig* other = find_service(services, name);
      return other == nullptr || placed[static_cast<std::size_t>(other - services.data())];
    });
  };
  // Without rings each round places one at least.
  while (order.size() < services.size()) {
    const std::size_t before = order.size();
    for (std::size_t i = 0; i < services.size(); ++i) {
      if (placed[i] || !is_ready(services[i])) continue;
      placed[i] = true;
      order.push_back(i);
      break;
    }
    if (order.size() == before) break;
  }
  return order;
}

}  // namespace telltale::config
