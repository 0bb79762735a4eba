// TLS as a Stream.
#pragma once

#include <memory>
#include <string>

#include "net/io/plain_stream.h"
#include "net/io/stream.h"
#include "net/tls/tls_context.h"

namespace telltale::net {

// `remote` is as accepting or connecting told it: the socket of a peer that has gone knows it no more.
std::unique_ptr<Stream> make_tls_server_stream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, const TlsContext& context);
// The handshake fails unless the peer's certificate is for `host` (a name or an address).
std::unique_ptr<Stream> make_tls_client_stream(TcpSocket socket, const boost::asio::ip::tcp::endpoint& remote, const TlsContext& context,
                                               const std::string& host);

}  // namespace telltale::net
