#include "base/spawn.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"

namespace telltale::base {
namespace {

std::string read_all(int fd) {
  std::string all;
  char piece[256];
  for (ssize_t got = 0; (got = ::read(fd, piece, sizeof piece)) > 0;) all.append(piece, static_cast<std::size_t>(got));
  return all;
}

class Spawn : public ::testing::Test {
 protected:
  // Runs a shell script with its standard output in a pipe; what it wrote there.
  std::string run(const std::string& script) {
    program.path = "/bin/sh";
    program.arguments = {"sh", "-c", script};
    return run_program();
  }
  std::string run_program() {
    auto pipe = make_pipe();
    program.descriptors = {{STDOUT_FILENO, pipe->write.get()}};
    const auto started = spawn(program);
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().cause);
    pid = started.value_or(0);
    pipe->write.reset();
    const std::string text = read_all(pipe->read.get());
    if (started && !program.orphan) EXPECT_EQ(::waitpid(static_cast<pid_t>(pid), &status, 0), pid);
    return text;
  }

  testing::TempDirectory folder;
  Program program;
  std::int64_t pid = 0;
  int status = 0;
};

TEST_F(Spawn, GivesArgumentsEnvironmentAndFolder) {
  program.environment = {"GREETING=hello"};
  program.folder = folder.path("");
  EXPECT_EQ(run("echo $GREETING $0; pwd; env | grep -c ="), "hello sh\n" + folder.path("") + "\n2\n");
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Spawn, TheExitStatusIsTheProgramsOwn) {
  run("exit 7");
  EXPECT_EQ(WEXITSTATUS(status), 7);
  run("kill -9 $$");
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(Spawn, WhatIsNotNamedIsNullAndNothingElseIsOpen) {
  Pipe other = *make_pipe();
  ASSERT_EQ(::fcntl(other.write.get(), F_SETFD, 0), 0);  // as a descriptor that was inherited
  EXPECT_EQ(run("readlink /proc/self/fd/0 /proc/self/fd/2; ls /proc/self/fd | tr '\\n' ' '"), "/dev/null\n/dev/null\n0 1 2 3 ")
      << "3 is ls's own";
  program.keep_others = true;
  const std::string numbers = run("ls /proc/self/fd");
  EXPECT_NE(numbers.find("\n" + std::to_string(other.write.get()) + "\n"), std::string::npos) << numbers;
}

TEST_F(Spawn, StandsWhereItIsToldTo) {
  const std::string own = std::to_string(::getpgrp());
  program.place = Program::Place::own_group;
  EXPECT_EQ(run("cut -d' ' -f5 /proc/$$/stat"), std::to_string(pid) + "\n");
  program.place = Program::Place::same_group;
  EXPECT_EQ(run("cut -d' ' -f5 /proc/$$/stat"), own + "\n");
  program.place = Program::Place::own_session;
  EXPECT_EQ(run("cut -d' ' -f6 /proc/$$/stat"), std::to_string(pid) + "\n");
}

// What this thread has blocked or ignored, as the kernel says it: 16 hexadecimal digits.
std::string own_signals(const std::string& name) {
  std::ifstream file("/proc/thread-self/status");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(name)) return line.substr(line.size() - 16);
  return "";
}

// A signal is ignored while this lives; by the system call, because the C library refuses its own.
class Ignored {
 public:
  explicit Ignored(int number) : signal(number) {
    std::array<std::uint64_t, 8> ignore{reinterpret_cast<std::uintptr_t>(SIG_IGN)};
    EXPECT_EQ(::syscall(SYS_rt_sigaction, signal, ignore.data(), before.data(), sizeof(std::uint64_t)), 0) << signal;
  }
  ~Ignored() { ::syscall(SYS_rt_sigaction, signal, before.data(), nullptr, sizeof(std::uint64_t)); }
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;

 private:
  int signal;
  std::array<std::uint64_t, 8> before{};
};

// Signals that are blocked while this lives, beside those that were before.
class Blocked {
 public:
  explicit Blocked(int signal) {
    sigset_t more{};
    sigaddset(&more, signal);
    ::sigprocmask(SIG_BLOCK, &more, &before);
  }
  ~Blocked() { ::sigprocmask(SIG_SETMASK, &before, nullptr); }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

