// Relays as processes of their own: this program, started with TELLTALE_TEST_RELAY.
#include "sources/launch/relay_keeper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"
#include "sources/relay/relay.h"

namespace telltale::sources {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

// TELLTALE_TEST_RELAY names a folder where each relay leaves a file called by its pid; "die": it ends at once.
bool run_as_relay() {
  const char* folder = std::getenv("TELLTALE_TEST_RELAY");
  if (folder == nullptr) return false;
  if (std::string_view(folder) == "die") ::_exit(3);
  std::signal(SIGPIPE, SIG_IGN);
  std::ofstream(std::string(folder) + "/" + std::to_string(::getpid())) << "relay\n";
  base::SystemClock clock;
  const auto no_engine = [](bool) -> base::Result<EngineTarget> { return base::fail(base::ErrorCode::engine_not_found, "no engine"); };
  RelayOptions options{.relay = "test", .linger_ns = 0, .grace_ns = 200 * base::nanos_per_millisecond};
  const auto done = Relay(options, RelayPorts{clock, no_engine}, ControlChannel(base::Descriptor(relay_control_descriptor))).run();
  ::_exit(done ? 0 : 1);
}
[[maybe_unused]] const bool is_relay = run_as_relay();

class RelayKeeperTest : public ::testing::Test {
 protected:
  RelayKeeperTest() { std::signal(SIGPIPE, SIG_IGN); }
  ~RelayKeeperTest() override {
    if (keeper != nullptr) keeper->finish();
  }

