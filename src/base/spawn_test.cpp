#include "base/spawn.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

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
    program.descriptors.emplace_back(STDOUT_FILENO, pipe->write.get());
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

TEST_F(Spawn, SignalsAreAsInANewProcessUnlessToldOtherwise) {
  auto* before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &old);
  const auto masks = [this] { return run("grep -E 'SigBlk|SigIgn' /proc/$$/status | tr -s '\\t\\n' '  '"); };
  EXPECT_EQ(masks(), "SigBlk: 0000000000000000 SigIgn: 0000000000000000 ");
  program.signals = SignalSettings{.mask = old, .pipe_ignored = true};
  EXPECT_EQ(masks(), "SigBlk: 0000000000000000 SigIgn: 0000000000001000 ");
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGPIPE, before);
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

}  // namespace
}  // namespace telltale::base
