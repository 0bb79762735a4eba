// A whole relay against a whole process source over loopback: what programs write arrives once, whatever dies in between, or is a gap.
#include "sources/relay/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/spawn.h"
#include "net/testing/test_server.h"
#include "record/gap.h"
#include "sources/process/process_position.h"
#include "sources/process/process_source.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = ControlMessage::Kind;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

// Pipeline and store in one. While it holds, nothing is committed; what was not committed is gone with kill().
class Store final : public record::BlockSink, public record::BatchSink {
 public:
  struct Kept {
    std::string text;
    std::optional<record::Gap> gap;
    std::optional<record::Position> position;
  };

  record::PushOutcome try_push(record::RawBlock& block) override {
    take({block.bytes, {}, block.position});
    block = {};
    return record::PushOutcome::accepted;
  }
  void on_space(const record::StreamId&, std::function<void()> callback) override { callback(); }
  record::PushOutcome try_push(record::Batch& batch) override {
    take({{}, record::read_gap(batch, batch.records[0]), batch.position});
    batch = {};
    return record::PushOutcome::accepted;
  }
  void on_space(std::function<void()> callback) override { callback(); }

  void listen(record::CommitListener* listener) {
    base::MutexLock lock(mutex_);
    listener_ = listener;
  }
  void hold(bool holds) {
    base::MutexLock lock(mutex_);
    holds_ = holds;
    commit();
  }
  // The oldest, although it holds.
  bool commit_one() {
    base::MutexLock lock(mutex_);
    for (int i = 0; pending_.empty() && i < 300; ++i) changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    if (pending_.empty()) return false;
    std::vector<Kept> later(std::make_move_iterator(pending_.begin() + 1), std::make_move_iterator(pending_.end()));
    pending_.resize(1);
    const bool holds = std::exchange(holds_, false);
    commit();
    holds_ = holds;
    pending_ = std::move(later);
    return true;
  }
  void kill() {
    base::MutexLock lock(mutex_);
    pending_.clear();
    listener_ = nullptr;
  }
  std::string text() {
    base::MutexLock lock(mutex_);
    return text_;
  }
  std::vector<record::Gap> gaps() {
    base::MutexLock lock(mutex_);
    return gaps_;
  }
  std::vector<record::Position> positions() {
    base::MutexLock lock(mutex_);
    std::vector<record::Position> all;
    for (const auto& [key, value] : positions_) all.push_back({key, value});
    return all;
  }
  bool wait_for(const std::function<bool(const std::string&)>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(long_time);
    base::MutexLock lock(mutex_);
    while (!reached(text_)) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    }
    return true;
  }

 private:
  void take(Kept kept) TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    pending_.push_back(std::move(kept));
    commit();
  }
  void commit() TT_REQUIRES(mutex_) {
    if (holds_) return;
    for (auto& kept : pending_) {
      text_ += kept.text;
      if (kept.gap) gaps_.push_back(*kept.gap);
      if (kept.position->value.empty()) positions_.erase(kept.position->key);
      if (!kept.position->value.empty()) positions_[kept.position->key] = kept.position->value;
      if (listener_ == nullptr) continue;
      // As the store does.
      if (kept.text.empty() && !kept.gap) {
        listener_->on_position(*kept.position);
        continue;
      }
      auto committed = std::make_shared<record::CommittedBatch>();
      committed->batch.position = kept.position;
      listener_->on_commit(committed);
    }
    pending_.clear();
    changed_.notify_all();
  }

  base::Mutex mutex_;
  base::Condition changed_;
  record::CommitListener* listener_ TT_GUARDED_BY(mutex_) = nullptr;
  bool holds_ TT_GUARDED_BY(mutex_) = false;
  std::vector<Kept> pending_ TT_GUARDED_BY(mutex_);
  std::string text_ TT_GUARDED_BY(mutex_);
  std::vector<record::Gap> gaps_ TT_GUARDED_BY(mutex_);
  std::map<std::string, std::string> positions_ TT_GUARDED_BY(mutex_);
};

class Handler final : public net::WsHandler {
 public:
  explicit Handler(ProcessSource& source) : source_(source) {}
  void on_open(const std::shared_ptr<net::WsConnection>& connection) override { id_ = source_.connect(std::make_shared<Peer>(connection)); }
  void on_text(std::string_view message) override { source_.text(id_, message); }
  bool on_binary(std::string_view message) override {
    source_.binary(id_, message);
    return true;
  }
  void on_drained() override {}
  void on_close() override { source_.disconnect(id_); }

