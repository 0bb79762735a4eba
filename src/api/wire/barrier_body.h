// The body of POST /api/v1/barrier.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace telltale::api {

inline constexpr std::int64_t max_barrier_ms = 2000;

// {"timeout_ms": 1..} or nothing at all; the answer is the time to wait in milliseconds, at most max_barrier_ms. malformed_request for
// other JSON, invalid_argument for other values and unknown members, body_too_large beyond 4 KiB.
base::Result<std::int64_t> parse_barrier_body(std::string_view body);

}  // namespace telltale::api
