#include "sources/launch/probe.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "net/http/client.h"

namespace telltale::sources {

namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses addresses_of(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) found = nullptr;
  return {found, &::freeaddrinfo};
}

// A port above the ephemeral ones' beginning may be given to the very socket that connects to it.
bool is_connected_to_itself(int socket) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return false;
  return own_size == peer_size && std::memcmp(&own, &peer, own_size) == 0;
}

bool connects(const addrinfo& address, std::int64_t timeout_ns) {
  const base::Descriptor socket(::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket.valid()) return false;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return false;
    pollfd wait{socket.get(), POLLOUT, 0};
    if (::poll(&wait, 1, static_cast<int>(timeout_ns / base::nanos_per_millisecond)) <= 0) return false;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) return false;
  }
  return !is_connected_to_itself(socket.get());
}

}  // namespace

bool accepts_connections(const std::string& host, std::uint16_t port, std::int64_t timeout_ns) {
  const auto addresses = addresses_of(host, port);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next)
    if (connects(*address, timeout_ns)) return true;
  return false;
}

base::Status probe(const config::Ready& ready, std::int64_t timeout_ns) {
  if (!accepts_connections(ready.host, ready.port, timeout_ns)) {
    return base::fail(base::ErrorCode::connection_failed, fmt::format("nothing accepts connections on {}:{}", ready.host, ready.port));
  }
  if (ready.kind != config::Ready::Kind::http) return {};
  const net::Url url{"http", ready.host, ready.port, ready.path};
  const std::string shown = fmt::format("http://{}:{}{}", ready.host, ready.port, ready.path);
  const auto response = net::http_request(url, "GET", {}, "", timeout_ns);
  if (!response) return base::fail(response.error().code, fmt::format("GET {} failed: {}", shown, response.error().cause));
  if (response->status >= 200 && response->status < 400) return {};
  return base::fail(base::ErrorCode::connection_failed, fmt::format("GET {} was answered with {}", shown, response->status));
}

}  // namespace telltale::sources
