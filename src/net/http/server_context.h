// What all connections of a server share. Outlives them. Net thread, except for what says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http/response_writer.h"
#include "net/http/server.h"
#include "net/io/io_loop.h"
#include "net/io/session.h"
#include "net/ws/ws_session.h"
#include "telemetry/metrics.h"

namespace telltale::net {

// Requests by the class of their answer. Thread-safe.
class RequestCounters {
 public:
  explicit RequestCounters(telemetry::Metrics& metrics) {
    for (std::size_t i = 0; i < counters_.size(); ++i) {
      counters_[i] = &metrics.counter("telltale_http_requests_total", "HTTP requests answered, by class of status",
                                      {{"code", std::string(1, static_cast<char>('1' + i)) + "xx"}});
    }
  }
  void count(int status) {
    if (status >= 100 && status < 600) counters_[static_cast<std::size_t>(status / 100 - 1)]->add();
  }

 private:
  std::array<telemetry::Counter*, 5> counters_{};
};

// The Date header's text, made once a second.
class DateText {
 public:
  std::string_view now() {
    const std::int64_t second = base::SystemClock().wall() / base::nanos_per_second;
    if (second != second_) {
      second_ = second;
      text_ = http_date(second);
    }
    return text_;
  }

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

struct ServerContext {
  ServerContext(const ServerLimits& server_limits, Application& served, telemetry::Metrics& metrics, std::shared_ptr<IoLoop> io)
      : limits(server_limits),
        application(served),
        loop(std::move(io)),
        requests(metrics),
        connections(metrics.gauge("telltale_http_connections", "Open connections that speak HTTP")),
        ws{server_limits.max_message_bytes,
           server_limits.max_queued_bytes,
           server_limits.ping_interval_ns,
           sessions,
           metrics.gauge("telltale_ws_connections", "Open WebSocket connections"),
           metrics.counter("telltale_ws_sent_bytes_total", "Bytes of WebSocket frames that the kernel took")} {}

  const ServerLimits limits;
  Application& application;
  const std::shared_ptr<IoLoop> loop;
  SessionRegistry sessions;
  RequestCounters requests;
  telemetry::Gauge& connections;
  WsContext ws;
  DateText date;
  bool stopping = false;
};

}  // namespace telltale::net
