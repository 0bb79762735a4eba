#include "net/http/listener.h"

#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/socket_base.hpp>

#include "base/clock.h"
#include "net/http/http_session.h"
#include "net/io/plain_stream.h"
#include "net/tls/tls_stream.h"
#include "telemetry/log.h"

namespace telltale::net {

namespace asio = boost::asio;
using base::ErrorCode;
using base::fail;

namespace {

// Connections beyond the limit that are being told so at a time; beyond these, clients wait in the kernel's queue.
constexpr std::size_t max_refusals = 64;
constexpr std::int64_t retry_after_ns = 100 * base::nanos_per_millisecond;

// A peer that vanished without a word (its machine or the network between) is noticed within 30 s, also on connections that nothing is
// sent on.
void probe_when_idle(asio::ip::tcp::socket& socket) {
  constexpr int idle_seconds = 15;
  constexpr int interval_seconds = 5;
  constexpr int probes = 3;
  // Failures mean that the connection is gone already; the first read says so.
  IoError ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

base::Result<asio::ip::address> parse_address(std::string host) {
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  IoError error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return fail(ErrorCode::address_invalid, fmt::format("'{}' is not an IP address", host));
  return address;
}

std::unexpected<base::Error> listen_error(const ListenAddress& address, const IoError& error) {
  const std::string where = fmt::format("{}:{}", address.host, address.port);
  if (error == asio::error::address_in_use) return fail(ErrorCode::address_in_use, fmt::format("{} is in use", where));
  if (error == asio::error::access_denied) {
    return fail(ErrorCode::permission_denied, fmt::format("listening on {} is not allowed", where),
                "Choose a port above 1023, or give telltale the right to bind lower ones.");
  }
  return fail(ErrorCode::address_invalid, fmt::format("{} cannot be listened on: {}", where, error.message()));
}

}  // namespace

Listener::Listener(ServerContext& context, TlsContext tls)
    : context_(context), tls_(std::move(tls)), acceptor_(context.loop->context()), retry_(context.loop->context()) {}

base::Result<std::uint16_t> Listener::open(const ListenAddress& address) {
  auto parsed = parse_address(address.host);
  if (!parsed) return base::pass(parsed);
  const asio::ip::tcp::endpoint endpoint(*parsed, address.port);
  IoError error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(address, error);
  const auto local = acceptor_.local_endpoint(error);
  if (error) return listen_error(address, error);
  return local.port();
}

void Listener::accept() {
  if (closed_) return;
  waits_for_room_ = context_.sessions.size() >= context_.limits.max_connections + max_refusals;
  if (waits_for_room_) return;
  acceptor_.async_accept(
      peer_, [self = shared_from_this()](IoError error, asio::ip::tcp::socket socket) { self->on_accept(error, std::move(socket)); });
}

void Listener::on_accept(IoError error, asio::ip::tcp::socket socket) {
  if (closed_) return;
  if (!error) {
    begin_session(std::move(socket));
    return accept();
  }
  if (error == asio::error::connection_aborted) return accept();
  // Most likely no descriptors are left; the client waits in the kernel's queue meanwhile.
  telemetry::log(telemetry::LogLevel::warning, "net", "accepting a connection failed: {}", error.message());
  retry_.set(retry_after_ns, [self = shared_from_this()] { self->accept(); });
}

void Listener::begin_session(asio::ip::tcp::socket socket) {
  probe_when_idle(socket);
  std::unique_ptr<Stream> stream;
  if (tls_) {
    stream = make_tls_server_stream(std::move(socket), peer_, tls_);
  } else {
    stream = std::make_unique<PlainStream>(std::move(socket), peer_, context_.loop->scratch());
  }
  const bool full = context_.sessions.size() >= context_.limits.max_connections;
  const auto session = std::make_shared<HttpSession>(context_, std::move(stream));
  if (!full) return session->start();
  session->refuse(
      {ErrorCode::too_many_connections, fmt::format("all {} connections of this engine are in use", context_.limits.max_connections), {}});
}

void Listener::on_session_end() {
  if (waits_for_room_) accept();
}

void Listener::close() {
  closed_ = true;
  retry_.cancel();
  IoError ignored;
  acceptor_.close(ignored);
}

}  // namespace telltale::net
