#include "net/io/plain_stream.h"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

namespace telltale::net {

std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port()) : fmt::format("{}:{}", address, endpoint.port());
}

WriteBuffers::View WriteBuffers::fill(std::span<const std::string_view> pieces) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) {
    if (count == buffers_.size() || bytes >= Stream::max_write_bytes) break;
    if (piece.empty()) continue;
    buffers_[count++] = boost::asio::const_buffer(piece.data(), piece.size());
    bytes += piece.size();
  }
  return View{buffers_.data(), buffers_.data() + count};
}

PlainStream::PlainStream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, std::span<char> scratch)
    : socket_(std::move(socket)), scratch_(scratch), remote_(endpoint_text(remote)) {
  // Failures here mean that the peer is gone already; the first read says so.
  IoError ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  const auto local = socket_.local_endpoint(ignored);
  if (!ignored) local_port_ = local.port();
}

void PlainStream::handshake(Done done) {
  boost::asio::post(socket_.get_executor(), [done = std::move(done)] { done(IoError()); });
}

void PlainStream::read(ReadDone done) {
  socket_.async_wait(TcpSocket::wait_read, [this, done = std::move(done)](IoError error) mutable { on_readable(error, std::move(done)); });
}

void PlainStream::on_readable(IoError error, ReadDone done) {
  if (error) return done(error, {});
  const std::size_t count = socket_.read_some(boost::asio::buffer(scratch_.data(), scratch_.size()), error);
  if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) return read(std::move(done));
  done(error, std::string_view(scratch_.data(), count));
}

void PlainStream::write_some(std::span<const std::string_view> pieces, WriteDone done) {
  socket_.async_write_some(buffers_.fill(pieces), std::move(done));
}

void PlainStream::shutdown_send(Done done) {
  IoError error;
  socket_.shutdown(TcpSocket::shutdown_send, error);
  boost::asio::post(socket_.get_executor(), [done = std::move(done), error] { done(error); });
}

void PlainStream::close() {
  IoError ignored;
  socket_.close(ignored);
}

}  // namespace telltale::net
