// The engine's HTTP and WebSocket interface (schema/openapi.yaml, schema/websocket.json) as a net::Application.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/auth/token_checker.h"
#include "api/wire/executor.h"
#include "base/clock.h"
#include "base/error.h"
#include "live/hub.h"
#include "net/http/server.h"
#include "runs/attribution/attributor.h"
#include "runs/audit/audit.h"
#include "runs/files/run_files.h"
#include "runs/registry/registry.h"
#include "sources/process/process_source.h"
#include "sources/source.h"
#include "store/catalog/catalog.h"
#include "store/engine/store.h"
#include "telemetry/metrics.h"

namespace telltale::api {

enum class PortRole : std::uint8_t {
  main,     // everything
  health,   // health and REST
  metrics,  // /metrics and /health only; a loopback peer needs no token there
};

struct ListenerInfo {
  PortRole role = PortRole::main;
  std::uint16_t port = 0;
};

struct ApiSettings {
  std::string version;
  std::string data_folder;
  std::int64_t pid = 0;
  bool require_token = true;
  std::vector<std::string> allowed_hosts;    // besides IP addresses and localhost
  std::vector<std::string> allowed_origins;  // besides the engine's own
  std::uint64_t max_tail_records = 1000;
  std::size_t live_queue_bytes = 1024 * 1024;  // of one WebSocket reader; below ServerLimits::max_queued_bytes / 2
};

// All references outlive the application.
struct ApiDependencies {
  std::vector<sources::Source*> sources;
  const store::StoreReader& store;
  std::function<base::Result<store::Committed>(bool durable, std::int64_t timeout_ns)> flush;  // Store::flush
  std::function<std::vector<store::StreamSummary>()> stream_summaries;                         // Catalog::streams, brought up to date
  std::function<std::vector<std::string>()> catalog_warnings;                                  // Catalog::warnings
  runs::Registry& registry;
  const runs::Attributor& attributor;
  runs::RunFiles* files = nullptr;  // null: nobody writes files
  live::Hub& hub;
  telemetry::Metrics& metrics;
  const base::Clock& clock;
  const TokenChecker& tokens;
  Executor& queries;                                     // scans: may take seconds
  Executor& blocking;                                    // barriers and health: at least two threads
  Executor& events;                                      // of test runners, which wait for the store's writer alone
  std::function<std::vector<ListenerInfo>()> listeners;  // what is listened on by now; thread-safe
  ApiSettings settings;
  sources::ProcessSource* processes = nullptr;  // what relays connect to; null: nothing does
  // runs::audit with all that it needs; may take minutes. Empty: it cannot be had.
  std::function<base::Result<runs::AuditReport>(const std::string& run, const runs::AuditOptions& options)> audit{};
  Executor* audits = nullptr;  // for audits alone; null: they run with the queries
};

// Stop order: the server first, then both executors (their tasks refer to the application), then the application, then the rest.
// Starts a thread ("live") that filters and encodes for the subscribers.
std::unique_ptr<net::Application> make_application(ApiDependencies dependencies);

}  // namespace telltale::api
