// HTTP as the layers above see it: plain data, no Asio, no Beast.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace telltale::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;                                      // upper case
  std::string target;                                      // as sent
  std::string path;                                        // decoded, without query; never with "..", NUL or control characters
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;                                         // names in lower case
  std::string body;
  std::string remote;            // address:port
  std::uint64_t connection = 0;  // which connection it came on: a number that no other connection of this process has
  std::uint16_t local_port = 0;
  bool tls = false;

  std::string_view header(std::string_view lower_case_name) const;         // empty when missing
  std::optional<std::string_view> parameter(std::string_view name) const;  // first of that name
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;
  // From this answer on the connection may be idle for as long as its peer is there (TCP's probes find that out).
  bool keep_idle = false;
};

// Answers once; may be called from any thread, at once or later. Dropping it without an answer answers 500.
using Responder = std::function<void(Response)>;

// application/problem+json of RFC 9457 with `type` urn:telltale:error:<name>, title, status, detail (cause), remedy.
Response problem(const base::Error& error);

}  // namespace telltale::net
