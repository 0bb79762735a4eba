// What the application knows of connections: which request came on which, and when one has ended; and pipelining.
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/testing/raw_socket.h"
#include "net/testing/test_server.h"

namespace telltale::net {
namespace {

using testing::RawSocket;
using testing::TestServer;

std::string get(std::string_view path, std::string_view more_headers = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, more_headers);
}

std::string post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", path, body.size(), body);
}

// What a server told its application, in order: "PATH@N" for a request of connection N, "closed@N". Waits end after 20 s.
class Told {
 public:
  explicit Told(TestServer& server) {
    server.on_request = [this](Request request, Responder respond) {
      add(fmt::format("{}@{}", request.path, request.connection));
      respond(Response{200, "text/plain", std::to_string(request.connection), {}, request.path == "/kept"});
    };
    server.on_connection_closed = [this](std::uint64_t connection) { add(fmt::format("closed@{}", connection)); };
  }
  void add(std::string what) {
    base::MutexLock lock(mutex_);
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  bool wait_for(const std::string& what) {
    const base::MonoNanos end = base::SystemClock().mono() + 20 * base::nanos_per_second;
    base::MutexLock lock(mutex_);
    while (std::find(all_.begin(), all_.end(), what) == all_.end()) {
      const std::int64_t left = end - base::SystemClock().mono();
      if (left <= 0) return false;
      changed_.wait_for(mutex_, std::chrono::nanoseconds(left));
    }
    return true;
  }
  std::vector<std::string> all() {
    base::MutexLock lock(mutex_);
    return all_;
  }
  std::ptrdiff_t count(const std::string& what) {
    const std::vector<std::string> seen = all();
    return std::count(seen.begin(), seen.end(), what);
  }

 private:
  base::Mutex mutex_;
  base::Condition changed_;
  std::vector<std::string> all_ TT_GUARDED_BY(mutex_);
};

ServerLimits short_idle() {
  ServerLimits limits;
  limits.idle_timeout_ns = 300 * base::nanos_per_millisecond;
  return limits;
}

TEST(ServerConnection, EachHasItsOwnNumber) {
  TestServer server;
  TestServer other;
  std::set<std::string> numbers;
  Told told(server);
  Told told_other(other);
  for (TestServer* one : {&server, &other}) {
    for (int i = 0; i < 3; ++i) {
      RawSocket client(one->port());
      client.send(get("/a") + get("/b"));
      const std::string number = client.read_response().body;
      EXPECT_EQ(client.read_response().body, number);
      EXPECT_TRUE(numbers.insert(number).second) << number;
    }
  }
  server.stop();
  other.stop();
}

TEST(ServerConnection, TheApplicationIsToldOnceThatOneEnded) {
  TestServer server(short_idle());
  Told told(server);
  const auto number_after = [&](RawSocket& client, const std::string& request) {
    client.send(request);
    return client.read_response().body;
  };
  std::vector<std::string> ended;
  {
    RawSocket closed(server.port());
    ended.push_back(number_after(closed, get("/closed")));
  }
  RawSocket half(server.port());
  ended.push_back(number_after(half, get("/half")));
  half.shut_write();
  RawSocket reset(server.port());
  ended.push_back(number_after(reset, get("/reset")));
  reset.reset();
  RawSocket asked(server.port());
  ended.push_back(number_after(asked, get("/asked", "Connection: close\r\n")));
  RawSocket malformed(server.port());
  ended.push_back(number_after(malformed, get("/malformed")));
  malformed.send("nonsense\r\n\r\n");
  RawSocket idle(server.port());
  ended.push_back(number_after(idle, get("/idle")));
  RawSocket upgraded(server.port());
  ended.push_back(number_after(upgraded, get("/upgraded")));
  upgraded.send(testing::upgrade_request());
  for (const std::string& number : ended) EXPECT_TRUE(told.wait_for("closed@" + number)) << number;
  server.stop();
  for (const std::string& number : ended) EXPECT_EQ(told.count("closed@" + number), 1) << number;
}

TEST(ServerConnection, OneThatAskedNothingIsNotSpokenOf) {
  TestServer server;
  Told told(server);
  {
    RawSocket silent(server.port());
  }
  RawSocket client(server.port());
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 400);
  client.shut_write();
  EXPECT_TRUE(client.ends_silently());
  server.stop();
  EXPECT_TRUE(told.all().empty());
}

TEST(ServerConnection, StoppingIsNotTheClientsDoing) {
  TestServer server;
  Told told(server);
  RawSocket client(server.port());
  client.send(get("/"));
  client.read_response();
  server.stop();
  EXPECT_TRUE(client.ends_silently());
  EXPECT_EQ(told.all().size(), 1U);
}

TEST(ServerConnection, StaysOpenWhileIdleWhenTheAnswerSaidSo) {
  TestServer server(short_idle());
  Told told(server);
  RawSocket kept(server.port());
  kept.send(get("/kept"));
  const std::string number = kept.read_response().body;
  // Several others come, are idle for longer than they may, and go.
  for (int i = 0; i < 3; ++i) {
    RawSocket other(server.port());
    other.send(get("/other"));
    EXPECT_EQ(other.read_response().status, 200);
    EXPECT_TRUE(other.ends_silently());
  }
  EXPECT_EQ(told.count("closed@" + number), 0);
  kept.send(get("/ordinary"));
  EXPECT_EQ(kept.read_response().body, number);
  RawSocket other(server.port());
  other.send(get("/other"));
  EXPECT_EQ(other.read_response().status, 200);
  EXPECT_TRUE(other.ends_silently());
  EXPECT_EQ(told.count("closed@" + number), 0);
  kept.shut_write();
  EXPECT_TRUE(told.wait_for("closed@" + number));
  server.stop();
}

