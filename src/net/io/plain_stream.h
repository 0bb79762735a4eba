// TCP as a Stream, and what plain and TLS streams share.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/io/stream.h"

namespace telltale::net {

using TcpSocket = boost::asio::ip::tcp::socket;

// "127.0.0.1:80", "[::1]:80".
std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

// The buffers of one gathering write; a view of them is a buffer sequence that is cheap to copy.
class WriteBuffers {
 public:
  struct View {
    const boost::asio::const_buffer* first;
    const boost::asio::const_buffer* last;
    using value_type = boost::asio::const_buffer;
    const boost::asio::const_buffer* begin() const { return first; }
    const boost::asio::const_buffer* end() const { return last; }
  };
  // Takes at most Stream::max_pieces and, after the first piece, about Stream::max_write_bytes.
  View fill(std::span<const std::string_view> pieces);

 private:
  std::array<boost::asio::const_buffer, Stream::max_pieces> buffers_;
};

class PlainStream final : public Stream {
 public:
  // `remote` is as accepting or connecting told it: the socket of a peer that has gone knows it no more. `scratch` outlives the stream;
  // reads deliver through it, so that an idle connection has no buffer.
  PlainStream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, std::span<char> scratch);

  void handshake(Done done) override;
  void read(ReadDone done) override;
  void write_some(std::span<const std::string_view> pieces, WriteDone done) override;
  void shutdown_send(Done done) override;
  void close() override;
  std::string remote() const override { return remote_; }
  std::uint16_t local_port() const override { return local_port_; }
  bool tls() const override { return false; }

 private:
  void on_readable(IoError error, ReadDone done);

  TcpSocket socket_;
  const std::span<char> scratch_;
  const std::string remote_;
  std::uint16_t local_port_ = 0;
  WriteBuffers buffers_;
};

}  // namespace telltale::net
