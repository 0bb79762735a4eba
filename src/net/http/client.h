// Small blocking clients for the command line. One thread a client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http/http.h"

namespace telltale::net {

struct Url {
  std::string scheme;  // http https ws wss
  std::string host;
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"
};
base::Result<Url> parse_url(std::string_view text);
// Percent-encodes for a query's value.
std::string url_encode(std::string_view text);

// One request on a connection of its own; connection_failed, tls_failed, timeout, connection_lost, invalid_argument (a header or target
// that cannot be sent). Certificates of https are verified against the system's authorities. The answer's header names are in lower
// case; redirects are not followed.
base::Result<Response> http_request(const Url& url, std::string_view method, const Headers& headers, std::string_view body,
                                    std::int64_t timeout_ns);

// Requests one after the other over a connection that stays open between them. One thread.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // `url` gives scheme, host and port; nothing is connected yet.
  static std::unique_ptr<HttpClient> create(const Url& url);

  // As http_request(), over the connection there is; a new one when there is none, or when the server has closed it meanwhile. When it
  // closes just as the request is on its way, GET, HEAD, PUT and DELETE are sent once more; for other methods that is connection_lost:
  // the caller knows whether the request may be repeated. After any error the next request connects anew.
  virtual base::Result<Response> request(std::string_view method, std::string_view target, const Headers& headers, std::string_view body,
                                         std::int64_t timeout_ns) = 0;
  // Is there a connection, and has the server not closed it? Does not wait.
  virtual bool connected() = 0;
  // How many connections were made so far: what a server knows of the one before, the next may have to say again.
  virtual std::uint64_t connections() const = 0;
};

class WsClient {
 public:
  virtual ~WsClient() = default;
  // Schemes ws and wss (http and https mean the same). unauthorized or forbidden when the server says so; otherwise as http_request.
  // `timeout_ns` is also each send's.
  static base::Result<std::unique_ptr<WsClient>> connect(const Url& url, const Headers& headers, std::int64_t timeout_ns);
  // The next text message (pings are answered while it waits); nothing when the peer closed; timeout when the time passed (the connection
  // stays usable).
  virtual base::Result<std::optional<std::string>> receive(std::int64_t timeout_ns) = 0;
  virtual base::Status send(std::string_view text) = 0;
  virtual base::Status send_binary(std::string_view bytes) = 0;
  // From any thread: the receive() under way, or the next one, gives `cancelled`; the connection stays usable.
  virtual void interrupt() = 0;
};

}  // namespace telltale::net
