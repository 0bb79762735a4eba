// From settings to the options of the parts; checks that need more than one setting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "net/http/server.h"
#include "pipeline/flow/workers.h"
#include "pipeline/rules/rules.h"
#include "runs/model/run.h"
#include "sources/file/file_source.h"
#include "sources/process/process_source.h"
#include "store/engine/store.h"

namespace telltale::app {

store::StoreOptions store_options(const config::Config& config);
pipeline::Stages pipeline_stages(const config::Config& config);
pipeline::WorkersOptions workers_options(const config::Config& config);
sources::FileSourceOptions file_source_options(const config::Config& config, const std::string& host);
sources::ProcessSourceOptions process_source_options(const config::Config& config, std::string host);
net::ServerLimits server_limits(const config::Config& config);
// The services whose clocks are configured.
std::vector<runs::Service> services_of_runs(const config::Config& config);
pipeline::DetectionOfServices detection_of_services(const config::Config& config);
std::optional<net::TlsFiles> tls_files(const config::Config& config);

// "local" (this machine's zone as it is `now`), "UTC", "Z" or "+02:00" in seconds east of UTC; config_invalid_value.
base::Result<std::int32_t> zone_offset_seconds(const std::string& zone, base::UnixNanos now);

bool is_loopback(const std::string& host);
// insecure_listener when the address is reachable from elsewhere and there is no TLS or no token, unless the settings allow it.
// What was allowed so is given as a warning to show.
base::Result<std::optional<std::string>> check_exposure(const config::ServerConfig& server);

// This machine's name; empty when it has none.
std::string host_name();

}  // namespace telltale::app
