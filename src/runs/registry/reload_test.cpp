// Runs that are read back from the store: after a restart, when they were let go, without an engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runs/registry/known_runs.h"
#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using runs::testing::nanos_per_second;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class Reload : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  void full_run(const std::string& id, int tests) {
    ASSERT_TRUE(apply(id, {run_started({{"api", {"/var/log/api.log"}, 5'000'000, {}}}), worker_started("gw0")}));
    for (int i = 0; i < tests; ++i) {
      const std::string test = id + "-t" + std::to_string(i);
      ASSERT_TRUE(apply(id, {test_started(test)}));
      clock().advance(nanos_per_second);
      ASSERT_TRUE(apply(id, {test_finished(test, i % 2 == 0 ? TestOutcome::passed : TestOutcome::failed)}));
    }
    ASSERT_TRUE(apply(id, {worker_finished("gw0"), run_finished(RunOutcome::failed)}));
  }
  std::uint64_t loads() { return store.metrics.counter("telltale_runs_loads_total", "").value(); }
};

TEST_F(Reload, AFinishedRunIsTheSameAfterARestart) {
  full_run("r1", 5);
  const runs::Run before = *registry->run("r1");
  restart();
  EXPECT_EQ(loads(), 0u) << "only open runs are read at the start";
  const runs::Run after = *registry->run("r1");
  EXPECT_EQ(after.name, before.name);
  EXPECT_EQ(after.started, before.started);
  EXPECT_EQ(after.finished, before.finished);
  EXPECT_EQ(after.outcome, before.outcome);
  EXPECT_EQ(after.services, before.services);
  EXPECT_EQ(after.tests.total, 5u);
  EXPECT_EQ(after.tests.by_outcome, before.tests.by_outcome);
  EXPECT_EQ(after.last_event, before.last_event);
  EXPECT_TRUE(after.complete);
  EXPECT_EQ(registry->test("r1-t3")->outcome, TestOutcome::failed);
  EXPECT_EQ(registry->test("r1-t9").error().code, ErrorCode::test_not_found);
}

TEST_F(Reload, EventsOfARunThatWasReadBackAreStillKnown) {
  full_run("r1", 1);
  const Event finish = test_finished("r1-t0", TestOutcome::failed);
  ASSERT_TRUE(apply("r1", {finish}));
  restart();
  const auto again = apply("r1", {finish});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicates, 1u);
  EXPECT_EQ(apply("r1", {run_started({}, "other")}).error().code, ErrorCode::run_exists);
}

TEST_F(Reload, RunsThatWereNotUsedForLongestAreLetGoAndComeBack) {
  options.loaded_bytes = 20'000;
  restart();
  for (int i = 0; i < 10; ++i) full_run("r" + std::to_string(i), 5);
  EXPECT_LT(store.metrics.gauge("telltale_runs_loaded_bytes", "").value(), 20'000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(registry->run("r" + std::to_string(i))->tests.total, 5u);
  EXPECT_GE(loads(), 7u);
  EXPECT_EQ(registry->runs({.limit = 100})->runs.size(), 10u);
  EXPECT_EQ(registry->tests({.match = "t4", .limit = 100})->tests.size(), 10u);
}

TEST_F(Reload, OpenRunsStayInMemory) {
  options.loaded_bytes = 1;
  restart();
  ASSERT_TRUE(apply("open", {run_started(), test_started("t1")}));
  for (int i = 0; i < 3; ++i) full_run("r" + std::to_string(i), 2);
  const std::uint64_t before = loads();
  EXPECT_EQ(registry->test("t1")->outcome, TestOutcome::none);
  EXPECT_EQ(loads(), before);
}

TEST_F(Reload, WithoutAnEngineTheStoreIsRead) {
  full_run("r1", 3);
  ASSERT_TRUE(apply("r2", {run_started(), test_started("t1")}));
  registry.reset();
  ASSERT_TRUE(store.engine->close());
  auto reader = store::open_read_only(files, "data");
  ASSERT_TRUE(reader);
  auto offline = Registry::open({.clock = store.clock, .reader = **reader}, {});
  ASSERT_TRUE(offline);
  EXPECT_EQ((*offline)->runs({})->runs.size(), 2u);
  EXPECT_EQ((*offline)->run("r1")->outcome, RunOutcome::failed);
  EXPECT_EQ((*offline)->run("r2")->state, RunState::running);
  EXPECT_EQ((*offline)->test("r1-t2")->key->run, "r1");
  EXPECT_EQ((*offline)->apply("r1", {run_started()}, {}).error().code, ErrorCode::internal);
  EXPECT_EQ((*offline)->tick(), std::nullopt);
}

TEST_F(Reload, ARunThatRetentionCutThroughIsIncompleteAndUsable) {
  store.options.segment_bytes = 6000;
  store.options.compress = false;
  store.options.retention_bytes = 20'000;
  restart();
  ASSERT_TRUE(apply("r1", {run_started(), worker_started("gw0"), test_started("first")}));
  for (int i = 0; i < 300; ++i) {
    const std::string test = "t" + std::to_string(i);
    ASSERT_TRUE(apply("r1", {test_started(test), test_finished(test)}));
  }
  ASSERT_GT(store.engine->stats().first_sequence, 1u);
  EXPECT_EQ(registry->run("r1")->tests.total, 301u) << "an open run is in memory";
  restart();
  const auto run = registry->run("r1");
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->complete);
  EXPECT_LT(run->tests.total, 301u);
  EXPECT_EQ(registry->test("t299")->outcome, TestOutcome::passed);
  EXPECT_TRUE(apply("r1", {test_started("late"), run_finished()}));
  EXPECT_EQ(registry->run("r1")->state, RunState::finished);
}

