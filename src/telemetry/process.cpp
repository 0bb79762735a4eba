#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <limits>

#include "telemetry/metrics.h"

namespace telltale::telemetry {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

// Files of /proc give no size beforehand and are small.
std::string read_proc(const char* path) {
  std::string text(8192, '\0');
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

// The `index`-th (from 0) field of text that is separated by spaces.
double field(std::string_view text, std::size_t index) {
  while (index-- > 0) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return unknown;
    text.remove_prefix(space + 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? static_cast<double>(value) : unknown;
}

// proc(5), /proc/pid/stat: the fields behind the command's name, which may hold spaces and parentheses; 0 is the state (field 3).
double stat_field(std::size_t number) {
  const std::string stat = read_proc("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return unknown;
  return field(std::string_view(stat).substr(name_end + 2), number - 3);
}

double open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return unknown;
  double count = -3;  // ".", ".." and the folder's own descriptor
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

double resident_bytes() {
  return field(read_proc("/proc/self/statm"), 1) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return unknown;
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double start_time() {
  const std::string stat = read_proc("/proc/stat");
  static constexpr std::string_view key = "\nbtime ";
  const std::size_t at = stat.find(key);
  if (at == std::string::npos) return unknown;
  return field(std::string_view(stat).substr(at + key.size()), 0) + stat_field(22) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
  metrics.callback("process_open_fds", "Number of open file descriptors.", {}, open_descriptors);
  metrics.callback("process_threads", "Number of threads.", {}, [] { return stat_field(20); });
  metrics.callback("process_resident_memory_bytes", "Resident memory size in bytes.", {}, resident_bytes);
  metrics.callback("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", {}, cpu_seconds);
  const double started = start_time();
  metrics.callback("process_start_time_seconds", "Start time of the process since the Unix epoch in seconds.", {},
                   [started] { return started; });
}

}  // namespace telltale::telemetry
