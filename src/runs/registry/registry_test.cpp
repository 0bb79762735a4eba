// Events: what is taken, what is refused, what is kept.
#include "runs/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using base::ErrorCode;
using runs::testing::nanos_per_second;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RegistryTest : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  ErrorCode refused(const std::string& run, std::vector<Event> events) {
    const auto applied = apply(run, std::move(events));
    EXPECT_FALSE(applied.has_value());
    return applied ? ErrorCode::internal : applied.error().code;
  }
  std::vector<std::string> stored_lines() {
    store::ScanRange range;
    range.lifecycle_only = true;
    return store::testing::lines_of(*store.engine, range);
  }
  std::vector<std::string> test_ids(const TestFilter& filter) {
    const auto page = registry->tests(filter);
    EXPECT_TRUE(page.has_value()) << page.error().message();
    std::vector<std::string> out;
    for (const runs::Test& test : page->tests) out.push_back(test.key->id);
    return out;
  }
};

TEST_F(RegistryTest, ARunAndItsTestsAreKeptAndTold) {
  const UnixNanos began = now();
  ASSERT_TRUE(apply("r1", {run_started(), worker_started("gw0"), test_started("t1")}));
  clock().advance(nanos_per_second);
  const auto applied = apply("r1", {test_finished("t1", TestOutcome::failed), run_finished(RunOutcome::failed)});
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->accepted, 2u);
  EXPECT_EQ(applied->time, now());

  const auto run = registry->run("r1");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->state, RunState::finished);
  EXPECT_EQ(run->outcome, RunOutcome::failed);
  EXPECT_EQ(run->started, began);
  EXPECT_EQ(run->finished, began + nanos_per_second);
  EXPECT_EQ(run->tests.total, 1u);
  EXPECT_EQ(run->tests.of(TestOutcome::failed), 1u);
  const auto test = registry->test("t1");
  ASSERT_TRUE(test);
  EXPECT_EQ(test->key->node_id, "a.py::t1");
  EXPECT_EQ(test->duration_ns, nanos_per_second);
  EXPECT_THAT(listener.take(), ElementsAre("started r1", "test+ t1", "test- t1 failed", "finished r1 failed"));
  EXPECT_THAT(stored_lines(), SizeIs(5));
}

TEST_F(RegistryTest, AnEventThatComesAgainIsNoSecondOne) {
  const Event start = run_started();
  const Event test = test_started("t1");
  ASSERT_TRUE(apply("r1", {start, test}));
  const auto again = apply("r1", {start, test, test_started("t2"), event(TestFinished{"t2", TestOutcome::passed, 0, "", {}}, "x"),
                                  event(TestFinished{"t2", TestOutcome::passed, 0, "", {}}, "x")});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->accepted, 2u);
  EXPECT_EQ(again->duplicates, 3u);
  EXPECT_EQ(registry->run("r1")->tests.total, 2u);
  EXPECT_THAT(stored_lines(), SizeIs(4));
}

TEST_F(RegistryTest, OneWrongEventRefusesAll) {
  EXPECT_EQ(refused("r1", {test_started("t1"), run_started()}), ErrorCode::run_not_found);
  EXPECT_EQ(registry->run("r1").error().code, ErrorCode::run_not_found);
  ASSERT_TRUE(apply("r1", {run_started()}));
  EXPECT_EQ(refused("r1", {test_started("t1"), test_finished("t2")}), ErrorCode::test_not_found);
  EXPECT_EQ(refused("r1", {run_started({}, "another")}), ErrorCode::run_exists);
  EXPECT_EQ(refused("r1", {event(TraceNoted{"t9", "x"})}), ErrorCode::test_not_found);
  EXPECT_EQ(refused("../r1", {run_started()}), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("r1", {}), ErrorCode::invalid_argument);
  EXPECT_THAT(test_ids({}), IsEmpty());
  EXPECT_THAT(stored_lines(), SizeIs(1));
}

TEST_F(RegistryTest, ATestIdMeansOneTest) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1", "gw0")}));
  const auto other = apply("r1", {event(TestStarted{"t1", "b.py::other", "", 1, "gw0", "", ""})});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(other.error().cause, AllOf(HasSubstr("t1"), HasSubstr("a.py::t1")));
  EXPECT_TRUE(apply("r1", {event(TestStarted{"t1", "a.py::t1", "", 1, "gw0", "", ""})})) << "the same test told twice";
  EXPECT_EQ(registry->run("r1")->tests.total, 1u);
}

// The same node id several times: other attempts and other workers are other tests.
TEST_F(RegistryTest, AttemptsAndWorkersAreTestsOfTheirOwn) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1", "gw0", 1, "a.py::x"), test_finished("t1", TestOutcome::rerun),
                           test_started("t2", "gw0", 2, "a.py::x"), test_finished("t2"), test_started("t3", "gw1", 1, "a.py::x")}));
  EXPECT_THAT(test_ids({.match = "a.py::x"}), ElementsAre("t3", "t2", "t1"));
  const auto run = registry->run("r1");
  EXPECT_EQ(run->tests.of(TestOutcome::rerun), 1u);
  EXPECT_EQ(run->tests.running, 1u);
}

