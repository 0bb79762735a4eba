#include "net/tls/tls_context.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

namespace telltale::net {

namespace ssl = boost::asio::ssl;
using base::ErrorCode;
using base::fail;
using IoError = boost::system::error_code;

namespace {

constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Of the protocols a client offers (ALPN), HTTP/1.1 is the one we speak; a client that offers only others still gets it, as one that
// offers none does.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned int offered_size,
                    void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http_1_1, sizeof http_1_1, offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

base::Status use_minimum_version(ssl::context& context) {
  SSL_CTX* const native = context.native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1) return fail(ErrorCode::tls_failed, "OpenSSL does not offer TLS 1.2");
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  return {};
}

}  // namespace

base::Result<TlsContext> make_server_tls(const std::string& certificate_file, const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto status = use_minimum_version(*context);
  if (!status) return base::pass(status);
  IoError error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) return fail(ErrorCode::tls_failed, fmt::format("the certificate '{}' cannot be used: {}", certificate_file, error.message()));
  context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return fail(ErrorCode::tls_failed, fmt::format("the key '{}' cannot be used: {}", key_file, error.message()));
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return fail(ErrorCode::tls_failed, fmt::format("the key '{}' does not belong to the certificate '{}'", key_file, certificate_file));
  }
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  return context;
}

base::Result<TlsContext> make_client_tls() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  auto status = use_minimum_version(*context);
  if (!status) return base::pass(status);
  IoError error;
  context->set_default_verify_paths(error);
  if (error) return fail(ErrorCode::tls_failed, fmt::format("the system's certificates cannot be read: {}", error.message()));
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

}  // namespace telltale::net
