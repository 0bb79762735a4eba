// What ends when a client goes away, and what goes on when it comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using runs::testing::nanos_per_millisecond;
using runs::testing::nanos_per_second;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ConnectionId controller = 1;
constexpr ConnectionId worker_0 = 2;
constexpr ConnectionId worker_1 = 3;

class Owners : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  // A controller and two workers, each with a test that runs.
  void begin() {
    ASSERT_TRUE(apply("r1", {run_started()}, controller));
    ASSERT_TRUE(apply("r1", {worker_started("gw0"), test_started("t0", "gw0")}, worker_0));
    ASSERT_TRUE(apply("r1", {worker_started("gw1"), test_started("t1", "gw1")}, worker_1));
    listener.take();
  }
  void pass(std::int64_t nanos) {
    clock().advance(nanos);
    registry->tick();
  }
  runs::Run run() { return registry->run("r1").value(); }
  runs::Test test(const std::string& id) { return registry->test(id).value(); }
};

TEST_F(Owners, AWorkerWhoseConnectionClosesHasCrashedAtThatMoment) {
  begin();
  clock().advance(nanos_per_second);
  const UnixNanos closed = now();
  registry->connection_closed(worker_0);
  pass(2 * nanos_per_second - 1);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none) << "somebody may take it over yet";
  pass(1);
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
  EXPECT_EQ(test("t0").ended_by, EndReason::connection_closed);
  EXPECT_EQ(test("t0").finished, closed);
  EXPECT_EQ(run().workers[0].outcome, WorkerOutcome::crashed);
  EXPECT_EQ(test("t1").outcome, TestOutcome::none);
  EXPECT_EQ(run().state, RunState::running);
  EXPECT_THAT(listener.take(), ElementsAre("test- t0 crashed"));
}

TEST_F(Owners, ARunWhoseControllerGoesIsInterrupted) {
  begin();
  for (const ConnectionId connection : {controller, worker_0, worker_1}) registry->connection_closed(connection);
  pass(2 * nanos_per_second);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
  EXPECT_EQ(run().ended_by, EndReason::connection_closed);
  EXPECT_EQ(run().tests.of(TestOutcome::crashed), 2u);
  EXPECT_EQ(run().tests.running, 0u);
  EXPECT_EQ(registry->tick(), std::nullopt) << "nothing is due any more";
  EXPECT_EQ(registry->open_runs(), 0u);
}

TEST_F(Owners, AConnectionThatClosedBeforeItsEventsWereTakenOwnsNothing) {
  registry->connection_closed(77);
  ASSERT_TRUE(apply("r1", {run_started(), worker_started("gw0"), test_started("t0", "gw0")}, 77));
  pass(2 * nanos_per_second);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
}

TEST_F(Owners, TheSameStartOnAnotherConnectionTakesOver) {
  begin();
  const Event start = worker_started("gw0");
  registry->connection_closed(worker_0);
  pass(nanos_per_second);
  ASSERT_EQ(apply("r1", {start}, 9)->duplicates, 1u);
  pass(10 * nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none);
  registry->connection_closed(worker_0);  // the old one's end is told late
  pass(10 * nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none);
  registry->connection_closed(9);
  pass(2 * nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
}

TEST_F(Owners, WhoComesBackTooLateGoesOnAnyway) {
  begin();
  const Event start = run_started();
  const Event start_0 = worker_started("gw0");
  for (const ConnectionId connection : {controller, worker_0}) registry->connection_closed(connection);
  pass(5 * nanos_per_second);
  ASSERT_EQ(run().outcome, RunOutcome::interrupted);
  ASSERT_EQ(test("t0").outcome, TestOutcome::crashed);
  listener.take();
  ASSERT_TRUE(apply("r1", {start}, 11));
  ASSERT_TRUE(apply("r1", {start_0}, 12));
  EXPECT_EQ(run().state, RunState::running);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none);
  EXPECT_FALSE(test("t0").finished.has_value());
  EXPECT_THAT(listener.take(), ElementsAre("resumed r1", "test+ t0"));
  ASSERT_TRUE(apply("r1", {test_finished("t0"), worker_finished("gw0")}, 12));
  ASSERT_TRUE(apply("r1", {run_finished()}, 11));
  restart();
  EXPECT_EQ(run().outcome, RunOutcome::passed) << "the same after a restart";
  EXPECT_EQ(test("t0").outcome, TestOutcome::passed);
}