// The line of /proc/net/tcp for the server's side of the only connection; its sixth column says which timer runs (Linux, proc(5)).
std::string timer_of_connection_to(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  const std::string local = fmt::format("0100007F:{:04X}", port);
  std::string slot;
  std::string from;
  std::string to;
  std::string state;
  std::string queues;
  std::string timer;
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    columns >> slot >> from >> to >> state >> queues >> timer;
    if (from == local && state == "01") return timer.substr(0, 2);
  }
  return {};
}

TEST(ServerConnection, AnIdleOneIsProbed) {
  if (::access("/proc/net/tcp", R_OK) != 0) GTEST_SKIP() << "there is no /proc/net/tcp here";
  TestServer server;
  RawSocket client(server.port());
  client.send(get("/"));
  EXPECT_EQ(client.read_response().status, 200);
  // 02: keep-alive. For a moment it is the timer of the answer's acknowledgement.
  const base::MonoNanos end = base::SystemClock().mono() + 20 * base::nanos_per_second;
  while (timer_of_connection_to(server.port()) != "02" && base::SystemClock().mono() < end) std::this_thread::yield();
  EXPECT_EQ(timer_of_connection_to(server.port()), "02");
}

// Who was gone before its connection was accepted: a test runner that crashed while the machine was busy.
TEST(ServerConnection, OneThatWasResetBeforeItWasAcceptedComesFromWhereItCame) {
  TestServer server;
  Told told(server);
  base::Mutex mutex;
  base::Condition changed;
  bool busy = false;
  bool may_go_on = false;
  std::string remote;
  server.on_request = [&](const Request& request, const Responder& respond) {
    base::MutexLock lock(mutex);
    if (request.path == "/last-words") {
      remote = request.remote;
    } else {
      busy = true;
      changed.notify_all();
      while (!may_go_on) changed.wait(mutex);  // the one thread that accepts
    }
    told.add(request.path);
    respond(Response{});
  };
  RawSocket first(server.port());
  first.send(get("/first"));
  {
    base::MutexLock lock(mutex);
    while (!busy) changed.wait(mutex);
  }
  RawSocket crashed(server.port());
  crashed.send(get("/last-words"));
  crashed.reset();
  {
    base::MutexLock lock(mutex);
    may_go_on = true;
  }
  changed.notify_all();
  ASSERT_TRUE(told.wait_for("/last-words"));
  server.stop();
  EXPECT_TRUE(remote.starts_with("127.0.0.1:")) << remote;
}

TEST(Pipelining, ThousandsOfRequestsWrittenAtOnceAreAnsweredInOrder) {
  constexpr int count = 5000;
  TestServer server;
  base::Mutex mutex;
  base::Condition changed;
  std::vector<std::pair<std::string, Responder>> waiting;
  bool over = false;
  server.on_request = [&](Request request, Responder respond) {
    base::MutexLock lock(mutex);
    waiting.emplace_back(request.path + " " + request.body, std::move(respond));
    changed.notify_all();
  };
  // Answers come from several threads, early ones later than late ones.
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      base::MutexLock lock(mutex);
      while (true) {
        while (waiting.empty() && !over) changed.wait(mutex);
        if (waiting.empty()) return;
        auto [text, respond] = std::move(waiting.back());
        waiting.pop_back();
        mutex.unlock();
        respond(Response{200, "text/plain", text, {}});
        mutex.lock();
      }
    });
  }
  RawSocket client(server.port());
  std::string requests;
  for (int i = 0; i < count; ++i) requests += post(fmt::format("/{}", i), std::string(static_cast<std::size_t>(i % 700), 'x'));
  std::jthread writer([&] { client.send(requests); });
  bool equal = true;
  for (int i = 0; i < count && equal; ++i) {
    const std::string body = client.read_response().body;
    const std::string expected = fmt::format("/{} {}", i, std::string(static_cast<std::size_t>(i % 700), 'x'));
    EXPECT_EQ(body, expected);
    equal = body == expected;
  }
  server.stop();
  {
    base::MutexLock lock(mutex);
    over = true;
  }
  changed.notify_all();
}

TEST(Pipelining, WhatACrashedClientHadWrittenIsStillHandled) {
  constexpr int count = 500;
  TestServer server;
  Told told(server);
  base::Mutex mutex;
  base::Condition changed;
  std::vector<Responder> first;
  std::string number;
  server.on_request = [&](Request request, Responder respond) {
    told.add(request.path);
    if (request.path != "/0") return respond(Response{});
    base::MutexLock lock(mutex);
    number = std::to_string(request.connection);
    first.push_back(std::move(respond));
    changed.notify_all();
  };
  RawSocket client(server.port());
  std::string requests;
  for (int i = 0; i < count; ++i) requests += post(fmt::format("/{}", i), "event");
  client.send(requests + post("/last", ""));
  {
    base::MutexLock lock(mutex);
    while (first.empty()) changed.wait(mutex);
  }
  client.reset();
  first.front()(Response{});  // nobody is there to read it
  ASSERT_TRUE(told.wait_for("closed@" + number));
  server.stop();
  std::vector<std::string> expected;
  for (int i = 0; i < count; ++i) expected.push_back(fmt::format("/{}", i));
  expected.insert(expected.end(), {"/last", "closed@" + number});
  EXPECT_EQ(told.all(), expected);
}

}  // namespace
}  // namespace telltale::net
