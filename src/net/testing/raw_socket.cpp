#include "net/testing/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace telltale::net::testing {

namespace {
constexpr int patience_ms = 20'000;
}

RawSocket::RawSocket(std::uint16_t port, int receive_buffer) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "errno " << errno;
}

RawSocket::~RawSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawSocket::shut_write() {
  ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
}

bool RawSocket::fill() {
  if (ended_) return false;
  pollfd poll_entry{descriptor_, POLLIN, 0};
  if (::poll(&poll_entry, 1, patience_ms) != 1) {
    ADD_FAILURE() << "nothing came within " << patience_ms << " ms; so far: " << base::to_printable(buffer_);
    ended_ = true;
    return false;
  }
  std::array<char, 64 * 1024> bytes;
  const ssize_t count = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  if (count > 0) {
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    return true;
  }
  ended_ = true;
  reset_ = count < 0;
  return false;
}

std::string RawSocket::read_until(std::string_view mark) {
  std::size_t place = std::string::npos;
  while ((place = buffer_.find(mark)) == std::string::npos) {
    if (!fill()) {
      ADD_FAILURE() << "the stream ended before '" << base::to_printable(mark) << "': " << base::to_printable(buffer_);
      return {};
    }
  }
  return read_exactly(place + mark.size());
}

std::string RawSocket::read_exactly(std::size_t bytes) {
  while (buffer_.size() < bytes) {
    if (!fill()) {
      ADD_FAILURE() << "the stream ended " << bytes - buffer_.size() << " bytes early";
      return {};
    }
  }
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::string RawSocket::read_to_end() {
  while (fill()) continue;
  EXPECT_FALSE(reset_) << "the connection was reset";
  std::string taken;
  taken.swap(buffer_);
  return taken;
}

bool RawSocket::ends_silently(bool* reset) {
  fill();
  if (reset != nullptr) *reset = reset_;
  return ended_ && buffer_.empty();
}

RawResponse RawSocket::read_response(bool head_only) {
  RawResponse response;
  const std::string head = read_until("\r\n\r\n");
  if (head.size() < 12) return response;
  response.status = std::atoi(head.substr(9, 3).c_str());
  std::size_t line = head.find("\r\n") + 2;
  while (line + 2 < head.size()) {
    const std::size_t end = head.find("\r\n", line);
    const std::size_t colon = head.find(": ", line);
    response.headers[base::to_lower(head.substr(line, colon - line))] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  const auto length = response.headers.find("content-length");
  if (!head_only && length != response.headers.end()) response.body = read_exactly(std::stoul(length->second));
  return response;
}

std::size_t RawSocket::available() const {
  int bytes = 0;
  ::ioctl(descriptor_, FIONREAD, &bytes);
  return buffer_.size() + static_cast<std::size_t>(bytes);
}

std::string upgrade_request(std::string_view path) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      path);
}

}  // namespace telltale::net::testing
