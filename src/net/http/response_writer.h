// A response's head as bytes.
#pragma once

#include <string>
#include <string_view>

#include "net/http/http.h"

namespace telltale::net {

struct ResponseFraming {
  bool keep_alive = false;
  bool http_1_0 = false;  // of the request
  std::string_view date;  // as http_date gives it
};

// The status line and headers with Content-Length, up to and with the empty line. A header that cannot be sent (a name that is no
// token, a value with a control character) and those that the server writes itself are left out; `dropped` is set to the first such
// name.
std::string response_head(const Response& response, const ResponseFraming& framing, std::string* dropped);
// No body is sent for these, and no Content-Length (RFC 9110 section 8.6).
bool status_without_body(int status);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::int64_t unix_seconds);

}  // namespace telltale::net
