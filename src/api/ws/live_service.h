// Opens live streams: one for an engine.
#pragma once

#include <cstdint>
#include <memory>

#include "api/wire/executor.h"
#include "api/ws/broadcaster.h"
#include "api/ws/session.h"
#include "net/http/server.h"

namespace telltale::api {

struct LiveSettings {
  std::uint64_t max_tail_records = 1000;
  std::size_t queue_bytes = 1024 * 1024;
};

// Thread-safe. Outlives its connections and the executor's tasks.
class LiveService {
 public:
  // All references outlive it.
  LiveService(const store::StoreReader& store, live::Hub& hub, const base::Clock& clock, const record::ComputedLabels* labels,
              Executor& queries, telemetry::Metrics& metrics, const LiveSettings& settings);

  // Parameters: query, after (a cursor or sequence), tail (records; not with after); `token` is not looked at here. A refusal says which
  // of them is wrong. `protocol` is named in the handshake's answer.
  net::UpgradeDecision open(const net::Request& request, std::string_view protocol);

 private:
  base::Result<SessionStart> read_start(const net::Request& request) const;

  const LiveSettings settings_;
  Broadcaster broadcaster_;
  const LiveContext context_;
};

}  // namespace telltale::api
