// Accepts the connections of one port.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>

#include "net/http/server_context.h"
#include "net/io/deadline.h"
#include "net/tls/tls_context.h"

namespace telltale::net {

// Owned by the server and by its operations under way. Net thread, except for open().
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // `tls` is null for plain HTTP.
  Listener(ServerContext& context, TlsContext tls);

  // Binds and listens; returns the port. Any thread, once, before start().
  base::Result<std::uint16_t> open(const ListenAddress& address);
  void start() { accept(); }
  // A connection ended: go on where accepting waited for that.
  void on_session_end();
  void close();

 private:
  void accept();
  void on_accept(boost::system::error_code error, boost::asio::ip::tcp::socket socket);
  void begin_session(boost::asio::ip::tcp::socket socket);

  ServerContext& context_;
  const TlsContext tls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint peer_;  // of the connection that is being accepted
  Deadline retry_;
  bool waits_for_room_ = false;
  bool closed_ = false;
};

}  // namespace telltale::net
