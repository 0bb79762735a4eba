// A server on a loopback port with an application made of two functions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "net/http/client.h"
#include "net/http/server.h"

namespace telltale::net::testing {

// What happened on one WebSocket. Thread-safe; waits end after 20 s and fail the test.
class WsRecord {
 public:
  void wait_open();
  void wait_closed();
  void wait_drained();
  // Waits for that many messages.
  std::vector<std::string> wait_messages(std::size_t count);
  std::shared_ptr<WsConnection> connection();
  int closed_count();

 private:
  friend class RecordingHandler;
  bool wait(const std::function<bool()>& reached) TT_REQUIRES(mutex_);

  base::Mutex mutex_;
  base::Condition changed_;
  std::shared_ptr<WsConnection> connection_ TT_GUARDED_BY(mutex_);
  std::vector<std::string> messages_ TT_GUARDED_BY(mutex_);
  int drained_ TT_GUARDED_BY(mutex_) = 0;
  int closed_ TT_GUARDED_BY(mutex_) = 0;
};

// Tells a record; answers each message with itself when `echo`. The test and the handler own the record together.
std::unique_ptr<WsHandler> recording_handler(std::shared_ptr<WsRecord> record, bool echo);

// A function that a test sets on its thread and the server calls on its own.
template <class Function>
class Hook {
 public:
  Hook& operator=(Function function) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  Function get() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return function_;
  }

 private:
  mutable base::Mutex mutex_;
  Function function_ TT_GUARDED_BY(mutex_);
};

// Answers "METHOD PATH BODY" as text and upgrades to an echo unless the test sets something else. What a
// test's functions refer to must outlive stop().
class TestServer final : public Application {
 public:
  explicit TestServer(const ServerLimits& limits = {}, const std::optional<TlsFiles>& tls = std::nullopt);
  ~TestServer() override;

  std::uint16_t port() const { return port_; }
  Url url(std::string target = "/", std::string scheme = "http") const;
  Server& server() { return *server_; }
  void stop() { server_->stop(0); }
  telemetry::Metrics& metrics() { return metrics_; }
  // The value of a metric's line in the text output; -1 when there is none.
  double metric(std::string_view line_start) const;

  Hook<std::function<void(Request, Responder)>> on_request;
  Hook<std::function<UpgradeDecision(const Request&)>> on_upgrade;
  Hook<std::function<void(std::uint64_t)>> on_connection_closed;

  void handle(Request request, Responder respond) override;
  UpgradeDecision upgrade(const Request& request) override;
  void connection_closed(std::uint64_t connection) override;

 private:
  telemetry::Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

// A self-signed certificate for localhost and 127.0.0.1, and its key, written into `folder`.
TlsFiles write_test_certificate(const std::string& folder);
// A new folder under the system's temporary one.
std::string make_test_folder();

}  // namespace telltale::net::testing