 private:
  struct Peer final : RelayPeer {
    explicit Peer(std::shared_ptr<net::WsConnection> to) : connection(std::move(to)) {}
    void send(std::string text) override { connection->send_text(text); }
    void close(std::string_view why) override { connection->close(1008, why); }
    std::shared_ptr<net::WsConnection> connection;  // owned together with the session
  };
  ProcessSource& source_;
  RelayConnection id_ = 0;
};

// An engine on a store.
class Engine {
 public:
  explicit Engine(Store& store) : store_(store) {
    source = std::make_unique<ProcessSource>(ProcessSourceOptions(), ProcessSourcePorts{clock_, store, store, metrics_, {}},
                                             store.positions(), std::vector<record::StreamRef>());
    store.listen(source.get());
    EXPECT_TRUE(source->start());
    net::ServerLimits limits;
    limits.max_message_bytes = relay_max_line_bytes + 64 * 1024;
    server_ = std::make_unique<net::testing::TestServer>(limits);
    server_->on_upgrade = [this](const net::Request&) { return std::make_unique<Handler>(*source); };
  }
  // As a kill: connections break, what was not committed is gone.
  ~Engine() {
    store_.kill();
    server_->stop();
    source->stop();
  }
  EngineTarget target() const { return {"http://127.0.0.1:" + std::to_string(server_->port()), ""}; }
  std::unique_ptr<ProcessSource> source;

 private:
  Store& store_;
  base::SystemClock clock_;
  telemetry::Metrics metrics_;
  std::unique_ptr<net::testing::TestServer> server_;
};

// The starter's side.
class RelayTest : public ::testing::Test {
 protected:
  RelayTest() { std::signal(SIGPIPE, SIG_IGN); }
  ~RelayTest() override {
    finish();
    engine.reset();
  }

  void start_engine() {
    auto made = std::make_unique<Engine>(store);
    base::MutexLock lock(mutex_);
    target_ = made->target();
    engine = std::move(made);
  }
  void kill_engine() {
    {
      base::MutexLock lock(mutex_);
      target_.reset();
    }
    engine.reset();
  }
  void start_relay(const std::string& name = "r1") {
    auto ends = ControlChannel::make_pair().value();
    control = std::make_unique<ControlChannel>(std::move(ends.first));
    options.relay = name;
    relay = std::make_unique<Relay>(options, RelayPorts{clock, [this](bool) { return find(); }}, std::move(ends.second));
    thread = std::jthread([this] { EXPECT_TRUE(std::exchange(relay, nullptr)->run()); });
    ASSERT_TRUE(control->send({.kind = Kind::start, .text = "run-1", .host = "box"}, {progress.get()}));
  }
  // A pipe that the relay reads; its writing end.
  base::Descriptor add(std::uint64_t number, std::string ready_text = {}, int through = -1, bool resumed = false) {
    if (!resumed) {
      auto made = base::make_pipe().value();
      readers[number] = std::move(made.read);
      writers[number] = std::move(made.write);
    }
    std::vector<int> descriptors{readers[number].get()};
    if (through >= 0) descriptors.push_back(through);
    const ControlMessage message{.kind = Kind::stream,
                                 .number = number,
                                 .key = "k" + std::to_string(number),
                                 .ready_text = std::move(ready_text),
                                 .labels = {{"service", "api"}, {"stream", "stdout"}},
                                 .flag = resumed};
    EXPECT_TRUE(control->send(message, descriptors));
    return base::Descriptor(::fcntl(writers[number].get(), F_DUPFD_CLOEXEC, 0));
  }
  static void write(const base::Descriptor& to, std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(to.get(), text.data(), text.size());
      ASSERT_GT(written, 0);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  // The next message of a kind; others are passed over.
  ControlMessage expect(Kind kind) {
    while (true) {
      auto packet = control->receive();
      if (!packet) {
        ADD_FAILURE() << "the relay is gone";
        return {};
      }
      if (packet->message.kind == kind) return packet->message;
    }
  }
  ControlMessage drain(std::uint64_t timeout_ms = 30'000) {
    EXPECT_TRUE(control->send({.kind = Kind::drain, .number = 7, .timeout_ms = timeout_ms}));
    return expect(Kind::drained);
  }
  void end_pipes() {
    readers.clear();
    writers.clear();
  }
  // Waits until the relay has ended by itself.
  void finish() {
    end_pipes();
    if (control != nullptr) static_cast<void>(control->send({.kind = Kind::finish}));
    if (thread.joinable()) thread.join();
    control.reset();
  }

  base::SystemClock clock;
  Store store;
  std::unique_ptr<Engine> engine;
  base::Descriptor progress = Progress::make().value();
  RelayOptions options{.relay = "r1", .linger_ns = long_time, .grace_ns = 300 * base::nanos_per_millisecond};
  std::unique_ptr<ControlChannel> control;
  std::unique_ptr<Relay> relay;
  std::jthread thread;
  std::map<std::uint64_t, base::Descriptor> readers;  // as a starter keeps them: no program gets SIGPIPE when its relay dies
  std::map<std::uint64_t, base::Descriptor> writers;

 private:
  base::Result<EngineTarget> find() {
    base::MutexLock lock(mutex_);
    if (target_) return *target_;
    return base::fail(base::ErrorCode::engine_not_found, "no engine");
  }
  base::Mutex mutex_;
  std::optional<EngineTarget> target_ TT_GUARDED_BY(mutex_);
};

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST_F(RelayTest, LinesArriveAlsoTheLastWithoutItsEnd) {
  start_engine();
  start_relay();
  {
    const auto out = add(1);
    write(out, "one\ntwo\nthr");
    EXPECT_TRUE(drain().flag);
    EXPECT_EQ(store.text(), "one\ntwo\n");
    write(out, "ee");
  }
  finish();
  EXPECT_EQ(store.text(), "one\ntwo\nthree");
  EXPECT_THAT(store.positions(), IsEmpty()) << "it ended";
  EXPECT_THAT(store.gaps(), IsEmpty());
}

TEST_F(RelayTest, AnEngineThatIsKilledAndComesBackHasEachLineOnce) {
  start_engine();
  start_relay();
  const auto out = add(1);
  for (int round = 0; round < 5; ++round) {
    write(out, numbered(round * 1000, round * 1000 + 500));
    if (round % 2 == 0) EXPECT_TRUE(drain().flag);
    if (round % 2 == 1) store.hold(true);
    write(out, numbered(round * 1000 + 500, round * 1000 + 1000));
    kill_engine();
    store.hold(false);
    start_engine();
  }
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), numbered(0, 5000));
  EXPECT_THAT(store.gaps(), IsEmpty());
}

