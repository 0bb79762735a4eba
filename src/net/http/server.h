// The listeners of an engine: HTTP/1.1 and WebSocket upgrades on one port each, all on one I/O thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "net/http/http.h"
#include "net/ws/ws.h"
#include "telemetry/metrics.h"

namespace telltale::net {

struct ServerLimits {
  std::uint32_t max_connections = 1024;
  std::uint64_t max_body_bytes = 8 * 1024 * 1024;
  std::uint64_t max_header_bytes = 32 * 1024;
  std::int64_t request_timeout_ns = 10'000'000'000;  // to receive one request
  std::int64_t idle_timeout_ns = 60'000'000'000;     // between requests, unless an answer said keep_idle
  std::uint64_t max_message_bytes = 1024 * 1024;     // of a WebSocket message
  std::uint64_t max_queued_bytes = 4 * 1024 * 1024;  // per WebSocket: below half of it the handler's on_drained is called
  std::int64_t ping_interval_ns = 20'000'000'000;    // WebSocket; a peer that does not answer two is closed
};

struct ListenAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any
};

struct TlsFiles {
  std::string certificate;
  std::string key;
};

// What to do with an upgrade request: a handler for the connection, or a refusal.
using UpgradeDecision = std::variant<std::unique_ptr<WsHandler>, Response>;

// Called on the net thread; long work goes to a pool and answers through the Responder.
class Application {
 public:
  virtual ~Application() = default;
  virtual void handle(Request request, Responder respond) = 0;
  virtual UpgradeDecision upgrade(const Request& request) = 0;
  // Nothing more comes on a connection that a request came on: it was closed, reset, given up or shut by the peer, or it is a WebSocket
  // now. Once a connection, after the answer to its last request was made. Not called any more once the server is told to stop.
  virtual void connection_closed(std::uint64_t connection) = 0;
};

class Server {
 public:
  virtual ~Server() = default;
  // Starts the I/O thread (named "net"). `application` outlives the server.
  static std::unique_ptr<Server> create(const ServerLimits& limits, Application& application, telemetry::Metrics& metrics);

  // Begins to accept; returns the port. address_in_use, address_invalid, tls_failed.
  virtual base::Result<std::uint16_t> listen(const ListenAddress& address, const std::optional<TlsFiles>& tls) = 0;
  // No new connections; answers what is under way, closes WebSockets with 1001, ends the thread. At most `grace_ns`.
  virtual void stop(std::int64_t grace_ns) = 0;
};

}  // namespace telltale::net