 private:
  sigset_t before{};
};

constexpr const char* shown_signals = "grep -E 'SigBlk|SigIgn' /proc/$$/status | tr -s '\\t\\n' '  '";
constexpr int library_signal = 32;  // the C library's own

std::uint64_t bit_of(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

TEST_F(Spawn, SignalsAreAsInANewProcess) {
  const Ignored interrupt(SIGINT), pipe(SIGPIPE), own(library_signal), next(library_signal + 1);
  const Blocked blocked(SIGTERM);
  EXPECT_NE(own_signals("SigIgn"), "0000000000000000");
  EXPECT_NE(own_signals("SigBlk"), "0000000000000000");
  EXPECT_EQ(run(shown_signals), "SigBlk: 0000000000000000 SigIgn: 0000000000000000 ");
}

TEST_F(Spawn, SignalsAreAsToldAndOtherwiseAsHere) {
  const Ignored interrupt(SIGINT), pipe(SIGPIPE);
  const Blocked blocked(SIGTERM);
  program.signals = SignalSettings{.pipe_ignored = true};
  sigaddset(&program.signals->mask, SIGUSR2);
  EXPECT_EQ(run(shown_signals), fmt::format("SigBlk: {:016x} SigIgn: {} ", bit_of(SIGUSR2), own_signals("SigIgn")));
  program.signals->pipe_ignored = false;
  const std::uint64_t others = std::stoull(own_signals("SigIgn"), nullptr, 16) & ~bit_of(SIGPIPE);
  EXPECT_EQ(run(shown_signals), fmt::format("SigBlk: {:016x} SigIgn: {:016x} ", bit_of(SIGUSR2), others));
}

TEST_F(Spawn, AnOrphanIsNobodysChild) {
  program.orphan = true;
  const std::string text = run("echo $$ $PPID");
  EXPECT_EQ(text.substr(0, text.find(' ')), std::to_string(pid));
  EXPECT_NE(text.substr(text.find(' ') + 1), std::to_string(::getpid()) + "\n");
}

TEST_F(Spawn, AScriptWithoutAnInterpreterIsTheShells) {
  const std::string path = folder.path("script");
  std::ofstream(path) << "echo from $1\n";
  ASSERT_EQ(::chmod(path.c_str(), 0700), 0);
  program.path = path;
  program.arguments = {"script", "here"};
  EXPECT_EQ(run_program(), "from here\n");
}

TEST_F(Spawn, SaysWhatCannotBeDone) {
  program.path = folder.path("nothing");
  program.arguments = {"nothing"};
  auto missing = spawn(program);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::file_not_found);
  EXPECT_NE(missing.error().cause.find("nothing"), std::string::npos);
  program.path = "/bin/true";
  program.folder = folder.path("no folder");
  auto nowhere = spawn(program);
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().cause.find("no folder"), std::string::npos);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

TEST_F(Spawn, ProgramsAreFoundAsAShellDoes) {
  std::ofstream(folder.path("tool")) << "";
  ASSERT_EQ(::chmod(folder.path("tool").c_str(), 0700), 0);
  const std::string here = folder.path("");
  EXPECT_EQ(find_program("tool", "/nowhere:" + here, "").value(), folder.path("tool"));
  EXPECT_EQ(find_program("tool", "", here).value(), "./tool");
  EXPECT_EQ(find_program("./a/b", "/bin", "").value(), "./a/b");
  EXPECT_EQ(find_program("toool", "/bin", "").error().code, ErrorCode::file_not_found);
  EXPECT_EQ(find_program("", "/bin", "").error().code, ErrorCode::file_not_found);
  std::ofstream(folder.path("text")) << "";
  EXPECT_EQ(find_program("text", here, "").error().code, ErrorCode::permission_denied);
}

TEST_F(Spawn, AProcessIsKnownByItsDescriptor) {
  program.path = "/bin/sh";
  program.arguments = {"sh", "-c", "sleep 100"};
  const auto started = spawn(program);
  ASSERT_TRUE(started);
  const Descriptor process = open_process(*started);
  EXPECT_TRUE(signal_process(process, SIGKILL));
  EXPECT_EQ(::waitpid(static_cast<pid_t>(*started), &status, 0), *started);
  EXPECT_FALSE(signal_process(process, SIGKILL));
  EXPECT_FALSE(open_process(*started).valid());
}

TEST(Environment, AVariableIsReplacedOrAddedAndTheLastOneCounts) {
  std::vector<std::string> environment{"PATH=/one", "PATHS=x", "PATH=/two"};
  EXPECT_EQ(variable_of(environment, "PATH"), "/two");
  EXPECT_EQ(variable_of(environment, "PAT"), "");
  set_variable(environment, "PATH", "/three");
  set_variable(environment, "NEW", "");
  EXPECT_EQ(environment, (std::vector<std::string>{"PATHS=x", "PATH=/three", "NEW="}));
}

}  // namespace
}  // namespace telltale::base