TEST_F(RelayTest, WhatAnAbsentEngineMissesBeyondTheMemoryIsACountedGap) {
  options.spool_bytes = 1024 * 1024;
  start_engine();
  start_relay();
  const auto out = add(1);
  write(out, numbered(0, 100));
  EXPECT_TRUE(drain().flag);
  kill_engine();
  const std::string line(999, 'x');
  for (int i = 0; i < 10'000; ++i) write(out, line + "\n");  // ten times as much: it never waits
  const auto away = drain(0);
  EXPECT_FALSE(away.flag);
  start_engine();
  write(out, "back\n");
  EXPECT_TRUE(store.wait_for([](const std::string& text) { return text.ends_with("back\n"); }));
  const auto gaps = store.gaps();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason, record::GapReason::relay_full);
  const std::string text = store.text();
  EXPECT_TRUE(text.starts_with(numbered(0, 100)));
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  EXPECT_EQ(lines + *gaps[0].lines, 100u + 10'000u + 1u) << "each line is there or counted";
  EXPECT_GT(lines, 500u) << "the memory was used";
  EXPECT_EQ(drain().dropped_lines, *gaps[0].lines);
}

TEST_F(RelayTest, AnEngineThatTakesNothingHoldsNobodyUp) {
  options.spool_bytes = 1024 * 1024;
  start_engine();
  start_relay();
  const auto out = add(1);
  store.hold(true);
  const std::string line(999, 'x');
  for (int i = 0; i < 20'000; ++i) write(out, line + "\n");
  store.hold(false);
  write(out, "last\n");
  EXPECT_TRUE(drain().flag);
  std::uint64_t missing = 0;
  for (const auto& gap : store.gaps()) missing += *gap.lines;
  EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(store.text(), '\n')) + missing, 20'001u);
  EXPECT_GT(missing, 0u);
}

TEST_F(RelayTest, ARelayThatTakesOverGoesOnWhereTheOneBeforeHadRead) {
  start_engine();
  {
    // The one before had read 20 lines and a half, and 10 of them were stored.
    auto before = Progress::map(progress);
    before->set_read(1, {numbered(0, 20).size() + 4, 20});
    before->set_stored(1, {numbered(0, 10).size(), 10});
  }
  start_relay("r2");
  auto made = base::make_pipe().value();
  readers[1] = std::move(made.read);
  writers[1] = std::move(made.write);
  const auto out = add(1, {}, -1, true);
  write(out, " of a line\nmore\n");
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), " of a line\nmore\n");
  const auto gaps = store.gaps();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].lines, 10u);
  EXPECT_EQ(gaps[0].range->from, numbered(0, 10).size());
}

