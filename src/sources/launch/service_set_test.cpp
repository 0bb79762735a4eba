// Services as real processes: order, readiness of each kind, failures, ends. Relays are this program (relay_keeper_test.cpp).
#include "sources/launch/service_set.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temp_directory.h"

namespace telltale::sources {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = config::Ready::Kind;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

// Writes down what happens, one text each.
class Diary final : public ServiceListener {
 public:
  void on_started(const std::string& service, std::int64_t pid) override {
    pids[service] = pid;
    lines.push_back("started " + service);
  }
  void on_ready(const std::string& service) override { lines.push_back("ready " + service); }
  void on_failed(const std::string& service, const ServiceFailure& failure) override {
    failures[service] = failure;
    lines.push_back("failed " + service);
  }
  void on_ended(const std::string& service, const ExitStatus& status, bool asked) override {
    lines.push_back(fmt::format("ended {} {}{}", service, status.text(), asked ? " asked" : ""));
  }
  std::vector<std::string> lines;
  std::map<std::string, std::int64_t> pids;
  std::map<std::string, ServiceFailure> failures;
};

std::uint16_t free_port() {
  const base::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

config::ServiceConfig shell(const std::string& name, const std::string& script, std::vector<std::string> after = {}) {
  config::ServiceConfig service;
  service.name = name;
  service.command = {"/bin/sh", "-c", script};
  service.after = std::move(after);
  return service;
}

config::ServiceConfig ready_by_line(config::ServiceConfig service, const std::string& line = "ready") {
  service.ready.kind = Kind::line;
  service.ready.line = line;
  return service;
}

class ServiceSetTest : public ::testing::Test {
 protected:
  ServiceSetTest() {
    std::signal(SIGPIPE, SIG_IGN);
    RelayKeeperOptions options{.run = "run-1", .host = "box", .name = "abc", .program = {}};
    options.program.path = "/proc/self/exe";
    options.program.arguments = {"relay"};
    options.program.environment = {"TELLTALE_TEST_RELAY=" + relays.path()};
    keeper = std::make_unique<RelayKeeper>(std::move(options), RelayKeeperPorts{loop, clock, [this](std::uint32_t stream) {
                                                                                  if (set != nullptr) set->on_ready_line(stream);
                                                                                }});
    EXPECT_TRUE(keeper->start());
  }
  ~ServiceSetTest() override {
    if (set != nullptr && !set->is_over()) end();
    set.reset();
    keeper->finish();
  }

  void start(const std::vector<config::ServiceConfig>& services, std::int64_t grace_ns = 300 * base::nanos_per_millisecond) {
    const auto redact = [](std::string_view text) {
      std::string out(text);
      if (const auto at = out.find("hunter2"); at != std::string::npos) out.replace(at, 7, "***");
      return out;
    };
    set = std::make_unique<ServiceSet>(services,
                                       ServiceSetOptions{.environment = {"PATH=/usr/bin:/bin", "GREETING=hello"}, .grace_ns = grace_ns},
                                       ServiceSetPorts{loop, clock, files, *keeper, redact, diary});
    set->start();
  }
  bool serve_until(const std::function<bool()>& done) { return loop.run_until(done, clock.mono() + long_time); }
  void start_and_settle(const std::vector<config::ServiceConfig>& services) {
    start(services);
    EXPECT_TRUE(serve_until([this] { return set->is_settled(); }));
  }
  void end() {
    set->end();
    EXPECT_TRUE(serve_until([this] { return set->is_over(); }));
  }
  std::string content(const std::string& name) {
    std::ifstream file(folder.path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool wait_for_file(const std::string& name) {
    return serve_until([&] {
      loop.after(base::nanos_per_millisecond, [] {});
      return std::filesystem::exists(folder.path(name));
    });
  }

  base::SystemClock clock;
  base::PosixFiles files;
  base::testing::TempDirectory folder;
  base::testing::TempDirectory relays;
  Loop loop{clock};
  Diary diary;
  std::unique_ptr<RelayKeeper> keeper;
  std::unique_ptr<ServiceSet> set;
};

TEST_F(ServiceSetTest, EachIsStartedAfterThoseItNeedsAreReadyAndEndedBeforeThem) {
  const std::string log = folder.path("order");
  const auto service = [&](const std::string& name, std::vector<std::string> after) {
    return ready_by_line(
        shell(name, fmt::format("trap 'echo -{0} >> {1}; exit 0' TERM; echo +{0} >> {1}; echo ready; sleep 100 & wait", name, log),
              std::move(after)));
  };
  start_and_settle({service("shop", {"payments"}), service("payments", {"ledger"}), service("ledger", {})});
  EXPECT_THAT(diary.lines,
              ElementsAre("started ledger", "ready ledger", "started payments", "ready payments", "started shop", "ready shop"));
  diary.lines.clear();
  end();
  EXPECT_EQ(content("order"), "+ledger\n+payments\n+shop\n-shop\n-payments\n-ledger\n");
  EXPECT_THAT(diary.lines,
              ElementsAre("ended shop exit code 0 asked", "ended payments exit code 0 asked", "ended ledger exit code 0 asked"));
}

TEST_F(ServiceSetTest, AProgramHasItsEnvironmentFolderAndNoInput) {
  auto service = shell("api", "read line && echo input > got; echo $GREETING $SECRET $(pwd) > got.new; mv got.new got; exec sleep 100");
  service.cwd = folder.path();
  service.env = {{"SECRET", config::Secret("s3cret")}, {"GREETING", config::Secret("hi")}};
  start_and_settle({service});
  ASSERT_TRUE(wait_for_file("got"));
  EXPECT_EQ(content("got"), "hi s3cret " + folder.path() + "\n");
}

TEST_F(ServiceSetTest, ALineOnStandardErrorOrInItsFilesMakesItReady) {
  std::ofstream(folder.path("old.log")) << "ready long ago\n";
  auto by_file = ready_by_line(shell("file", fmt::format("echo ready to go >> {}; exec sleep 100", folder.path("new.log"))), "ready to go");
  by_file.files = {folder.path("*.log")};
  auto stale = ready_by_line(shell("stale", "exec sleep 100"), "ready long ago");
  stale.files = {folder.path("old.log")};
  stale.ready_timeout_ns = 200 * base::nanos_per_millisecond;
  start_and_settle({ready_by_line(shell("error", "echo ready >&2; exec sleep 100")), by_file, stale});
  EXPECT_THAT(diary.lines, ::testing::IsSupersetOf({"ready error", "ready file", "failed stale"}));
  EXPECT_THAT(diary.failures["stale"].condition, AllOf(HasSubstr("was not ready within 200ms"), HasSubstr("'ready long ago'")));
}

TEST_F(ServiceSetTest, APortMakesItReady) {
  const auto port = free_port();
  auto service = shell("api", fmt::format("exec /usr/bin/python3 -m http.server --bind 127.0.0.1 {}", port));
  service.ready = {.kind = Kind::port, .line = {}, .port = port, .path = {}};
  start_and_settle({service});
  EXPECT_THAT(diary.lines, ElementsAre("started api", "ready api"));
}

TEST_F(ServiceSetTest, AnHttpAnswerMakesItReadyAndAnErrorDoesNot) {
  std::ofstream(folder.path("health")) << "good\n";
  const auto serve = [&](const std::string& name, const std::string& path) {
    const auto port = free_port();
    auto service = shell(name, fmt::format("exec /usr/bin/python3 -m http.server --bind 127.0.0.1 {}", port));
    service.cwd = folder.path();
    service.ready = {.kind = Kind::http, .line = {}, .port = port, .path = path};
    return service;
  };
  auto missing = serve("missing", "/nothing");
  missing.ready_timeout_ns = 3 * base::nanos_per_second;
  start_and_settle({serve("good", "/health"), missing});
  EXPECT_THAT(diary.lines, ::testing::IsSupersetOf({"ready good", "failed missing"}));
  EXPECT_THAT(diary.failures["missing"].condition, AllOf(HasSubstr("within 3s"), HasSubstr("/nothing"), HasSubstr("404")));
}

TEST_F(ServiceSetTest, WhoHasThePortAlreadyIsNotTakenForTheService) {
  const base::Descriptor other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(other.get(), 8), 0);
  ASSERT_EQ(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  auto service = shell("api", "exec sleep 100");
  service.ready = {.kind = Kind::port, .line = {}, .port = ntohs(address.sin_port), .path = {}};
  start_and_settle({service});
  EXPECT_THAT(diary.lines, ElementsAre("failed api"));
  EXPECT_THAT(diary.failures["api"].condition, HasSubstr("accepts connections on 127.0.0.1:"));
}

TEST_F(ServiceSetTest, OneThatEndsEarlyIsNamedWithItsLastLinesRedactedAndWhatNeedsItIsNotStarted) {
  start_and_settle({ready_by_line(shell("db", "echo opening; echo password hunter2 >&2; echo no luck; exit 3")),
                    shell("api", "exec sleep 100", {"db"}), shell("other", "exec sleep 100")});
  EXPECT_THAT(diary.lines, ::testing::UnorderedElementsAre("started db", "started other", "ready other", "ended db exit code 3",
                                                           "failed db", "failed api"));
  EXPECT_EQ(diary.failures["db"].condition, "ended with exit code 3 before it was ready");
  EXPECT_THAT(diary.failures["db"].lines, ::testing::UnorderedElementsAre("opening", "no luck", "password ***"));
  EXPECT_THAT(diary.failures["db"].text(), HasSubstr("; its last lines: "));
  EXPECT_THAT(diary.failures["api"].condition, HasSubstr("comes after 'db'"));
}

TEST_F(ServiceSetTest, WhatCannotBeStartedSaysWhy) {
  config::ServiceConfig missing;
  missing.name = "missing";
  missing.command = {"no-such-program", "s3cret"};
  auto homeless = shell("homeless", "exit 0");
  homeless.cwd = folder.path("nowhere");
  start_and_settle({missing, homeless});
  EXPECT_THAT(diary.failures["missing"].condition,
              AllOf(HasSubstr("no-such-program was not found in PATH"), ::testing::Not(HasSubstr("s3cret"))));
  EXPECT_THAT(diary.failures["homeless"].condition, HasSubstr("nowhere (cwd) is not there"));
}

TEST_F(ServiceSetTest, AnEndThatNobodyAskedForIsTold) {
  start_and_settle({ready_by_line(shell("api", fmt::format("echo ready; until [ -e {} ]; do sleep 0.01; done", folder.path("go"))))});
  std::ofstream(folder.path("go")) << "now\n";
  EXPECT_TRUE(serve_until([this] { return diary.lines.size() == 3; }));
  EXPECT_EQ(diary.lines.back(), "ended api exit code 0");
}

TEST_F(ServiceSetTest, WholeGroupsEndAlsoWhatDoesNotListen) {
  const auto script = fmt::format(
      "trap '' TERM; (trap '' TERM; echo $(sh -c 'echo $PPID') > {0}; mv {0} {1}; while :; do sleep 100; done) & echo ready; wait",
      folder.path("x"), folder.path("grandchild"));
  start_and_settle({ready_by_line(shell("api", script))});
  ASSERT_TRUE(wait_for_file("grandchild"));
  const pid_t grandchild = std::stoi(content("grandchild"));
  ASSERT_EQ(::kill(grandchild, 0), 0);
  end();
  EXPECT_THAT(diary.lines.back(), "ended api signal 9 (SIGKILL) asked");
  EXPECT_NE(::kill(static_cast<pid_t>(-diary.pids["api"]), 0), 0) << "nobody of its group is left";
}

TEST_F(ServiceSetTest, AGrandchildIsEndedAlsoWhenItsServiceHasEndedBefore) {
  start_and_settle(
      {ready_by_line(shell("api", fmt::format("sleep 100 & echo ready; until [ -e {} ]; do sleep 0.01; done", folder.path("go"))))});
  std::ofstream(folder.path("go")) << "now\n";
  EXPECT_TRUE(serve_until([this] { return diary.lines.back().starts_with("ended"); }));
  ASSERT_EQ(::kill(static_cast<pid_t>(-diary.pids["api"]), 0), 0) << "the sleeping one is there";
  end();
  EXPECT_NE(::kill(static_cast<pid_t>(-diary.pids["api"]), 0), 0);
}

TEST_F(ServiceSetTest, KillDoesNotWait) {
  start({ready_by_line(shell("api", "trap '' TERM; echo ready; while :; do sleep 100 & wait; done"))}, 3600 * base::nanos_per_second);
  EXPECT_TRUE(serve_until([this] { return set->is_settled(); }));
  set->end();
  set->kill();
  EXPECT_TRUE(serve_until([this] { return set->is_over(); }));
  EXPECT_EQ(diary.lines.back(), "ended api signal 9 (SIGKILL) asked");
}

TEST_F(ServiceSetTest, ItCanBeEndedWhileItStarts) {
  auto slow = ready_by_line(shell("slow", "exec sleep 100"));
  start({slow, shell("after", "exec sleep 100", {"slow"})});
  end();
  EXPECT_THAT(diary.lines, ElementsAre("started slow", "ended slow signal 15 (SIGTERM) asked"));
}

}  // namespace
}  // namespace telltale::sources
