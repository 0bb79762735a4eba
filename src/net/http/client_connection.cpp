#include "net/http/client_connection.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include "net/io/plain_stream.h"
#include "net/tls/tls_stream.h"

namespace telltale::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t scratch_bytes = 64 * 1024;

bool is_secure(const Url& url) {
  return url.scheme == "https" || url.scheme == "wss";
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

base::MonoNanos deadline_after(std::int64_t after_ns) {
  return base::SystemClock().mono() + after_ns;
}

std::string authority_of(const Url& url) {
  const bool own_port = url.port == (is_secure(url) ? 443 : 80);
  return own_port ? bracketed(url.host) : fmt::format("{}:{}", bracketed(url.host), url.port);
}

ClientConnection::ClientConnection(const Url& url)
    : peer_(fmt::format("{}:{}", bracketed(url.host), url.port)), scratch_(scratch_bytes), context_(1), socket_(context_) {}

ClientConnection::~ClientConnection() {
  IoError ignored;
  socket_.close(ignored);
  if (stream_) stream_->close();
  // The callbacks of what was under way refer to members: they run before these go.
  context_.restart();
  context_.run();
}

std::unexpected<base::Error> ClientConnection::timed_out(std::string_view what) const {
  return fail(ErrorCode::timeout, fmt::format("{} {} took longer than it may", what, peer_));
}

bool ClientConnection::run_until(const bool& done, base::MonoNanos deadline) {
  const base::SystemClock clock;
  while (!done) {
    const std::int64_t left = deadline - clock.mono();
    if (left <= 0) return false;
    run_once(left);
  }
  return true;
}

void ClientConnection::run_once(std::int64_t timeout_ns) {
  context_.restart();
  context_.run_one_for(std::chrono::nanoseconds(timeout_ns));
}

void ClientConnection::interrupt() {
  interrupted_ = true;
  asio::post(context_, [] {});
}

base::Result<std::unique_ptr<ClientConnection>> ClientConnection::open(const Url& url, base::MonoNanos deadline) {
  std::unique_ptr<ClientConnection> connection(new ClientConnection(url));
  auto status = connection->connect(url, deadline);
  if (status) status = connection->handshake(url, deadline);
  if (!status) return base::pass(status);
  return connection;
}

base::Result<std::vector<tcp::endpoint>> ClientConnection::resolve(const Url& url, base::MonoNanos deadline) {
  IoError error;
  const auto address = asio::ip::make_address(url.host, error);
  if (!error) return std::vector<tcp::endpoint>{tcp::endpoint(address, url.port)};
  if (url.host == "localhost") {
    return std::vector<tcp::endpoint>{tcp::endpoint(asio::ip::address_v4::loopback(), url.port),
                                      tcp::endpoint(asio::ip::address_v6::loopback(), url.port)};
  }
  bool done = false;
  std::vector<tcp::endpoint> endpoints;
  tcp::resolver resolver(context_);
  resolver.async_resolve(url.host, std::to_string(url.port), [&](IoError failure, const tcp::resolver::results_type& results) {
    error = failure;
    for (const auto& entry : results) endpoints.push_back(entry.endpoint());
    done = true;
  });
  const bool in_time = run_until(done, deadline);
  if (!in_time) {
    resolver.cancel();
    context_.restart();
    context_.run();  // the callback refers to this frame
    return timed_out("finding the address of");
  }
  if (error) return fail(ErrorCode::connection_failed, fmt::format("the address of {} cannot be found: {}", url.host, error.message()));
  return endpoints;
}

base::Status ClientConnection::connect(const Url& url, base::MonoNanos deadline) {
  auto endpoints = resolve(url, deadline);
  if (!endpoints) return base::pass(endpoints);
  bool done = false;
  IoError error;
  asio::async_connect(socket_, *endpoints, [&](IoError failure, const tcp::endpoint& connected) {
    error = failure;
    remote_ = connected;
    done = true;
  });
  if (!run_until(done, deadline)) {
    IoError ignored;
    socket_.close(ignored);
    context_.restart();
    context_.run();  // the callback refers to this frame
    return timed_out("connecting to");
  }
  if (error) return fail(ErrorCode::connection_failed, fmt::format("connecting to {} failed: {}", peer_, error.message()));
  return {};
}

base::Status ClientConnection::handshake(const Url& url, base::MonoNanos deadline) {
  if (!is_secure(url)) {
    stream_ = std::make_unique<PlainStream>(std::move(socket_), remote_, std::span<char>(scratch_));
    return {};
  }
  auto tls = make_client_tls();
  if (!tls) return base::pass(tls);
  stream_ = make_tls_client_stream(std::move(socket_), remote_, *tls, url.host);
  bool done = false;
  IoError error;
  stream_->handshake([&](IoError failure) {
    error = failure;
    done = true;
  });
  if (!run_until(done, deadline)) {
    stream_->close();
    context_.restart();
    context_.run();  // the callback refers to this frame
    return timed_out("the TLS handshake with");
  }
  if (error) {
    return fail(ErrorCode::tls_failed, fmt::format("the TLS handshake with {} failed: {}", peer_, error.message()),
                "Check that the server's certificate is for this name and signed by an authority that this machine trusts "
                "(SSL_CERT_FILE names another set of authorities).");
  }
  return {};
}

base::Status ClientConnection::write(std::string_view bytes, base::MonoNanos deadline) {
  while (!bytes.empty()) {
    struct Outcome {
      bool done = false;
      IoError error;
      std::size_t count = 0;
    };
    // Shared with the callback, which may come after the deadline.
    const auto outcome = std::make_shared<Outcome>();
    const std::array<std::string_view, 1> pieces = {bytes};
    stream_->write_some(pieces, [outcome](IoError error, std::size_t count) { *outcome = Outcome{true, error, count}; });
    if (!run_until(outcome->done, deadline)) {
      stream_->close();
      context_.restart();
      context_.run();  // the bytes are the caller's: nothing may read them after this call
      return timed_out("writing to");
    }
    if (outcome->error)
      return fail(ErrorCode::connection_lost, fmt::format("{} broke the connection: {}", peer_, outcome->error.message()));
    bytes.remove_prefix(outcome->count);
  }
  return {};
}

void ClientConnection::start_read() {
  if (reading_) return;
  reading_ = true;
  read_done_ = false;
  stream_->read([this](IoError error, std::string_view bytes) {
    input_.append(bytes);
    read_error_ = error;
    reading_ = false;
    read_done_ = true;
  });
}

bool ClientConnection::silent() {
  if (!read_done_) start_read();
  context_.restart();
  context_.poll();
  return !read_done_ && input_.empty();
}

base::Result<bool> ClientConnection::read(base::MonoNanos deadline) {
  // Bytes that came while something else was waited for are news already.
  if (!std::exchange(read_done_, false)) {
    start_read();
    while (!read_done_) {
      if (interrupted_.exchange(false)) return fail(ErrorCode::cancelled, fmt::format("waiting for {} was ended", peer_));
      const std::int64_t left = deadline - base::SystemClock().mono();
      if (left <= 0) return timed_out("waiting for");
      run_once(left);
    }
    read_done_ = false;
  }
  if (read_error_ == asio::error::eof) return false;
  if (read_error_) return fail(ErrorCode::connection_lost, fmt::format("{} broke the connection: {}", peer_, read_error_.message()));
  return true;
}

}  // namespace telltale::net
