// Is a service ready? Looks at its port or its HTTP answer.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "config/config.h"

namespace telltale::sources {

// Does something accept connections there? A connection that a port makes to itself does not count.
bool accepts_connections(const std::string& host, std::uint16_t port, std::int64_t timeout_ns);

// One look at a port or an HTTP path; good, or why it is not ready, as in "port 8602 of 127.0.0.1 refuses connections". Blocks for about
// `timeout_ns` at the most. Any thread.
base::Status probe(const config::Ready& ready, std::int64_t timeout_ns);

}  // namespace telltale::sources