TEST_F(Owners, AClientsLateWordReplacesTheEngines) {
  begin();
  registry->connection_closed(worker_0);
  pass(3 * nanos_per_second);
  ASSERT_EQ(test("t0").outcome, TestOutcome::crashed);
  ASSERT_TRUE(apply("r1", {test_finished("t0", TestOutcome::passed)}, 12));
  EXPECT_EQ(test("t0").outcome, TestOutcome::passed);
  EXPECT_EQ(test("t0").ended_by, EndReason::none);
  EXPECT_EQ(run().tests.of(TestOutcome::crashed), 0u);
}

TEST_F(Owners, ACrashToldByTheControllerEndsTheWorkersTest) {
  begin();
  ASSERT_TRUE(apply("r1", {worker_finished("gw0", WorkerOutcome::crashed)}, controller));
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
  EXPECT_EQ(test("t0").ended_by, EndReason::worker_ended);
  EXPECT_EQ(test("t1").outcome, TestOutcome::none);
}

// They come on two connections.
TEST_F(Owners, ATestWhoseStartIsReadAfterItsWorkersCrashHasCrashed) {
  begin();
  Event last = test_started("t9", "gw0");
  clock().advance(nanos_per_second);
  ASSERT_TRUE(apply("r1", {worker_finished("gw0", WorkerOutcome::crashed)}, controller));
  ASSERT_TRUE(apply("r1", {last}, worker_0));
  EXPECT_EQ(test("t9").outcome, TestOutcome::crashed);
  EXPECT_EQ(test("t9").finished, now());
  ASSERT_TRUE(apply("r1", {test_finished("t9", TestOutcome::failed)}, worker_0)) << "its own word counts more";
  EXPECT_EQ(test("t9").outcome, TestOutcome::failed);
}

