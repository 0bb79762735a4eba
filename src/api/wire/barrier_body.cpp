#include "api/wire/barrier_body.h"

#include <algorithm>
#include <string>

#include "api/wire/json_input.h"
#include "base/text.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;

base::Result<std::int64_t> parse_barrier_body(std::string_view body) {
  static constexpr std::size_t max_body = 4096;
  if (body.size() > max_body) return fail(ErrorCode::body_too_large, "the body has more than 4096 bytes");
  if (base::trim(body).empty()) return max_barrier_ms;
  auto object = parse_json_object(body);
  if (!object) return base::pass(object);
  std::int64_t timeout = max_barrier_ms;
  for (const auto& [key, value] : *object) {
    const std::string_view name(key.data(), key.size());
    if (name != "timeout_ms") {
      return fail(ErrorCode::invalid_argument, "there is no member '" + base::to_printable(name.substr(0, 100)) + "' here",
                  "Use: timeout_ms.");
    }
    const bool whole = value.is_int64() && value.get_int64() > 0;
    if (!whole && !value.is_uint64()) {
      return fail(ErrorCode::invalid_argument, "timeout_ms is not a whole number above 0", "Give milliseconds, at most 2000.");
    }
    timeout = whole ? value.get_int64() : max_barrier_ms;
  }
  return std::min(timeout, max_barrier_ms);
}

}  // namespace telltale::api
