#include "base/spawn.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/files.h"

namespace telltale::base {

namespace {

constexpr int first_free = 10;  // above all numbers that programs are given
constexpr int report_descriptor = first_free - 1;
constexpr const char* shell = "/bin/sh";

// What the new processes say: which of them it is, or what could not be done.
struct Report {
  enum class Kind : int { pid, no_folder, no_execution } kind;
  int value;
};

// What the new process needs, ready before the fork: after it only calls that are safe in a signal handler are allowed, for other
// threads may have held any lock.
struct Prepared {
  const Program& program;
  std::vector<char*> arguments;
  std::vector<char*> script_arguments;  // /bin/sh, the path, the rest
  std::vector<char*> environment;
  std::vector<std::pair<int, int>> descriptors;  // moved above all targets
  int report = -1;
};

std::unexpected<Error> failed(std::string_view what) {
  const int cause = errno;
  return std::unexpected(system_error(cause, what));
}

// A copy that none of the program's descriptors can be.
Result<Descriptor> above(int from) {
  Descriptor copy(::fcntl(from, F_DUPFD_CLOEXEC, first_free));
  if (!copy.valid()) return failed("copying a descriptor");
  return copy;
}

// By the system calls: the C library refuses the signals that it uses itself, and they may have been inherited ignored or blocked.
void reset_signals() {
  constexpr std::array<std::uint64_t, 8> by_default{};  // the kernel's structure of an action, with room; all zero: SIG_DFL
  constexpr std::uint64_t none = 0;
  for (int signal = 1; signal < NSIG; ++signal) ::syscall(SYS_rt_sigaction, signal, by_default.data(), nullptr, sizeof none);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

void set_signals(const std::optional<SignalSettings>& wanted) {
  if (!wanted) return reset_signals();
  if (!wanted->pipe_ignored) ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &wanted->mask, nullptr);
}

[[noreturn]] void give_up(Report::Kind kind) {
  const Report report{kind, errno};
  // When even this fails, the end of the pipe says that the program is not there.
  static_cast<void>(::write(report_descriptor, &report, sizeof report));
  ::_exit(127);
}

[[noreturn]] void become(const Prepared& prepared) {
  const Program& program = prepared.program;
  if (program.place == Program::Place::own_group) ::setpgid(0, 0);
  if (program.place == Program::Place::own_session && !program.orphan) ::setsid();
  if (program.nice != 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + program.nice);
  ::dup3(prepared.report, report_descriptor, O_CLOEXEC);
  for (const auto& [number, source] : prepared.descriptors) ::dup2(source, number);
  if (!program.keep_others) {
    int next = STDERR_FILENO + 1;
    for (const auto& [number, source] : prepared.descriptors) next = std::max(next, number + 1);
    if (next < report_descriptor) ::close_range(static_cast<unsigned>(next), report_descriptor - 1, 0);
    ::close_range(first_free, ~0u, 0);
  }
  if (!program.folder.empty() && ::chdir(program.folder.c_str()) != 0) give_up(Report::Kind::no_folder);
  set_signals(program.signals);
  ::execve(program.path.c_str(), prepared.arguments.data(), prepared.environment.data());
  if (errno == ENOEXEC) ::execve(shell, prepared.script_arguments.data(), prepared.environment.data());
  give_up(Report::Kind::no_execution);
}

// The process in between ends at once, so the program has no parent that waits for it.
Result<std::int64_t> fork_orphan(const Prepared& prepared) {
  const pid_t between = ::fork();
  if (between < 0) return failed("making a process");
  if (between == 0) {
    if (prepared.program.place == Program::Place::own_session) ::setsid();
    const pid_t child = ::fork();
    if (child == 0) become(prepared);
    const Report report{Report::Kind::pid, child};
    const bool said = child > 0 && ::write(prepared.report, &report, sizeof report) == sizeof report;
    ::_exit(said ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return fail(ErrorCode::io_error, "no process could be made", "Raise the limit of processes (ulimit -u).");
}

Result<std::int64_t> fork_child(const Prepared& prepared) {
  const pid_t child = ::fork();
  if (child < 0) return failed("making a process");
  if (child == 0) become(prepared);
  // Here too, so that the group is there when this returns.
  if (prepared.program.place == Program::Place::own_group) ::setpgid(child, child);
  return child;
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
  std::optional<Report> failure;
};

Outcome read_reports(int descriptor) {
  Outcome outcome;
  while (true) {
    Report report{};
    const ssize_t got = ::read(descriptor, &report, sizeof report);  // never a part: writes this small to pipes are whole
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof report) return outcome;
    if (report.kind == Report::Kind::pid)
      outcome.pid = report.value;
    else
      outcome.failure = report;
  }
}

void reap(std::int64_t pid) {
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool is_executable_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::int64_t> spawn(const Program& program) {
  auto report = make_pipe();
  if (!report) return pass(report);
  auto say = above(report->write.get());
  if (!say) return pass(say);
  report->write.reset();

  std::vector<Descriptor> kept;
  std::vector<std::pair<int, int>> descriptors;
  const auto add = [&](int number, int source) -> Status {
    auto copy = above(source);
    if (!copy) return pass(copy);
    descriptors.emplace_back(number, copy->get());
    kept.push_back(std::move(*copy));
    return {};
  };
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return failed("opening /dev/null");
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    const bool named = std::ranges::any_of(program.descriptors, [number](const auto& entry) { return entry.first == number; });
    if (named) continue;
    if (auto added = add(number, null.get()); !added) return pass(added);
  }
  for (const auto& [number, source] : program.descriptors)
    if (auto added = add(number, source); !added) return pass(added);

  std::vector<std::string> script{shell, program.path};
  if (!program.arguments.empty()) script.insert(script.end(), program.arguments.begin() + 1, program.arguments.end());
  const Prepared prepared{program, pointers(program.arguments), pointers(script), pointers(program.environment), descriptors, say->get()};
  auto pid = program.orphan ? fork_orphan(prepared) : fork_child(prepared);
  if (!pid) return pid;
  say->reset();
  const Outcome outcome = read_reports(report->read.get());
  if (outcome.failure) {
    if (!program.orphan) reap(*pid);
    const bool folder = outcome.failure->kind == Report::Kind::no_folder;
    return std::unexpected(system_error(outcome.failure->value,
                                        fmt::format("{} {}", folder ? "entering" : "starting", folder ? program.folder : program.path)));
  }
  return program.orphan ? outcome.pid : *pid;
}

void set_variable(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
  std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(name + "="); });
  environment.push_back(name + "=" + value);
}

std::string_view variable_of(const std::vector<std::string>& environment, std::string_view name) {
  std::string_view found;
  for (const std::string_view entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') found = entry.substr(name.size() + 1);
  return found;
}

Result<std::string> find_program(std::string_view name, std::string_view path, const std::string& folder) {
  if (name.empty()) return fail(ErrorCode::file_not_found, "the command is empty");
  if (name.find('/') != std::string_view::npos) return std::string(name);
  bool forbidden = false;
  while (true) {
    const std::size_t end = path.find(':');
    const std::string_view entry = path.substr(0, end);
    const std::string found = join_path(entry.empty() ? "." : entry, name);
    const std::string from_here = found.starts_with('/') || folder.empty() ? found : join_path(folder, found);
    if (is_executable_file(from_here)) return found;
    forbidden = forbidden || ::access(from_here.c_str(), F_OK) == 0;
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  if (forbidden)
    return fail(ErrorCode::permission_denied, fmt::format("{} is there but may not be executed", name), "Give the right to (chmod +x).");
  return fail(ErrorCode::file_not_found, fmt::format("{} was not found in PATH", name), "Check the name, and PATH.");
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("making a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// By number: in Debian 12 the C library's header of these calls lacks C linkage.
Descriptor open_process(std::int64_t pid) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

bool signal_process(const Descriptor& process, int signal) {
  return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

}  // namespace telltale::base
