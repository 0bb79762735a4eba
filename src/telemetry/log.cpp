#include "telemetry/log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "base/clock.h"
#include "base/text.h"
#include "telemetry/log_format.h"

namespace telltale::telemetry {
namespace {

constexpr std::array<std::string_view, 5> level_names = {"DEBUG", "INFO", "WARNING", "ERROR", "OFF"};

// The process has one standard error, so its level and its count of lost lines are the process's too.
std::atomic<LogLevel> current_level{LogLevel::info};
std::atomic<std::uint64_t> lost_lines{0};

// False when the line could not be written at once: nobody may wait for who reads our standard error.
bool write_line(std::string_view line) {
  pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&standard_error, 1, 0) != 1 || (standard_error.revents & POLLOUT) == 0) return false;
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void write_or_count(base::UnixNanos now, std::string_view line) {
  if (const std::uint64_t lost = lost_lines.exchange(0); lost > 0) {
    const std::string note = fmt::format("{} lines were lost here: standard error was not read", lost);
    if (!write_line(format_log_line(now, LogLevel::warning, "log", note))) {
      lost_lines += lost + 1;
      return;
    }
  }
  if (!write_line(line)) ++lost_lines;
}

}  // namespace

std::string format_log_line(base::UnixNanos time, LogLevel level, std::string_view part, std::string_view text) {
  static constexpr std::string_view cut = "...";
  std::string line = base::format_rfc3339(time, 3);
  line.push_back(' ');
  line += level_names[static_cast<std::size_t>(level)];
  line.push_back(' ');
  line += part;
  line += ": ";
  line += base::to_printable(text);
  if (line.size() >= max_log_line) {
    std::size_t end = max_log_line - 1 - cut.size();
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;  // not within a character
    line.resize(end);
    line += cut;
  }
  line.push_back('\n');
  return line;
}

void set_log_level(LogLevel level) {
  current_level.store(level, std::memory_order_relaxed);
}

bool set_log_level(std::string_view name) {
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (!base::equals_ignoring_case(name, level_names[i])) continue;
    set_log_level(static_cast<LogLevel>(i));
    return true;
  }
  return false;
}

bool log_enabled(LogLevel level) {
  return level >= current_level.load(std::memory_order_relaxed) && level != LogLevel::off;
}

void log_line(LogLevel level, std::string_view part, std::string_view text) {
  if (!log_enabled(level)) return;
  const base::UnixNanos now = base::SystemClock().wall();
  write_or_count(now, format_log_line(now, level, part, text));
}

}  // namespace telltale::telemetry
