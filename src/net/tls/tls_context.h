// TLS settings of a listener or a client.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "base/error.h"

namespace telltale::net {

// A listener's and its streams' together.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// TLS 1.2 and later with the certificate chain and key of two PEM files; tls_failed names the file that cannot be used.
base::Result<TlsContext> make_server_tls(const std::string& certificate_file, const std::string& key_file);
// Verifies peers against the system's certificates (OpenSSL's default paths; SSL_CERT_FILE and SSL_CERT_DIR replace them).
base::Result<TlsContext> make_client_tls();

}  // namespace telltale::net
