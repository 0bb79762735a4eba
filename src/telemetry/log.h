// The program's own log: lines on standard error (and nothing else), one event a line. Never a secret, never a log line of a system
// under test.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace telltale::telemetry {

enum class LogLevel : unsigned char { debug, info, warning, error, off };

// Sets what is written; default info. Thread-safe.
void set_log_level(LogLevel level);
// "DEBUG", "INFO", "WARNING", "ERROR", "OFF" in any case; false when it is none of them.
bool set_log_level(std::string_view name);

// One line: time, level, part, text (control characters escaped). Thread-safe.
void log_line(LogLevel level, std::string_view part, std::string_view text);
bool log_enabled(LogLevel level);

template <class... Args>
void log(LogLevel level, std::string_view part, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, part, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace telltale::telemetry
