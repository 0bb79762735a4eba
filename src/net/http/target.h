// A request's target, taken apart and decoded (RFC 9112 section 3.2, RFC 3986).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace telltale::net {

struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string authority;  // of the absolute form; else empty
};

// `text` in origin form ("/a%20b?c=d+e"), absolute form ("http://host/a") or "*". malformed_request for anything else: invalid escapes,
// control characters and invalid UTF-8 in the path, NUL and invalid UTF-8 in the query, a segment "..", a fragment. Segments "." and
// empty segments are taken out; a slash at the end stays.
base::Result<Target> parse_target(std::string_view text);

// "%41b" -> "Ab", '+' -> ' ' where `plus_is_space`; malformed_request for an invalid escape.
base::Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace telltale::net
