#include "sources/launch/process_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::sources {

base::Result<ProcessLog> ProcessLog::open(RelayKeeper& keeper, const base::Clock& clock, const std::string& service,
                                          const std::string& process) {
  auto writer = keeper.add({.service = service, .stream = "process", .process = process});
  if (!writer) return base::pass(writer);
  // Whatever becomes of the relay, this process does not wait.
  ::fcntl(writer->pipe.get(), F_SETFL, O_NONBLOCK);
  return ProcessLog(clock, std::move(writer->pipe));
}

std::string ProcessLog::begin(std::string_view level, std::string_view event, std::string_view message) const {
  std::string line = fmt::format("{{\"timestamp\":\"{}\",\"level\":\"{}\",\"message\":", base::format_rfc3339(clock_->wall()), level);
  base::append_json_string(line, message);
  line += fmt::format(",\"event\":\"{}\"", event);
  return line;
}

void ProcessLog::started(std::int64_t pid) {
  write(begin("info", "process_started", fmt::format("process {} was started", pid)) + fmt::format(",\"pid\":{}}}\n", pid));
}

void ProcessLog::ended(const ExitStatus& status, bool expected) {
  const std::string message = fmt::format("the process ended with {}{}", status.text(), expected ? "" : "; nobody asked for it");
  std::string line = begin(expected ? "info" : "error", "process_ended", message);
  line +=
      status.by_signal ? fmt::format(",\"signal\":\"{}\"", signal_name(status.number)) : fmt::format(",\"exit_code\":{}", status.number);
  write(line + "}\n");
}

void ProcessLog::write(std::string line) {
  // A pipe that is full belongs to a relay that is lost, which is a gap of its own.
  if (pipe_.valid()) static_cast<void>(::write(pipe_.get(), line.data(), line.size()));
}

}  // namespace telltale::sources
