#include "cli/time_range.h"

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::cli {

base::Result<base::UnixNanos> parse_time(const std::string& text, base::UnixNanos now) {
  if (const auto time = base::parse_rfc3339(text)) return *time;
  const auto duration = base::parse_duration(text);
  if (duration) return now - *duration;
  return base::fail(base::ErrorCode::invalid_argument, fmt::format("'{}' is no time", text),
                    "Give a duration back from now, such as 15m or 1h30m, or a time such as 2026-11-21T08:30:00Z.");
}

}  // namespace telltale::cli
