// Fan-out to WebSocket clients over loopback: frames delivered per second of CPU that the server's side uses (kernel included; the
// reading clients' thread is not counted). Arguments: clients, frames of 200 bytes in one send.
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/mutex.h"
#include "net/http/server.h"
#include "net/ws/ws.h"

namespace telltale::net {
namespace {

constexpr std::size_t message_bytes = 200;
constexpr std::size_t lag_bytes = 1024 * 1024;  // a client that lags more is waited for
constexpr std::string_view handshake =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double process_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Connections final : public Application {
 public:
  void handle(Request, Responder respond) override { respond(Response{}); }
  void connection_closed(std::uint64_t) override {}
  UpgradeDecision upgrade(const Request&) override { return std::make_unique<Handler>(*this); }

  std::vector<std::shared_ptr<WsConnection>> wait_for(std::size_t count) {
    base::MutexLock lock(mutex_);
    while (open_.size() < count) changed_.wait(mutex_);
    return open_;
  }

 private:
  class Handler final : public WsHandler {
   public:
    explicit Handler(Connections& owner) : owner_(owner) {}
    void on_open(const std::shared_ptr<WsConnection>& connection) override {
      base::MutexLock lock(owner_.mutex_);
      owner_.open_.push_back(connection);
      owner_.changed_.notify_all();
    }
    void on_text(std::string_view) override {}
    void on_drained() override {}
    void on_close() override {}

   private:
    Connections& owner_;
  };

  base::Mutex mutex_;
  base::Condition changed_;
  std::vector<std::shared_ptr<WsConnection>> open_ TT_GUARDED_BY(mutex_);
};

// Reads and counts all that comes, on a thread of its own.
class Readers {
 public:
  Readers(std::uint16_t port, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) sockets_.push_back(pollfd{connect(port), POLLIN, 0});
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Readers() {
    stop();
    for (const pollfd& entry : sockets_) ::close(entry.fd);
  }
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t bytes() const { return bytes_; }
  double cpu_seconds() const { return cpu_; }

 private:
  static int connect(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool good = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                      ::send(descriptor, handshake.data(), handshake.size(), 0) == static_cast<ssize_t>(handshake.size());
    if (!good) std::abort();
    return descriptor;
  }

  void run(const std::stop_token& stop) {
    std::vector<char> buffer(1024 * 1024);
    while (!stop.stop_requested()) {
      if (::poll(sockets_.data(), sockets_.size(), 10) <= 0) continue;
      for (const pollfd& entry : sockets_) {
        if (entry.revents == 0) continue;
        const ssize_t count = ::recv(entry.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count > 0) bytes_ += static_cast<std::uint64_t>(count);
      }
      cpu_ = thread_seconds();
    }
  }

  std::vector<pollfd> sockets_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<double> cpu_{0};
  std::jthread thread_;
};

void wait_for_laggards(const std::vector<std::shared_ptr<WsConnection>>& connections, std::size_t bound) {
  for (const auto& connection : connections) {
    while (connection->queued_bytes() > bound) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void fan_out(benchmark::State& state) {
  const auto clients = static_cast<std::size_t>(state.range(0));
  const auto frames = static_cast<std::size_t>(state.range(1));
  Connections application;
  telemetry::Metrics metrics;
  ServerLimits limits;
  limits.max_connections = 4096;
  const auto server = Server::create(limits, application, metrics);
  const auto port = server->listen(ListenAddress{}, std::nullopt);
  if (!port) return state.SkipWithError(port.error().message().c_str());
  Readers readers(*port, clients);
  const auto connections = application.wait_for(clients);
  auto buffer = std::make_shared<std::string>();
  for (std::size_t i = 0; i < frames; ++i) append_ws_text_frame(*buffer, std::string(message_bytes, 'm'));
  const double before = process_seconds() - readers.cpu_seconds();
  for (auto _ : state) {
    for (const auto& connection : connections) connection->send_frames(buffer);
    wait_for_laggards(connections, lag_bytes);
  }
  wait_for_laggards(connections, 0);
  const double used = process_seconds() - readers.cpu_seconds() - before;
  const auto deliveries = static_cast<double>(state.iterations()) * static_cast<double>(clients * frames);
  state.counters["deliveries_per_core_second"] = deliveries / used;
  state.SetBytesProcessed(static_cast<std::int64_t>(deliveries) * static_cast<std::int64_t>(message_bytes));
  server->stop(0);
}
BENCHMARK(fan_out)->ArgsProduct({{10, 100, 1000}, {1, 16, 64, 200}})->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace telltale::net
