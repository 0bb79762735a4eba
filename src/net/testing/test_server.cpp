#include "net/testing/test_server.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace telltale::net::testing {

class RecordingHandler final : public WsHandler {
 public:
  RecordingHandler(std::shared_ptr<WsRecord> record, bool echo) : record_(std::move(record)), echo_(echo) {}

  void on_open(const std::shared_ptr<WsConnection>& connection) override {
    connection_ = connection;
    tell([&](WsRecord& record) TT_NO_THREAD_SAFETY_ANALYSIS { record.connection_ = connection; });
  }
  void on_text(std::string_view message) override {
    if (echo_) connection_->send_text(message);
    tell([&](WsRecord& record) TT_NO_THREAD_SAFETY_ANALYSIS { record.messages_.emplace_back(message); });
  }
  void on_drained() override {
    tell([](WsRecord& record) TT_NO_THREAD_SAFETY_ANALYSIS { ++record.drained_; });
  }
  void on_close() override {
    tell([](WsRecord& record) TT_NO_THREAD_SAFETY_ANALYSIS { ++record.closed_; });
  }

 private:
  template <class Change>
  void tell(Change change) {
    {
      base::MutexLock lock(record_->mutex_);
      change(*record_);
    }
    record_->changed_.notify_all();
  }

  const std::shared_ptr<WsRecord> record_;
  const bool echo_;
  std::shared_ptr<WsConnection> connection_;  // owned together with the session
};

std::unique_ptr<WsHandler> recording_handler(std::shared_ptr<WsRecord> record, bool echo) {
  return std::make_unique<RecordingHandler>(std::move(record), echo);
}

bool WsRecord::wait(const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!reached()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    changed_.wait_for(mutex_, left);
  }
  return true;
}

void WsRecord::wait_open() {
  base::MutexLock lock(mutex_);
  EXPECT_TRUE(wait([this]() TT_NO_THREAD_SAFETY_ANALYSIS { return connection_ != nullptr; }));
}

void WsRecord::wait_closed() {
  base::MutexLock lock(mutex_);
  EXPECT_TRUE(wait([this]() TT_NO_THREAD_SAFETY_ANALYSIS { return closed_ > 0; }));
}

void WsRecord::wait_drained() {
  base::MutexLock lock(mutex_);
  EXPECT_TRUE(wait([this]() TT_NO_THREAD_SAFETY_ANALYSIS { return drained_ > 0; }));
}

std::vector<std::string> WsRecord::wait_messages(std::size_t count) {
  base::MutexLock lock(mutex_);
  EXPECT_TRUE(wait([this, count]() TT_NO_THREAD_SAFETY_ANALYSIS { return messages_.size() >= count; }));
  return messages_;
}

std::shared_ptr<WsConnection> WsRecord::connection() {
  wait_open();
  base::MutexLock lock(mutex_);
  return connection_;
}

int WsRecord::closed_count() {
  base::MutexLock lock(mutex_);
  return closed_;
}

TestServer::TestServer(const ServerLimits& limits, const std::optional<TlsFiles>& tls) : server_(Server::create(limits, *this, metrics_)) {
  const auto port = server_->listen(ListenAddress{}, tls);
  EXPECT_TRUE(port) << (port ? "" : port.error().message());
  port_ = port.value_or(0);
}

TestServer::~TestServer() {
  server_->stop(0);
}

Url TestServer::url(std::string target, std::string scheme) const {
  return Url{std::move(scheme), "127.0.0.1", port_, std::move(target)};
}

double TestServer::metric(std::string_view line_start) const {
  const std::string text = metrics_.prometheus_text();
  const std::size_t place = text.find(fmt::format("\n{} ", line_start));
  return place == std::string::npos ? -1 : std::strtod(text.c_str() + place + line_start.size() + 2, nullptr);
}

void TestServer::handle(Request request, Responder respond) {
  if (const auto hook = on_request.get()) return hook(std::move(request), std::move(respond));
  respond(Response{200, "text/plain", fmt::format("{} {} {}", request.method, request.path, request.body), {}});
}

UpgradeDecision TestServer::upgrade(const Request& request) {
  if (const auto hook = on_upgrade.get()) return hook(request);
  return recording_handler(std::make_shared<WsRecord>(), true);
}

void TestServer::connection_closed(std::uint64_t connection) {
  if (const auto hook = on_connection_closed.get()) hook(connection);
}

}  // namespace telltale::net::testing
