#include "net/http/server.h"

#include <utility>
#include <vector>

#include "net/http/listener.h"
#include "net/http/server_context.h"
#include "net/io/deadline.h"
#include "net/io/io_loop.h"

namespace telltale::net {

namespace {

class AsioServer final : public Server {
 public:
  AsioServer(const ServerLimits& limits, Application& application, telemetry::Metrics& metrics)
      : loop_(std::make_shared<IoLoop>()), context_(limits, application, metrics, loop_), grace_(loop_->context()) {
    context_.sessions.on_change([this] { on_session_end(); });
    loop_->start();
  }

  ~AsioServer() override { stop(0); }

  base::Result<std::uint16_t> listen(const ListenAddress& address, const std::optional<TlsFiles>& tls) override {
    TlsContext tls_context;
    if (tls) {
      auto made = make_server_tls(tls->certificate, tls->key);
      if (!made) return base::pass(made);
      tls_context = std::move(*made);
    }
    auto listener = std::make_shared<Listener>(context_, std::move(tls_context));
    auto port = listener->open(address);
    if (!port) return port;
    loop_->post([this, listener = std::move(listener)]() mutable { add(std::move(listener)); });
    return port;
  }

  void stop(std::int64_t grace_ns) override {
    if (std::exchange(stopped_, true)) return;
    loop_->post([this, grace_ns] { begin_stop(grace_ns); });
    loop_->finish();
  }

 private:
  // From here on all is on the net thread.
  void add(std::shared_ptr<Listener> listener) {
    if (context_.stopping) return listener->close();
    listener->start();
    listeners_.push_back(std::move(listener));
  }

  void begin_stop(std::int64_t grace_ns) {
    context_.stopping = true;
    for (const auto& listener : listeners_) listener->close();
    listeners_.clear();
    grace_.set(grace_ns, [this] { context_.sessions.abort_all(); });
    context_.sessions.shutdown_all();
    on_session_end();
  }

  void on_session_end() {
    if (context_.stopping && context_.sessions.size() == 0) grace_.cancel();
    for (const auto& listener : listeners_) listener->on_session_end();
  }

  // The sessions and their callbacks under way are in the loop; what they refer to goes after it.
  const std::shared_ptr<IoLoop> loop_;
  ServerContext context_;
  Deadline grace_;
  // Shared with the listeners' operations under way.
  std::vector<std::shared_ptr<Listener>> listeners_;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Server> Server::create(const ServerLimits& limits, Application& application, telemetry::Metrics& metrics) {
  return std::make_unique<AsioServer>(limits, application, metrics);
}

}  // namespace telltale::net
