#include "runs/clock/clock_estimator.h"

#include <gtest/gtest.h>

#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using runs::testing::nanos_per_millisecond;
using runs::testing::nanos_per_second;

record::StreamRef stream_of_host(const std::string& host, const std::string& file = "/var/log/a.log") {
  return record::make_stream(record::Labels({{"source", "file"}, {"host", host}, {"file", file}, {"service", "a"}}));
}

class ClockEstimatorTest : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  // A line whose clock is `ahead_ns` ahead, just now.
  record::Batch line(const record::StreamRef& stream, std::int64_t ahead_ns) {
    record::Batch batch;
    batch.stream = stream;
    record::Record record;
    record.observed_time = now();
    record.event_time = now() + ahead_ns - nanos_per_millisecond;
    record.resolution = record::TimeResolution::nanosecond;
    batch.records.push_back(record);
    return batch;
  }
  void write(ClockEstimator& estimator, const record::StreamRef& stream, std::int64_t ahead_ns, int lines = 60) {
    for (int i = 0; i < lines; ++i) {
      clock().advance(100 * nanos_per_millisecond);
      estimator.take(line(stream, ahead_ns));
    }
  }
  std::optional<ClockCorrection> known(const record::StreamRef& stream) { return registry->window(line(stream, 0), 0).clock; }
  std::size_t events() {
    store::ScanRange range;
    range.lifecycle_only = true;
    return store::testing::lines_of(*store.engine, range).size();
  }

  const record::StreamRef far = stream_of_host("far");
};

TEST_F(ClockEstimatorTest, TellsOpenRunsOfAClockThatIsAhead) {
  ASSERT_TRUE(apply("r1", {run_started()}));
  ClockEstimator estimator(*registry, clock(), {.host = "here"});
  write(estimator, far, 3 * nanos_per_second);
  const auto clock_now = known(far);
  ASSERT_TRUE(clock_now.has_value());
  EXPECT_EQ(clock_now->method, OffsetMethod::estimated);
  EXPECT_LE(std::abs(clock_now->offset_ns + 3 * nanos_per_second), clock_now->uncertainty_ns);
  ASSERT_TRUE(store.engine->flush(false, 0));
  const std::size_t told = events();
  EXPECT_EQ(told, 2u);
  write(estimator, far, 3 * nanos_per_second);
  ASSERT_TRUE(store.engine->flush(false, 0));
  EXPECT_EQ(events(), told) << "no news, no event";
  restart();
  EXPECT_EQ(known(far), clock_now) << "kept with the run";
}

TEST_F(ClockEstimatorTest, ARunThatBeginsLaterIsToldToo) {
  ASSERT_TRUE(apply("r1", {run_started()}));
  ClockEstimator estimator(*registry, clock(), {.host = "here"});
  write(estimator, far, 3 * nanos_per_second);
  ASSERT_TRUE(apply("r1", {run_finished()}));
  clock().advance(3600 * nanos_per_second);
  ASSERT_TRUE(apply("r2", {run_started()}));
  EXPECT_FALSE(known(far).has_value());
  write(estimator, far, 3 * nanos_per_second, 1);
  EXPECT_TRUE(known(far).has_value());
}

TEST_F(ClockEstimatorTest, WhatIsConfiguredStays) {
  ASSERT_TRUE(apply("r1", {run_started({{"a", {"/var/log/a.log"}, -3 * nanos_per_second, {}}})}));
  ClockEstimator estimator(*registry, clock(), {.host = "here"});
  write(estimator, far, 4 * nanos_per_second);
  EXPECT_EQ(known(far), (ClockCorrection{-3 * nanos_per_second, 0, OffsetMethod::configured}));
  EXPECT_EQ(events(), 1u);
}

TEST_F(ClockEstimatorTest, StreamsOfThisMachineAreRight) {
  ASSERT_TRUE(apply("r1", {run_started()}));
  ClockEstimator estimator(*registry, clock(), {.host = "here"});
  const auto here = stream_of_host("here");
  write(estimator, here, 3 * nanos_per_second);
  EXPECT_FALSE(known(here).has_value());
}

TEST_F(ClockEstimatorTest, RemembersABoundedNumberOfStreams) {
  ASSERT_TRUE(apply("r1", {run_started()}));
  ClockEstimator estimator(*registry, clock(), {.host = "here", .max_streams = 2});
  const auto second = stream_of_host("far", "/var/log/b.log");
  const auto third = stream_of_host("far", "/var/log/c.log");
  write(estimator, far, 3 * nanos_per_second, 29);
  write(estimator, second, 3 * nanos_per_second, 1);
  write(estimator, third, 3 * nanos_per_second, 1);
  write(estimator, far, 3 * nanos_per_second, 29);
  EXPECT_FALSE(known(far).has_value()) << "it had been forgotten";
}

TEST_F(ClockEstimatorTest, CommitsReachItsThreadWhileARunIsOpen) {
  ClockEstimator estimator(*registry, clock(), {.host = "here"});
  estimator.start();
  const auto commit = [&](int lines) {
    for (int i = 0; i < lines; ++i) {
      clock().advance(100 * nanos_per_millisecond);
      estimator.on_commit(std::make_shared<const record::CommittedBatch>(record::CommittedBatch{1, line(far, 3 * nanos_per_second)}));
    }
  };
  commit(60);
  ASSERT_TRUE(apply("r1", {run_started()}));
  EXPECT_FALSE(known(far).has_value()) << "no run was open";
  while (!known(far)) commit(1);
  estimator.stop();
}

}  // namespace
}  // namespace telltale::runs
