// A connected byte stream, plain or TLS, behind one interface, so that sessions are written once and Asio's templates are compiled in
// two places only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

namespace telltale::net {

using IoError = boost::system::error_code;

// One thread. At most one read and one write at a time. A callback comes exactly once and never from inside the call that started it;
// what it captures keeps the stream's owner alive: a stream is not destroyed while one of its operations is under way.
class Stream {
 public:
  using Done = std::function<void(IoError)>;
  using ReadDone = std::function<void(IoError, std::string_view)>;
  using WriteDone = std::function<void(IoError, std::size_t)>;

  // How many pieces and bytes one write_some takes at most.
  static constexpr std::size_t max_pieces = 64;
  static constexpr std::size_t max_write_bytes = 256 * 1024;

  virtual ~Stream() = default;
  virtual void handshake(Done done) = 0;
  // The bytes are valid inside the callback only. The end of the stream is the error `boost::asio::error::eof`.
  virtual void read(ReadDone done) = 0;
  // Writes at least one byte of the pieces, which stay valid until the callback; `pieces` itself may go.
  virtual void write_some(std::span<const std::string_view> pieces, WriteDone done) = 0;
  // Says to the peer that nothing more will come. No write is under way.
  virtual void shutdown_send(Done done) = 0;
  // Ends everything at once; operations under way end with an error.
  virtual void close() = 0;

  virtual std::string remote() const = 0;  // address:port, [address]:port for IPv6
  virtual std::uint16_t local_port() const = 0;
  virtual bool tls() const = 0;
};

}  // namespace telltale::net