TEST_F(Reload, TheCatalogsStreamsAndAScanSayTheSame) {
  full_run("r1", 2);
  clock().advance(nanos_per_second);
  full_run("r2", 1);
  const auto scanned = scan_known_runs(*store.engine);
  ASSERT_TRUE(scanned);
  std::vector<store::StreamSummary> summaries;
  for (const auto& [id, run] : *scanned) {
    store::StreamSummary summary;
    summary.stream = lifecycle_stream(id);
    summary.first_sequence = run.first_sequence;
    summary.last_sequence = run.last_sequence;
    summary.first_observed = run.first_observed;
    summary.last_observed = run.last_observed;
    summaries.push_back(summary);
  }
  summaries.push_back({});
  summaries.back().stream = record::make_stream(record::Labels({{"service", "api"}}));
  const KnownRuns known = known_runs_of(summaries);
  std::vector<std::string> ids;
  for (const KnownRun* run : newest_first(known)) ids.push_back(run->id);
  EXPECT_THAT(ids, ElementsAre("r2", "r1"));
  EXPECT_EQ(known.at("r1").last_sequence, scanned->at("r1").last_sequence);
  EXPECT_THAT(known, SizeIs(2));
}

TEST_F(Reload, NoMoreRunsAreKeptThanTheLimit) {
  options.loaded_runs = 3;
  restart();
  for (int run = 0; run < 6; ++run) full_run("r" + std::to_string(run), 1);
  ASSERT_TRUE(registry->run("r5") && registry->run("r4"));
  EXPECT_EQ(loads(), 0u);
  ASSERT_TRUE(registry->run("r0") && registry->run("r1"));
  EXPECT_EQ(loads(), 2u);
}

TEST_F(Reload, TestsAreFoundByTheirNamesWithoutReadingTheRunsThatHaveNoneOfThem) {
  options.loaded_bytes = 30'000;  // about five of the runs
  for (int run = 0; run < 40; ++run) {
    const std::string id = "r" + std::to_string(100 + run);
    ASSERT_TRUE(apply(id, {run_started()}));
    for (const std::string& test : {id + "-t0", id + "-t1"}) {
      const std::string node = test.ends_with("t0") ? "a.py::test_common" : run == 3 ? "a.py::test_rare" : "a.py::test_" + id;
      ASSERT_TRUE(apply(id, {test_started(test, "gw0", 1, node), test_finished(test)}));
    }
    ASSERT_TRUE(apply(id, {run_finished()}));
    clock().advance(3600 * nanos_per_second);
  }
  restart(2 * nanos_per_second);
  EXPECT_EQ(registry->test("r103-t1")->key->node_id, "a.py::test_rare");
  EXPECT_EQ(loads(), 1u);
  EXPECT_EQ(registry->tests({.match = "test_rar"})->tests.size(), 1u);
  EXPECT_EQ(registry->tests({.match = "r103-t0"})->tests.size(), 1u);
  EXPECT_EQ(registry->tests({.match = "no such test"})->tests.size(), 0u);
  EXPECT_EQ(registry->test("0000000000000000").error().code, ErrorCode::test_not_found);
  EXPECT_FALSE(*registry->test_bounds("a.py::test_none"));
  EXPECT_TRUE(*registry->test_bounds("a.py::test_rare"));
  EXPECT_EQ(loads(), 1u) << "the run is in memory";
  const auto bounds = *registry->test_bounds("a.py::test_common");
  EXPECT_EQ(loads(), 1u) << "so many runs are not read for their tests' times";
  for (int run = 0; run < 40; run += 13) {
    const auto exact = *registry->test_bounds("r" + std::to_string(100 + run) + "-t0");
    EXPECT_LE(bounds->from, exact->from);
    EXPECT_GE(bounds->to, exact->to);
  }
  const auto page = registry->tests({.match = "test_common", .limit = 3});
  EXPECT_EQ(page->tests.front().key->run, "r139");
  EXPECT_EQ(registry->tests({.match = "test_common", .limit = 100})->tests.size(), 40u);
  const std::uint64_t before = loads();
  EXPECT_EQ(registry->tests({.match = "test_r110"})->tests.size(), 1u);
  EXPECT_LE(loads(), before + 1) << "of those that were let go the names are known";
}

}  // namespace
}  // namespace telltale::runs