  void start(const std::string& relay) {
    RelayKeeperOptions options{.run = "run-1", .host = "box", .name = "abc", .program = {}, .most_deaths = 3};
    options.program.path = "/proc/self/exe";
    options.program.arguments = {"relay"};
    options.program.environment = {"TELLTALE_TEST_RELAY=" + relay};
    keeper = std::make_unique<RelayKeeper>(std::move(options),
                                           RelayKeeperPorts{loop, clock, [this](std::uint32_t stream) { ready.push_back(stream); }});
    EXPECT_TRUE(keeper->start());
  }
  void start() { start(folder.path()); }
  RelayKeeper::Writer add(const std::string& stream, int through = -1) {
    auto writer = keeper->add({"api", stream, "service", "listening on"}, through);
    EXPECT_TRUE(writer);
    return std::move(*writer);
  }
  static void write(const base::Descriptor& to, std::string_view text) {
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  bool serve_until(const std::function<bool()>& done) { return loop.run_until(done, clock.mono() + long_time); }
  DrainReport pass_on() {
    std::optional<DrainReport> report;
    keeper->drain(RelayKeeper::Goal::passed_on, long_time, [&](const DrainReport& answer) { report = answer; });
    EXPECT_TRUE(serve_until([&] { return report.has_value(); }));
    return report.value_or(DrainReport());
  }
  std::vector<std::string> tail() {
    std::optional<std::vector<std::string>> lines;
    keeper->tail("api", [&](std::vector<std::string> answer) { lines = std::move(answer); });
    EXPECT_TRUE(serve_until([&] { return lines.has_value(); }));
    return lines.value_or(std::vector<std::string>());
  }
  // The relays that were started so far, when there are `count`.
  std::set<std::string> relays(std::size_t count) {
    std::set<std::string> pids;
    const auto look = [&] {
      for (const auto& entry : std::filesystem::directory_iterator(folder.path())) pids.insert(entry.path().filename());
      loop.after(base::nanos_per_millisecond, [] {});
      return pids.size() >= count;
    };
    EXPECT_TRUE(serve_until(look)) << pids.size();
    return pids;
  }
  static std::string read_some(const base::Descriptor& from) {
    std::string text(4096, '\0');
    const ssize_t got = ::read(from.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

  base::SystemClock clock;
  base::testing::TempDirectory folder;
  Loop loop{clock};
  std::vector<std::uint32_t> ready;
  std::unique_ptr<RelayKeeper> keeper;
};

TEST_F(RelayKeeperTest, WhatAProgramWritesIsPassedOnAndItsLastLinesAreKept) {
  start();
  auto terminal = base::make_pipe().value();
  const auto out = add("stdout", terminal.write.get());
  write(out.pipe, "one\nlistening on 80\ntwo\n");
  EXPECT_TRUE(pass_on().done);
  EXPECT_EQ(read_some(terminal.read), "one\nlistening on 80\ntwo\n");
  EXPECT_THAT(ready, ElementsAre(out.number));
  EXPECT_THAT(tail(), ElementsAre("one", "listening on 80", "two"));
  EXPECT_FALSE(keeper->is_connected());
  EXPECT_TRUE(serve_until([this] { return keeper->trouble() == "no engine"; }));
}

TEST_F(RelayKeeperTest, ARelayThatIsKilledIsReplacedAndProgramsSeeNothingOfIt) {
  start();
  auto terminal = base::make_pipe().value();
  const auto out = add("stdout", terminal.write.get());
  std::set<std::string> seen;
  for (int round = 0; round < 2; ++round) {
    write(out.pipe, "before\n");
    EXPECT_TRUE(pass_on().done);
    EXPECT_EQ(read_some(terminal.read), "before\n");
    const auto all = relays(seen.size() + 1);
    for (const auto& pid : all)
      if (!seen.contains(pid)) ASSERT_EQ(::kill(std::stoi(pid), SIGKILL), 0);
    seen = all;
    write(out.pipe, "after\n");
    EXPECT_EQ(relays(seen.size() + 1).size(), seen.size() + 1);
    EXPECT_TRUE(pass_on().done);
    EXPECT_EQ(read_some(terminal.read), "after\n");
  }
}

TEST_F(RelayKeeperTest, WhenRelaysKeepDyingPipesAreReadHere) {
  start("die");
  auto terminal = base::make_pipe().value();
  const auto out = add("stdout", terminal.write.get());
  // More than a pipe holds: a program would wait for ever if nobody read.
  base::Program program{
      .path = "/bin/sh",
      .arguments = {"sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo listening on 80 >&2"},
      .environment = {},
      .folder = {},
      .descriptors = {{STDOUT_FILENO, out.pipe.get()}},
      .signals = {}};
  auto errors = add("stderr");
  program.descriptors.emplace_back(STDERR_FILENO, errors.pipe.get());
  const auto pid = base::spawn(program).value();
  errors.pipe.reset();
  std::string passed;
  loop.watch(terminal.read.get(), [&] { passed += read_some(terminal.read); });
  EXPECT_TRUE(serve_until([&] { return passed.ends_with("line 19999\n") && keeper->has_ended(errors.number); }));
  loop.unwatch(terminal.read.get());
  EXPECT_THAT(ready, ElementsAre(errors.number));
  EXPECT_TRUE(pass_on().done);
  EXPECT_THAT(tail(), Contains("line 19999"));
  EXPECT_FALSE(keeper->drain_all(long_time, long_time, [] { return false; }).done) << "nothing is stored";
  EXPECT_EQ(::waitpid(static_cast<pid_t>(pid), nullptr, 0), pid);
}

TEST_F(RelayKeeperTest, AClosedOutputIsSeenByTheProgram) {
  for (const std::string& relay : {folder.path(), std::string("die")}) {
    start(relay);
    auto terminal = base::make_pipe().value();
    const auto out = add("stdout", terminal.write.get());
    terminal.read.reset();
    write(out.pipe, "nobody reads\n");
    const auto is_closed = [&] {
      loop.after(base::nanos_per_millisecond, [] {});
      return ::write(out.pipe.get(), "x", 1) < 0 && errno == EPIPE;
    };
    EXPECT_TRUE(serve_until(is_closed)) << relay;
    keeper->finish();
    keeper.reset();
  }
}

TEST_F(RelayKeeperTest, GroupsEndWhenTheirStarterIsGone) {
  start();
  base::Program stubborn{.path = "/bin/sh",
                         .arguments = {"sh", "-c", "trap '' TERM; while :; do sleep 100 & wait; done"},
                         .environment = {},
                         .folder = {},
                         .descriptors = {},
                         .signals = {}};
  const auto ended = base::spawn(stubborn).value();
  const auto released = base::spawn(stubborn).value();
  keeper->hold_group(ended);
  keeper->hold_group(released);
  keeper->release_group(released);
  relays(1);
  keeper.reset();  // without finish(), as when it is killed
  int status = 0;
  ASSERT_EQ(::waitpid(static_cast<pid_t>(ended), &status, 0), ended);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(::waitpid(static_cast<pid_t>(released), &status, WNOHANG), 0) << "it runs on";
  ::kill(static_cast<pid_t>(-released), SIGKILL);
  ASSERT_EQ(::waitpid(static_cast<pid_t>(released), &status, 0), released);
}

TEST_F(RelayKeeperTest, SaysWhenThereAreTooManyStreams) {
  start();
  for (std::uint32_t i = 0; i < Progress::most_streams; ++i) ASSERT_TRUE(keeper->add({"api", "stdout", "service"}));
  const auto refused = keeper->add({"api", "stdout", "service"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace telltale::sources
