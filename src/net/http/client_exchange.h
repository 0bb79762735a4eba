// One request and its answer over a ClientConnection.
#pragma once

#include <string>
#include <string_view>

#include "net/http/client.h"
#include "net/http/client_connection.h"

namespace telltale::net {

// The request's head and the start of its body as bytes; invalid_argument where a part cannot be sent as it is.
base::Result<std::string> request_head(const Url& url, std::string_view method, const Headers& headers, std::size_t body_bytes);
// The final answer (1xx other than 101 are passed over); bytes behind it stay in the connection's input. Header names in lower case.
base::Result<Response> read_response(ClientConnection& connection, bool head_only, base::MonoNanos deadline);

}  // namespace telltale::net
