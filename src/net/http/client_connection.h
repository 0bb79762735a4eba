// A blocking connection for the clients: Asio underneath, run by the caller's thread for as long as the caller waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "net/http/client.h"
#include "net/io/stream.h"

namespace telltale::net {

// One thread.
class ClientConnection {
 public:
  // Resolves, connects and, for https and wss, does the TLS handshake. connection_failed, tls_failed, timeout.
  // A name that the system's resolver does not answer for is waited for longer than the deadline: it cannot be interrupted.
  static base::Result<std::unique_ptr<ClientConnection>> open(const Url& url, base::MonoNanos deadline);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // All of it; connection_lost, timeout (the connection is of no more use then).
  base::Status write(std::string_view bytes, base::MonoNanos deadline);
  // Waits for bytes and appends them to input(); false at the end of the stream. After a timeout, or when it was interrupted (cancelled),
  // it may be called again.
  base::Result<bool> read(base::MonoNanos deadline);
  // The peer has neither sent anything that was not asked for nor closed. Does not wait.
  bool silent();
  // From any thread: ends the read() under way, or the next one.
  void interrupt();
  // Ends the connection; it is of no more use.
  void close() { stream_->close(); }
  // What was read and not taken yet; whoever takes bytes erases them.
  std::string& input() { return input_; }

 private:
  explicit ClientConnection(const Url& url);

  base::Status connect(const Url& url, base::MonoNanos deadline);
  base::Result<std::vector<boost::asio::ip::tcp::endpoint>> resolve(const Url& url, base::MonoNanos deadline);
  base::Status handshake(const Url& url, base::MonoNanos deadline);
  // Runs operations until `done`; false when the deadline passed first.
  bool run_until(const bool& done, base::MonoNanos deadline);
  void run_once(std::int64_t timeout_ns);
  void start_read();
  std::unexpected<base::Error> timed_out(std::string_view what) const;

  const std::string peer_;  // host:port, for messages
  std::vector<char> scratch_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;  // until it is connected; then the stream's
  boost::asio::ip::tcp::endpoint remote_;
  std::unique_ptr<Stream> stream_;
  std::string input_;
  bool reading_ = false;
  bool read_done_ = false;
  IoError read_error_;
  std::atomic<bool> interrupted_{false};
};

// The monotonic time `after_ns` from now.
base::MonoNanos deadline_after(std::int64_t after_ns);
// "host" or "host:port" where the port is not the scheme's own; [v6] in brackets.
std::string authority_of(const Url& url);

}  // namespace telltale::net
