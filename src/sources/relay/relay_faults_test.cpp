// What programs write arrives once or is a gap, whoever dies or stands still: engine, relay, starter.

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sources/process/process_position.h"
#include "sources/relay/testing/relay_harness.h"

namespace telltale::sources {
namespace {

using ::testing::IsEmpty;
using testing::numbered;
using testing::RelayTest;
using Kind = ControlMessage::Kind;

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

}  // namespace
}  // namespace telltale::sources