TEST_F(RelayTest, WhatTheOneBeforeTookOutOfThePipeAsItDiedIsNotLost) {
  start_engine();
  {
    auto before = Progress::map(progress);
    before->set_read(1, {10, 2});
    before->set_stored(1, {10, 2});
    std::ranges::copy(std::string_view("three\nfo"), before->begin_read(1, 8).begin());
  }
  start_relay("r2");
  auto terminal = base::make_pipe().value();
  auto made = base::make_pipe().value();
  readers[1] = std::move(made.read);
  writers[1] = std::move(made.write);
  const auto out = add(1, {}, terminal.write.get(), true);
  write(out, "ur\n");
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), "three\nfour\n");
  EXPECT_THAT(store.gaps(), IsEmpty());
  std::string passed(11, '\0');
  for (std::size_t got = 0; got < passed.size();)
    got += static_cast<std::size_t>(::read(terminal.read.get(), passed.data() + got, 11 - got));
  EXPECT_EQ(passed, "three\nfour\n");
}

TEST_F(RelayTest, WhenNobodyReadsWhatIsPassedOnTheRestOfThePipeIsCaptured) {
  start_engine();
  auto terminal = base::make_pipe().value();
  terminal.read.reset();
  start_relay();
  auto made = base::make_pipe().value();
  readers[1] = std::move(made.read);
  writers[1] = std::move(made.write);
  // Before the relay reads at all: more than it takes at a time.
  ASSERT_GT(::fcntl(writers[1].get(), F_SETPIPE_SZ, 256 * 1024), 0);
  write(writers[1], numbered(0, 15'000));
  const auto out = add(1, {}, terminal.write.get(), true);
  EXPECT_EQ(expect(Kind::closed).number, 1u);
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), numbered(0, 15'000));
}

TEST_F(RelayTest, ADestinationThatTakesNothingMoreIsTold) {
  start_engine();
  start_relay();
  base::Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  const auto out = add(1, {}, full.get());
  write(out, "captured all the same\n");
  EXPECT_EQ(drain().through_failure, ENOSPC);
  write(out, "and more\n");
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), "captured all the same\nand more\n");
}