TEST_F(RegistryTest, TestsAreFilteredAndPaged) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1"), test_finished("t1", TestOutcome::failed)}));
  clock().advance(nanos_per_second);
  ASSERT_TRUE(apply("r2", {run_started(), test_started("u1", "gw1"), test_started("u2", "gw2"), test_started("u3", "gw2")}));
  EXPECT_THAT(test_ids({}), ElementsAre("u3", "u2", "u1", "t1"));
  EXPECT_THAT(test_ids({.worker = "gw2"}), ElementsAre("u3", "u2"));
  EXPECT_THAT(test_ids({.outcome = TestOutcome::failed}), ElementsAre("t1"));
  EXPECT_THAT(test_ids({.run = "r2", .match = "::u1"}), ElementsAre("u1"));
  EXPECT_EQ(registry->tests({.run = "r9"}).error().code, ErrorCode::run_not_found);
  std::vector<std::string> paged;
  TestFilter filter{.limit = 1};
  do {
    const auto page = registry->tests(filter);
    ASSERT_TRUE(page);
    for (const runs::Test& test : page->tests) paged.push_back(test.key->id);
    filter.after = page->next;
  } while (!filter.after.empty());
  EXPECT_THAT(paged, ElementsAre("u3", "u2", "u1", "t1"));
}

TEST_F(RegistryTest, RunsAreListedNewestFirstAndPaged) {
  for (int i = 1; i <= 5; ++i) {
    const std::string id = "r" + std::to_string(i);
    ASSERT_TRUE(apply(id, {run_started()}));
    if (i % 2 == 0) ASSERT_TRUE(apply(id, {run_finished()}));
    clock().advance(nanos_per_second);
  }
  std::vector<std::string> ids;
  RunFilter filter{.limit = 2};
  do {
    const auto page = registry->runs(filter);
    ASSERT_TRUE(page);
    EXPECT_LE(page->runs.size(), 2u);
    for (const runs::Run& run : page->runs) ids.push_back(run.id);
    filter.after = page->next;
  } while (!filter.after.empty());
  EXPECT_THAT(ids, ElementsAre("r5", "r4", "r3", "r2", "r1"));
  const auto finished = registry->runs({.state = RunState::finished});
  ASSERT_EQ(finished->runs.size(), 2u);
  EXPECT_EQ(finished->runs[0].id, "r4");
  EXPECT_EQ(registry->runs({.after = "gone"}).error().code, ErrorCode::cursor_expired);
  EXPECT_EQ(registry->open_runs(), 3u);
}

TEST_F(RegistryTest, SecretsAreTakenOutOfEveryText) {
  redact = [](std::string_view text) {
    std::string out(text);
    for (std::size_t at = out.find("hunter2"); at != std::string::npos; at = out.find("hunter2")) out.replace(at, 7, "[***]");
    return out;
  };
  restart();
  RunStarted start;
  start.name = start.command = start.folder = start.host = start.environment = "x hunter2";
  start.services = {{"hunter2", {"/hunter2/*.log"}, {}, {}}};
  ASSERT_TRUE(apply("r1", {event(start), event(TestStarted{"t1", "n[hunter2]", "hunter2", 1, "gw0", "stem_hunter2", ""}),
                           event(TestFinished{"t1", TestOutcome::failed, 0, "assert 'hunter2'", {}}),
                           event(Isolation{record::Labels({{"pod", "hunter2"}}), "t1", ""}), event(Watch{{{"hunter2", {}, {}, {}}}, ""})}));
  for (const std::string& line : stored_lines()) EXPECT_THAT(line, Not(HasSubstr("hunter2")));
  EXPECT_THAT(stored_lines(), Contains(HasSubstr("[***]")));
  const auto test = registry->test("t1");
  EXPECT_EQ(test->key->node_id, "n[[***]]");
  EXPECT_EQ(test->message, "assert '[***]'");
  EXPECT_EQ(test->file_stem, "t1") << "a stem without its secret is a name that the client does not know";
}

TEST_F(RegistryTest, TheClientsWordCountsMoreThanTheEnginesAndTheFirstCounts) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1"), test_finished("t1", TestOutcome::failed)}));
  ASSERT_TRUE(apply("r1", {test_finished("t1", TestOutcome::passed)}));
  EXPECT_EQ(registry->test("t1")->outcome, TestOutcome::failed);
  ASSERT_TRUE(apply("r1", {run_finished(RunOutcome::failed)}));
  ASSERT_TRUE(apply("r1", {run_finished(RunOutcome::passed)}));
  EXPECT_EQ(registry->run("r1")->outcome, RunOutcome::failed);
}

// A store that is full, or closed, while it says so.
class ShutSink final : public record::BatchSink {
 public:
  record::PushOutcome try_push(record::Batch&) override { return outcome; }
  void on_space(std::function<void()> callback) override { callbacks.push_back(std::move(callback)); }
  record::PushOutcome outcome = record::PushOutcome::full;
  std::vector<std::function<void()>> callbacks;
};

TEST_F(RegistryTest, WhatTheStoreDoesNotTakeIsRefusedAndNotKept) {
  ShutSink shut;
  sink = &shut;
  options.commit_timeout_ns = 0;
  restart();
  EXPECT_EQ(refused("r1", {run_started()}), ErrorCode::timeout);
  shut.outcome = record::PushOutcome::closed;
  EXPECT_EQ(refused("r1", {run_started()}), ErrorCode::cancelled);
  EXPECT_EQ(registry->run("r1").error().code, ErrorCode::run_not_found);
  EXPECT_THAT(listener.take(), IsEmpty());
  sink = nullptr;
  restart();
  EXPECT_EQ(apply("r1", {run_started()})->accepted, 1u) << "the same event again";
}

TEST_F(RegistryTest, AFailedCommitIsToldAndTheEventsMayComeAgain) {
  ASSERT_TRUE(apply("r1", {run_started()}));
  files.set_capacity(files.used_bytes());
  const auto full = apply("r1", {test_started("t1")});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::disk_full);
  files.set_capacity(std::nullopt);
  clock().advance(2 * nanos_per_second);
  const auto again = apply("r1", {test_started("t1")});
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->duplicates, 1u);
  EXPECT_THAT(stored_lines(), SizeIs(2)) << "each event once";
}

}  // namespace
}  // namespace telltale::runs