// Tests of a worker that never said that it began (a shell's `test start`, one request a connection) belong to the run's owner.
TEST_F(Owners, ATestWithoutAWorkerOfItsOwnEndsWithTheRun) {
  ASSERT_TRUE(apply("r1", {run_started()}, controller));
  ASSERT_TRUE(apply("r1", {test_started("t0", "shell")}, 50));
  registry->connection_closed(50);
  pass(60 * nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none);
  registry->connection_closed(controller);
  pass(2 * nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
  EXPECT_EQ(registry->tick(), std::nullopt);
}

TEST_F(Owners, WhatAFinishedRunLeftOpenEndsSoonAfter) {
  begin();
  ASSERT_TRUE(apply("r1", {run_finished()}, controller));
  const UnixNanos finished = now();
  registry->connection_closed(worker_0);
  pass(nanos_per_second);
  ASSERT_TRUE(apply("r1", {test_finished("t1"), worker_finished("gw1")}, worker_1)) << "the last words of a worker come late";
  pass(nanos_per_second);
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
  EXPECT_LE(test("t0").finished, finished);
  EXPECT_EQ(test("t1").outcome, TestOutcome::passed);
  EXPECT_EQ(run().outcome, RunOutcome::passed);
  EXPECT_EQ(registry->tick(), std::nullopt);
}

TEST_F(Owners, ALeaseLastsFromTheLastEvent) {
  ASSERT_TRUE(apply("r1", {leased_run_started(60 * nanos_per_second)}, controller));
  ASSERT_TRUE(apply("r1", {worker_started("gw0"), test_started("t0")}, worker_0));
  registry->connection_closed(controller);
  registry->connection_closed(worker_0);
  pass(50 * nanos_per_second);
  ASSERT_TRUE(apply("r1", {test_started("t1", "gw1")}, 77));
  const UnixNanos last = now();
  pass(60 * nanos_per_second - 1);
  EXPECT_EQ(run().state, RunState::running);
  pass(1);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
  EXPECT_EQ(run().ended_by, EndReason::lease_expired);
  EXPECT_EQ(run().finished, last + 60 * nanos_per_second);
  EXPECT_EQ(run().tests.of(TestOutcome::crashed), 2u);
}

TEST_F(Owners, AClientElsewhereHasALease) {
  ASSERT_TRUE(apply("r1", {run_started()}, controller, false));
  EXPECT_TRUE(run().remote);
  registry->connection_closed(controller);
  pass(599 * nanos_per_second);
  EXPECT_EQ(run().state, RunState::running);
  pass(nanos_per_second);
  EXPECT_EQ(run().ended_by, EndReason::lease_expired);
}

// The engine follows the files of its own machine's clients alone, and these are known by who began the run.
TEST_F(Owners, AClientElsewhereAddsNoFilesToARunOfThisMachine) {
  const std::vector<Service> services = {{"api", {"/var/log/*.log"}, {}, {}}};
  ASSERT_TRUE(apply("r1", {run_started()}, controller));
  const auto refused = apply("r1", {event(Watch{services, {}})}, worker_0, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::forbidden);
  EXPECT_TRUE(run().services.empty());
  EXPECT_TRUE(apply("r1", {event(Watch{services, {}})}, worker_0));
  ASSERT_TRUE(apply("r1", {event(Watch{{{"db", {}, {}, {}}}, {}})}, worker_0, false)) << "it names no files";
  EXPECT_EQ(run().services.size(), 2u);
}

TEST_F(Owners, AClientElsewhereIsToldThatItsFilesAreNotFollowed) {
  const std::vector<Service> services = {{"api", {"/var/log/*.log"}, {}, {}}};
  const auto applied = apply("r1", {run_started(services)}, controller, false);
  ASSERT_TRUE(applied);
  ASSERT_EQ(applied->warnings.size(), 1u);
  EXPECT_THAT(applied->warnings[0], ::testing::HasSubstr("its own configuration names"));
  EXPECT_TRUE(apply("r1", {worker_started("gw0")}, worker_0, false)->warnings.empty());
  EXPECT_TRUE(apply("r2", {run_started(services)}, controller)->warnings.empty());
}

TEST_F(Owners, AfterARestartClientsHaveHalfAMinute) {
  begin();
  const Event start = run_started();
  const Event start_0 = worker_started("gw0");
  restart(5 * nanos_per_second);
  const UnixNanos opened = now();
  EXPECT_EQ(registry->open_runs(), 1u);
  ASSERT_TRUE(apply("r1", {start}, 21));
  ASSERT_TRUE(apply("r1", {start_0}, 22));
  pass(29 * nanos_per_second);
  EXPECT_EQ(test("t1").outcome, TestOutcome::none);
  pass(nanos_per_second);
  EXPECT_EQ(test("t1").outcome, TestOutcome::crashed) << "its worker did not come back";
  EXPECT_EQ(test("t1").ended_by, EndReason::engine_restarted);
  EXPECT_EQ(test("t1").finished, opened);
  EXPECT_EQ(test("t0").outcome, TestOutcome::none);
  EXPECT_EQ(run().state, RunState::running);
}

TEST_F(Owners, ARunThatNobodyTakesUpAfterARestartIsInterrupted) {
  begin();
  restart();
  pass(30 * nanos_per_second);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
  EXPECT_EQ(run().ended_by, EndReason::engine_restarted);
  EXPECT_EQ(run().tests.running, 0u);
  restart();
  EXPECT_EQ(registry->open_runs(), 0u);
  EXPECT_EQ(run().outcome, RunOutcome::interrupted);
}

TEST_F(Owners, AnEndThatTheStoreHasNoSpaceForIsTriedAgain) {
  begin();
  registry->connection_closed(worker_0);
  files.set_capacity(files.used_bytes());
  pass(2 * nanos_per_second);
  files.set_capacity(std::nullopt);
  pass(10 * nanos_per_second);
  ASSERT_TRUE(store.engine->flush(false, 0));
  restart();
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
}

TEST_F(Owners, TheThreadEndsWhatIsDueByItself) {
  options.takeover_ns = nanos_per_millisecond;
  restart();
  begin();
  registry->start();
  registry->connection_closed(worker_0);
  clock().advance(nanos_per_millisecond);
  while (test("t0").outcome == TestOutcome::none) std::this_thread::yield();
  EXPECT_EQ(test("t0").outcome, TestOutcome::crashed);
  registry->stop();
}

TEST_F(Owners, StartTellsOfRunsFoundOpen) {
  begin();
  restart();
  EXPECT_THAT(listener.take(), IsEmpty());
  registry->start();
  EXPECT_THAT(listener.take(), ElementsAre("resumed r1", "test+ t0", "test+ t1"));
  registry->stop();
}

}  // namespace
}  // namespace telltale::runs