TEST_F(RelayTest, AnEngineThatIsKilledAtAnyMomentHasEachLineOnce) {
  start_engine();
  start_relay();
  std::jthread writer([out = add(1)] {
    for (int i = 0; i < 200; ++i) write(out, numbered(i * 100, i * 100 + 100));
  });
  for (int round = 0; round < 15; ++round) {
    const std::size_t before = store.text().size();
    const std::size_t enough = std::min<std::size_t>(before + 10'000, numbered(0, 20'000).size());
    EXPECT_TRUE(store.wait_for([enough](const std::string& text) { return text.size() >= enough; }));
    kill_engine();
    start_engine();
  }
  writer.join();
  finish();
  EXPECT_EQ(store.text(), numbered(0, 20'000));
  EXPECT_THAT(store.gaps(), IsEmpty());
  EXPECT_THAT(store.positions(), IsEmpty());
}

TEST_F(RelayTest, OutputIsPassedThroughUnchangedAndCaptured) {
  start_engine();
  start_relay();
  auto terminal = base::make_pipe().value();
  const auto out = add(1, {}, terminal.write.get());
  terminal.write.reset();
  const std::string bytes("a\0b\x1b[31m\r\nno end", 16);
  write(out, bytes);
  std::string passed(bytes.size(), '\0');
  ASSERT_EQ(::read(terminal.read.get(), passed.data(), passed.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(passed, bytes);
  terminal.read.reset();
  write(out, "nobody reads\n");
  EXPECT_EQ(expect(Kind::closed).number, 1u);
  readers.clear();
  EXPECT_EQ(::write(out.get(), "x", 1), -1) << "the program sees it as it would without a relay";
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(RelayTest, ReadinessAndTheLastLinesAreTold) {
  options.linger_ns = 50 * base::nanos_per_millisecond;
  start_relay();
  const auto out = add(1, "listening on");
  const auto other = add(2, "listening on");
  write(out, "starting\nlisten");
  write(other, "nothing\n");
  write(out, "ing on 80\n");
  EXPECT_EQ(expect(Kind::ready).number, 1u);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "line " + std::to_string(i) + "\n";
  write(out, many + std::string(1000, 'y') + "\n");
  EXPECT_FALSE(drain(0).flag);
  std::vector<std::string> lines;
  do {
    ASSERT_TRUE(control->send({.kind = Kind::tail, .text = "api"}));
    lines = expect(Kind::tailed).lines;
  } while (std::ranges::find(lines, "nothing") == lines.end() || lines.size() < 21);
  EXPECT_EQ(lines.front(), "line 81");
  EXPECT_EQ(lines[19], std::string(400, 'y'));
}

TEST_F(RelayTest, ABarrierWaitsForWhatIsInThePipes) {
  start_engine();
  start_relay();
  const auto out = add(1);
  EXPECT_TRUE(expect(Kind::state).flag);
  for (int round = 0; round < 20; ++round) {
    write(out, numbered(round * 100, round * 100 + 100));
    const auto report = engine->source->barrier(long_time);
    EXPECT_TRUE(report.complete) << report.missing.at(0);
    EXPECT_EQ(store.text(), numbered(0, round * 100 + 100));
  }
}

TEST_F(RelayTest, WithoutAnEngineItEndsAllTheSame) {
  options.linger_ns = 50 * base::nanos_per_millisecond;
  start_relay();
  {
    const auto out = add(1);
    write(out, numbered(0, 5));
    const auto state = expect(Kind::state);
    EXPECT_FALSE(state.flag);
    EXPECT_EQ(state.text, "no engine");
    const auto drained = drain(50);
    EXPECT_FALSE(drained.flag);
    EXPECT_EQ(drained.kept_lines, 5u);
  }
  finish();
}

TEST_F(RelayTest, AnEngineThatTakesLongToTheEndIsWaitedForWhileItTakesMore) {
  options.linger_ns = base::nanos_per_second;
  const std::string lines = numbered(0, 400'000);  // more than a window
  start_engine();
  start_relay();
  store.hold(true);
  write(add(1), lines);
  end_pipes();
  ASSERT_TRUE(control->send({.kind = Kind::finish}));
  // A little each time, over more than the patience with one that takes nothing.
  for (int step = 0; step < 6; ++step) {
    EXPECT_TRUE(store.commit_one()) << "it was not left alone";
    static_cast<void>(::poll(nullptr, 0, 300));  // this engine takes its time
  }
  store.hold(false);
  thread.join();
  EXPECT_TRUE(store.text() == lines);
}

TEST_F(RelayTest, WhenItsStarterDiesGroupsEndAndPipesAreReadOn) {
  start_engine();
  start_relay();
  auto out = add(1);
  base::Program service{.path = "/bin/sh",
                        .arguments = {"sh", "-c", "trap '' TERM; echo deaf; exec sleep 100 >/dev/null"},
                        .environment = {"PATH=/usr/bin:/bin"},
                        .folder = {},
                        .descriptors = {{1, out.get()}},
                        .place = base::Program::Place::own_group,
                        .signals = {}};
  const auto stubborn = base::spawn(service).value();
  ASSERT_TRUE(control->send({.kind = Kind::group, .number = static_cast<std::uint64_t>(stubborn)}));
  ASSERT_TRUE(store.wait_for([](const std::string& text) { return text == "deaf\n"; }));
  control.reset();
  int status = 0;
  ASSERT_EQ(::waitpid(static_cast<pid_t>(stubborn), &status, 0), stubborn);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  write(out, "still here\n");
  EXPECT_TRUE(store.wait_for([](const std::string& text) { return text == "deaf\nstill here\n"; }));
  out.reset();
  end_pipes();
  thread.join();
}

TEST_F(RelayTest, LinesAreCutWhereTheEngineSaysSo) {
  start_engine();
  start_relay();
  const auto out = add(1);
  EXPECT_TRUE(drain().flag);
  write(out, std::string(relay_max_line_bytes + 100'000, 'z') + "\nnext\n");
  EXPECT_TRUE(drain().flag);
  EXPECT_EQ(store.text(), std::string(relay_max_line_bytes, 'z') + "next\n");
}

}  // namespace
}  // namespace telltale::sources
