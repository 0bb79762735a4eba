#include "net/tls/tls_stream.h"

#include <array>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace telltale::net {

namespace ssl = boost::asio::ssl;

namespace {

// A TLS record's greatest payload: one write is one record.
constexpr std::size_t record_bytes = 16 * 1024;

class TlsStream final : public Stream {
 public:
  TlsStream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, TlsContext context, ssl::stream_base::handshake_type side)
      : context_(std::move(context)), side_(side), stream_(std::move(socket), *context_), remote_(endpoint_text(remote)) {
    IoError ignored;  // the peer may be gone already; the handshake says so
    stream_.lowest_layer().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    const auto local = stream_.lowest_layer().local_endpoint(ignored);
    if (!ignored) local_port_ = local.port();
  }

  IoError expect_host(const std::string& host) {
    IoError error;
    stream_.set_verify_callback(ssl::host_name_verification(host), error);
    IoError not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    // Server Name Indication is for names only (RFC 6066 section 3).
    if (not_an_address) SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
    return error;
  }

  void handshake(Done done) override { stream_.async_handshake(side_, std::move(done)); }

  void read(ReadDone done) override {
    stream_.async_read_some(boost::asio::buffer(read_buffer_), [this, done = std::move(done)](IoError error, std::size_t count) {
      // A peer that closes TCP without the farewell of TLS is at its end all the same: HTTP's framing shows what is cut off.
      if (error == ssl::error::stream_truncated) error = boost::asio::error::eof;
      done(error, std::string_view(read_buffer_.data(), count));
    });
  }

  void write_some(std::span<const std::string_view> pieces, WriteDone done) override {
    std::size_t size = 0;
    for (const std::string_view piece : pieces) {
      const std::size_t count = std::min(piece.size(), write_buffer_.size() - size);
      std::copy_n(piece.begin(), count, write_buffer_.begin() + static_cast<std::ptrdiff_t>(size));
      size += count;
      if (size == write_buffer_.size()) break;
    }
    stream_.async_write_some(boost::asio::buffer(write_buffer_.data(), size), std::move(done));
  }

  void shutdown_send(Done done) override {
    // close_notify goes out at once. What the peer still sends is not waited for here: its end of stream comes to read().
    SSL_set_quiet_shutdown(stream_.native_handle(), 0);
    stream_.async_shutdown([this, done = std::move(done)](IoError error) {
      IoError ignored;  // TLS said its farewell or the connection is broken; either way this side is done
      stream_.lowest_layer().shutdown(TcpSocket::shutdown_send, ignored);
      done(error);
    });
  }

  void close() override {
    IoError ignored;
    stream_.lowest_layer().close(ignored);
  }

  std::string remote() const override { return remote_; }
  std::uint16_t local_port() const override { return local_port_; }
  bool tls() const override { return true; }

 private:
  const TlsContext context_;
  const ssl::stream_base::handshake_type side_;
  ssl::stream<TcpSocket> stream_;
  const std::string remote_;
  std::uint16_t local_port_ = 0;
  std::array<char, record_bytes> read_buffer_{};
  std::array<char, record_bytes> write_buffer_{};
};

}  // namespace

std::unique_ptr<Stream> make_tls_server_stream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, const TlsContext& context) {
  return std::make_unique<TlsStream>(std::move(socket), remote, context, ssl::stream_base::server);
}

std::unique_ptr<Stream> make_tls_client_stream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, const TlsContext& context,
                                               const std::string& host) {
  auto stream = std::make_unique<TlsStream>(std::move(socket), remote, context, ssl::stream_base::client);
  // Without the check of the name the handshake must not succeed: OpenSSL verifies the chain alone.
  if (stream->expect_host(host)) stream->close();
  return stream;
}

}  // namespace telltale::net
