// The thread: what is said from any thread, commits, barriers.
#include "sources/process/process_source.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mutex.h"
#include "sources/process/process_position.h"
#include "sources/testing/committing_sink.h"

namespace telltale::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t long_time = 30 * base::nanos_per_second;

// A relay that answers barriers at once, with a line before.
class Relay final : public RelayPeer {
 public:
  explicit Relay(ProcessSource& source) : source_(source) {}
  void send(std::string text) override {
    const auto message = decode_from_engine(text);
    if (const auto* barrier = message ? std::get_if<RelayBarrier>(&*message) : nullptr; barrier != nullptr && answers) {
      line();
      source_.text(connection, encode(FromRelay(RelayBarrierDone{barrier->id})));
    }
  }
  void close(std::string_view) override {}
  void begin(const std::shared_ptr<Relay>& self) {
    connection = source_.connect(self);
    source_.text(connection, encode(FromRelay(RelayHello{"r", "run", ""})));
    source_.text(connection, encode(FromRelay(RelayStream{1, "k", {{"service", "api"}, {"stream", "stdout"}}, {}, {}})));
  }
  void line() {
    const StreamPlace to{at_.offset + 5, at_.line + 1};
    source_.binary(connection, encode(RelayBlock{1, at_, to, 0, {}, 0, false, false, "line\n"}));
    at_ = to;
  }
  RelayConnection connection = 0;
  bool answers = true;

 private:
  ProcessSource& source_;
  StreamPlace at_;
};

class ProcessSourceTest : public ::testing::Test {
 protected:
  void begin(const std::vector<record::Position>& positions = {}) {
    source = std::make_unique<ProcessSource>(ProcessSourceOptions(), ProcessSourcePorts{clock, sink, sink, metrics, {}}, positions,
                                             std::vector<record::StreamRef>());
    sink.listener = source.get();
    ASSERT_TRUE(source->start());
    relay = std::make_shared<Relay>(*source);
  }

  base::SystemClock clock;
  telemetry::Metrics metrics;
  testing::CommittingSink sink;
  std::unique_ptr<ProcessSource> source;
  std::shared_ptr<Relay> relay;  // the source has it too
};

TEST_F(ProcessSourceTest, ABarrierReturnsWhenTheRelayAnsweredAndAllIsCommitted) {
  begin();
  EXPECT_TRUE(source->barrier(long_time).complete) << "there is no relay";
  relay->begin(relay);
  relay->line();
  EXPECT_TRUE(source->barrier(long_time).complete);
  EXPECT_EQ(sink.text(), "line\nline\n");
}

TEST_F(ProcessSourceTest, ABarrierNamesWhatDidNotComeInTime) {
  begin();
  relay->answers = false;
  relay->begin(relay);
  const auto report = source->barrier(20 * base::nanos_per_millisecond);
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.missing, ElementsAre(HasSubstr("relay of run run")));
}

TEST_F(ProcessSourceTest, WhatIsNotCommittedIsNotComplete) {
  begin();
  sink.hold();
  relay->begin(relay);
  const auto report = source->barrier(50 * base::nanos_per_millisecond);
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.missing, ElementsAre(HasSubstr("not committed")));
}

TEST_F(ProcessSourceTest, StoppingEndsBarriers) {
  begin();
  relay->answers = false;
  relay->begin(relay);
  std::jthread other([&] { source->stop(); });
  EXPECT_FALSE(source->barrier(long_time).complete);
  EXPECT_THAT(source->barrier(long_time).missing, ElementsAre(HasSubstr("not running")));
}

TEST_F(ProcessSourceTest, PositionsOfTheStoreAreStreamsThatDidNotEnd) {
  begin({{process_position_key("k"), encode_process_position({{10, 2}, {}})}, {"file:x", "1 2 3"}, {process_position_key("z"), "damaged"}});
  relay->begin(relay);
  EXPECT_TRUE(source->barrier(long_time).complete);
  EXPECT_EQ(source->health().streams, 1u);
  EXPECT_EQ(sink.text(), "") << "the line was committed before";
}

TEST(ProcessPosition, IsReadAsItWasWritten) {
  const ProcessPosition position{{12, 3}, base::hash128("stream")};
  const auto back = decode_process_position(encode_process_position(position));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->at, position.at);
  EXPECT_EQ(back->stream, position.stream);
  for (const char* text : {"", "2 1 1 00000000000000000000000000000000", "1 x 1 00000000000000000000000000000000", "1 1 1", "1 1 1 0 0"})
    EXPECT_FALSE(decode_process_position(text)) << text;
}

}  // namespace
}  // namespace telltale::sources
