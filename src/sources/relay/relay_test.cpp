// A whole relay against a whole process source over loopback: what programs write arrives once.

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
using testing::long_time;
using testing::numbered;
using testing::RelayTest;
using Kind = ControlMessage::Kind;

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
