// Targets of requests and URLs: what is accepted keeps the promises of Request::path and Url.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/text.h"
#include "net/http/client.h"
#include "net/http/target.h"

namespace {

using namespace telltale;

void check_target(std::string_view text) {
  const auto target = net::parse_target(text);
  if (!target) return;
  if (target->path == "*") return;
  TT_ASSERT(target->path.starts_with('/'), "paths begin with a slash");
  TT_ASSERT((target->path + "/").find("/../") == std::string::npos, "no parent segments");
  TT_ASSERT((target->path + "/").find("/./") == std::string::npos, "no empty steps");
  TT_ASSERT(target->path.find("//") == std::string::npos, "no empty segments");
  TT_ASSERT(base::is_valid_utf8(target->path), "paths are UTF-8");
  TT_ASSERT(
      std::none_of(target->path.begin(), target->path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }),
      "no control characters in paths");
  std::string again = "/?";
  for (const auto& [name, value] : target->query) {
    TT_ASSERT(base::is_valid_utf8(name) && base::is_valid_utf8(value), "queries are UTF-8");
    again += net::url_encode(name) + "=" + net::url_encode(value) + "&";
  }
  const auto back = net::parse_target(again);
  TT_ASSERT(back && back->query == target->query, "an encoded query decodes to itself");
}

void check_url(std::string_view text) {
  const auto url = net::parse_url(text);
  if (!url) return;
  TT_ASSERT(!url->host.empty() && url->port != 0, "a URL has a host and a port");
  TT_ASSERT(url->target.starts_with('/'), "a target begins with a slash");
  TT_ASSERT(url->target.find_first_of(std::string_view("\r\n \0", 4)) == std::string::npos, "a target cannot split a request");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_target(text);
  check_url(text);
  return 0;
}
