#include "app/detached.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

namespace telltale::app {

namespace {

using base::Descriptor;

constexpr int failure_descriptor = 4;
constexpr int first_free = 10;  // above all that the program gets

// What the new processes say: which of them it is, or why it could not be executed.
struct Report {
  enum class Kind : int { pid, failure } kind;
  int value;
};

// What the new process needs, ready before the fork: after it only calls that are safe in a signal handler are allowed, for other
// threads may have held any lock.
struct Prepared {
  const char* path = nullptr;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int null = -1;
  int log = -1;
  int ready = -1;
  int failure = -1;
  int nice = 0;
};

std::unexpected<base::Error> failed(std::string_view what) {
  const int cause = errno;
  return std::unexpected(base::system_error(cause, what));
}

// A copy that none of the program's descriptors can be.
base::Result<Descriptor> above(Descriptor from, std::string_view what) {
  if (!from.valid()) return failed(what);
  Descriptor copy(::fcntl(from.get(), F_DUPFD_CLOEXEC, first_free));
  if (!copy.valid()) return failed(what);
  return copy;
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("making a pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  auto read = above(std::move(pipe.read), "making a pipe");
  if (!read) return base::pass(read);
  auto write = above(std::move(pipe.write), "making a pipe");
  if (!write) return base::pass(write);
  return Pipe{std::move(*read), std::move(*write)};
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
}

[[noreturn]] void become(const Prepared& program) {
  reset_signals();
  if (program.nice != 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + program.nice);
  ::dup2(program.null, STDIN_FILENO);
  ::dup2(program.log, STDOUT_FILENO);
  ::dup2(program.log, STDERR_FILENO);
  ::dup2(program.ready, ready_descriptor);
  ::dup3(program.failure, failure_descriptor, O_CLOEXEC);
  ::close_range(failure_descriptor + 1, ~0u, 0);
  ::execve(program.path, program.arguments.data(), program.environment.data());
  const Report report{Report::Kind::failure, errno};
  // When even this fails, the end of the pipe says that the program is not there.
  static_cast<void>(::write(failure_descriptor, &report, sizeof report));
  ::_exit(127);
}

// The process in between ends at once, so the program has no parent that waits for it.
base::Status fork_twice(const Prepared& program, std::string_view what) {
  const pid_t between = ::fork();
  if (between < 0) return failed(what);
  if (between == 0) {
    ::setsid();
    const pid_t child = ::fork();
    if (child == 0) become(program);
    const Report report{Report::Kind::pid, child};
    const bool said = child > 0 && ::write(program.failure, &report, sizeof report) == sizeof report;
    ::_exit(said ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return base::fail(base::ErrorCode::io_error, fmt::format("{}: no process could be made", what),
                    "Raise the limit of processes (ulimit -u).");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));  // execve takes it so and changes nothing
  all.push_back(nullptr);
  return all;
}

// All that is reported until the program was executed or not.
struct Outcome {
  int pid = 0;
  int failure = 0;
};

Outcome read_reports(int descriptor) {
  Outcome outcome;
  while (true) {
    Report report{};
    const ssize_t got = ::read(descriptor, &report, sizeof report);  // never a part: writes this small to pipes are whole
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof report) return outcome;
    (report.kind == Report::Kind::pid ? outcome.pid : outcome.failure) = report.value;
  }
}

}  // namespace

base::Result<DetachedProcess> start_detached(const DetachedProgram& program) {
  const std::string what = fmt::format("starting {}", program.path);
  auto null = above(Descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), "opening /dev/null");
  if (!null) return base::pass(null);
  auto log = above(Descriptor(::open(program.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)),
                   fmt::format("opening {}", program.log));
  if (!log) return base::pass(log);
  auto ready = make_pipe();
  if (!ready) return base::pass(ready);
  auto failure = make_pipe();
  if (!failure) return base::pass(failure);

  std::vector<std::string> words{program.path};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  const Prepared prepared{program.path.c_str(), pointers(words),    pointers(program.environment), null->get(),
                          log->get(),           ready->write.get(), failure->write.get(),          program.nice};
  if (auto forked = fork_twice(prepared, what); !forked) return base::pass(forked);
  failure->write.reset();
  const Outcome outcome = read_reports(failure->read.get());
  if (outcome.failure != 0) return std::unexpected(base::system_error(outcome.failure, what));
  return DetachedProcess{outcome.pid, std::move(ready->read)};
}

}  // namespace telltale::app
