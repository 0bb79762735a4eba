#include "app/detached.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/spawn.h"

namespace telltale::app {

base::Result<DetachedProcess> start_detached(const DetachedProgram& program) {
  const base::Descriptor log(::open(program.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (!log.valid()) {
    const int cause = errno;
    return std::unexpected(base::system_error(cause, fmt::format("opening {}", program.log)));
  }
  auto ready = base::make_pipe();
  if (!ready) return base::pass(ready);
  base::Program started{.path = program.path,
                        .arguments = {program.path},
                        .environment = program.environment,
                        .folder = {},
                        .descriptors = {{STDOUT_FILENO, log.get()}, {STDERR_FILENO, log.get()}, {ready_descriptor, ready->write.get()}},
                        .place = base::Program::Place::own_session,
                        .orphan = true,
                        .nice = program.nice,
                        .signals = {}};
  started.arguments.insert(started.arguments.end(), program.arguments.begin(), program.arguments.end());
  auto pid = base::spawn(started);
  if (!pid) return base::pass(pid);
  return DetachedProcess{*pid, std::move(ready->read)};
}

}  // namespace telltale::app
