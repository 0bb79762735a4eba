#include "app/settings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

namespace telltale::app {

store::StoreOptions store_options(const config::Config& config) {
  store::StoreOptions options;
  options.folder = config.store.data;
  options.segment_bytes = config.store.segment_bytes;
  options.segment_age_ns = config.store.segment_age_ns;
  options.retention_bytes = config.store.retention_bytes;
  options.retention_age_ns = config.store.retention_age_ns;
  options.sync_interval_ns = config.store.sync_interval_ns;
  options.compress = config.store.compression == "lz4";
  options.queue_bytes = config.store.queue_bytes;
  return options;
}

pipeline::Stages pipeline_stages(const config::Config& config) {
  pipeline::Stages stages;
  stages.join.enabled = config.pipeline.join;
  stages.join.max_lines = config.pipeline.join_lines;
  stages.join.max_bytes = static_cast<std::uint32_t>(config.pipeline.max_line_bytes);
  stages.join_wait = std::chrono::nanoseconds(config.pipeline.join_wait_ns);
  return stages;
}

pipeline::WorkersOptions workers_options(const config::Config& config) {
  pipeline::WorkersOptions options;
  options.threads = config.pipeline.workers;
  options.queue_bytes = config.pipeline.queue_bytes;
  return options;
}

sources::FileSourceOptions file_source_options(const config::Config& config, const std::string& host) {
  sources::FileSourceOptions options;
  options.block_bytes = config.pipeline.block_bytes;
  options.max_line_bytes = config.pipeline.max_line_bytes;
  options.max_deleted_files = config.file_limits.max_deleted_files;
  options.max_deleted_bytes = config.file_limits.max_deleted_bytes;
  options.host = host;
  return options;
}

sources::ProcessSourceOptions process_source_options(const config::Config& config, std::string host) {
  sources::ProcessSourceOptions options;
  options.host = std::move(host);
  options.max_line_bytes = std::min<std::uint64_t>(config.pipeline.max_line_bytes, sources::relay_max_line_bytes);
  return options;
}

net::ServerLimits server_limits(const config::Config& config) {
  net::ServerLimits limits;
  limits.max_connections = config.server.max_connections;
  limits.max_body_bytes = config.server.max_body_bytes;
  limits.max_header_bytes = config.server.max_header_bytes;
  limits.request_timeout_ns = config.server.request_timeout_ns;
  limits.max_message_bytes = sources::relay_max_line_bytes + 64 * 1024;  // a relay's longest line with its header
  return limits;
}

namespace {

bool has_patterns(const config::ServiceConfig& service) {
  const config::ErrorPatterns& patterns = service.error_patterns;
  return !patterns.add.empty() || !patterns.replace.empty() || !patterns.ignore.empty();
}

}  // namespace

std::vector<runs::Service> services_of_runs(const config::Config& config) {
  std::vector<runs::Service> services;
  for (const config::ServiceConfig& service : config.services) {
    runs::Service known{.name = service.name, .files = service.files, .clock_offset_ns = {}, .error_patterns = {}};
    if (service.has_clock_offset) known.clock_offset_ns = service.clock_offset_ns;
    const config::ErrorPatterns& patterns = service.error_patterns;
    if (has_patterns(service)) known.error_patterns = runs::ErrorPatterns{patterns.add, patterns.replace, patterns.ignore};
    if (known.clock_offset_ns || known.error_patterns) services.push_back(std::move(known));
  }
  return services;
}

pipeline::DetectionOfServices detection_of_services(const config::Config& config) {
  pipeline::DetectionOfServices all;
  for (const config::ServiceConfig& service : config.services) {
    if (!has_patterns(service)) continue;
    const config::ErrorPatterns& own = service.error_patterns;
    config::DetectionConfig detection = config.detection;
    if (!own.replace.empty()) {
      detection.replace = own.replace;
      detection.add.clear();  // these words instead of all others
    }
    detection.add.insert(detection.add.end(), own.add.begin(), own.add.end());
    detection.ignore.insert(detection.ignore.end(), own.ignore.begin(), own.ignore.end());
    all.emplace(service.name, std::move(detection));
  }
  return all;
}

std::optional<net::TlsFiles> tls_files(const config::Config& config) {
  if (config.server.tls_certificate.empty()) return std::nullopt;
  return net::TlsFiles{config.server.tls_certificate, config.server.tls_key};
}

base::Result<std::int32_t> zone_offset_seconds(const std::string& zone, base::UnixNanos now) {
  if (zone == "local") {
    const std::time_t seconds = now / base::nanos_per_second;
    std::tm local{};
    return localtime_r(&seconds, &local) != nullptr ? static_cast<std::int32_t>(local.tm_gmtoff) : 0;
  }
  if (zone.empty() || zone == "UTC" || zone == "Z") return 0;
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9'; };
  const bool shaped =
      zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && digit(1) && digit(2) && zone[3] == ':' && digit(4) && digit(5);
  const int hours = shaped ? std::atoi(zone.substr(1, 2).c_str()) : 99;
  const int minutes = shaped ? std::atoi(zone.substr(4, 2).c_str()) : 99;
  if (hours > 14 || minutes > 59) {
    return base::fail(base::ErrorCode::config_invalid_value, fmt::format("pipeline.assume_zone: '{}' is no zone", zone),
                      "Use local, UTC or an offset such as +02:00.");
  }
  return (zone[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

base::Result<std::optional<std::string>> check_exposure(const config::ServerConfig& server) {
  const bool has_tls = !server.tls_certificate.empty();
  if (is_loopback(server.host)) {
    if (server.require_token) return std::optional<std::string>();
    return std::optional<std::string>("server.require_token is false: every program on this machine can read what is captured");
  }
  if (has_tls && server.require_token) return std::optional<std::string>();
  const auto what = has_tls ? "without a token" : "without TLS";
  if (!server.allow_insecure) {
    return base::fail(base::ErrorCode::insecure_listener,
                      fmt::format("server.host {} can be reached from other machines, {}", server.host, what));
  }
  return std::optional<std::string>(fmt::format("listening on {} {}: tokens and log lines can be read on the network", server.host, what));
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace telltale::app
