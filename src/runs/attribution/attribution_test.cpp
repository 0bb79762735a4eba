#include "runs/attribution/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace telltale::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t second = base::nanos_per_second;
constexpr std::int64_t grace = base::nanos_per_millisecond;

// A run with tests, and one record whose time the test sets. Times are seconds.
struct Scene {
  Scene() { window.runs.push_back({.id = "run-1", .service = "api", .span = {0, INT64_MAX}, .worker = ""}); }

  std::uint32_t test(std::string id, std::string node_id, std::int64_t from, std::int64_t to, std::string worker = "gw0") {
    auto key = std::make_shared<TestKey>();
    key->run = "run-1";
    key->id = std::move(id);
    key->node_id = std::move(node_id);
    key->worker = std::move(worker);
    const auto index = static_cast<std::uint32_t>(window.tests.size());
    window.named[key->id].push_back(index);
    window.named[key->node_id].push_back(index);
    window.tests.push_back({key, {from * second, to * second}, 0});
    return index;
  }
  void written(std::int64_t at_ns, record::TimeResolution resolution = record::TimeResolution::nanosecond) {
    record.event_time = at_ns;
    record.resolution = resolution;
    record.observed_time = at_ns + 100 * second;
  }
  void says(std::string test_id, std::string trace_id = "") {
    batch.text = test_id + trace_id;
    record.test_id = {0, static_cast<std::uint32_t>(test_id.size())};
    record.trace_id = {static_cast<std::uint32_t>(test_id.size()), static_cast<std::uint32_t>(trace_id.size())};
  }
  Attribution ask() const { return attribute(window, batch, record, grace); }

  Window window;
  record::Batch batch;
  record::Record record;
};

void expect(const Attribution& attribution, Method method, std::vector<std::uint32_t> tests) {
  EXPECT_EQ(name_of(attribution.method), name_of(method));
  EXPECT_EQ(attribution.tests, tests);
}

TEST(Attribution, OneTestAloneWasRunning) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 30, 40);
  scene.written(15 * second);
  expect(scene.ask(), Method::sole, {0});
  EXPECT_THAT(scene.ask().runs, ElementsAre(0));
  scene.written(25 * second);
  expect(scene.ask(), Method::none, {});
  EXPECT_THAT(scene.ask().runs, ElementsAre(0)) << "the run goes on between its tests";
}

TEST(Attribution, SeveralTestsAreCandidates) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 15, 40);
  scene.written(17 * second);
  expect(scene.ask(), Method::candidates, {0, 1});
  EXPECT_FALSE(scene.ask().certain());
}

TEST(Attribution, ACoarseTimestampMeansAllOfItsTime) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 21, 30);
  scene.written(20 * second, record::TimeResolution::second);
  expect(scene.ask(), Method::candidates, {0, 1});
  scene.written(20 * second + 500 * base::nanos_per_millisecond, record::TimeResolution::millisecond);
  expect(scene.ask(), Method::none, {});
}

TEST(Attribution, TheClockOfTheStreamIsCorrectedAndItsDoubtCounts) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 22, 30);
  scene.window.clock = ClockCorrection{5 * second, 0, OffsetMethod::configured};
  scene.written(6 * second);
  expect(scene.ask(), Method::sole, {0});
  ASSERT_TRUE(scene.ask().clock.has_value());
  scene.window.clock->uncertainty_ns = 12 * second;
  expect(scene.ask(), Method::candidates, {0, 1});
}

TEST(Attribution, WithoutATimestampItWasWrittenBetweenTheLastLookAndItsArrival) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 22, 30);
  scene.record.observed_time = 25 * second;
  scene.batch.written_after = 23 * second;
  expect(scene.ask(), Method::sole, {1});
  EXPECT_FALSE(scene.ask().clock.has_value());
  scene.batch.written_after = 15 * second;
  expect(scene.ask(), Method::candidates, {0, 1});
}

TEST(Attribution, WhoKnowsNotSinceWhenIsNeverCertain) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.record.observed_time = 15 * second;
  scene.batch.written_after = 0;
  expect(scene.ask(), Method::candidates, {0});
}

TEST(Attribution, ATestsOwnIdWinsOverAllElse) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 10, 20);
  scene.window.isolated = {0};
  scene.written(15 * second);
  scene.says("b");
  expect(scene.ask(), Method::id, {1});
  scene.written(500 * second);
  SCOPED_TRACE("whenever it was written");
  expect(scene.ask(), Method::id, {1});
}

TEST(Attribution, ANodeIdIsThatOfTheAttemptThenRunning) {
  Scene scene;
  scene.test("a1", "t::a", 10, 20);
  scene.test("a2", "t::a", 30, 40);
  scene.says("t::a");
  scene.written(35 * second);
  expect(scene.ask(), Method::id, {1});
  scene.written(25 * second);
  SCOPED_TRACE("a short while after its end");
  expect(scene.ask(), Method::id, {0});
  scene.written(45 * second);
  SCOPED_TRACE("either may have left something running");
  expect(scene.ask(), Method::candidates, {0, 1});
}

TEST(Attribution, AnUnknownIdSaysNothing) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.says("somebody else's");
  scene.written(15 * second);
  expect(scene.ask(), Method::sole, {0});
}

TEST(Attribution, ATraceIsItsTests) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 10, 20);
  scene.window.traced["0af7651916cd43dd8448eb211c80319c"] = {1};
  scene.says("", "0AF7651916CD43DD8448EB211C80319C");
  scene.written(15 * second);
  expect(scene.ask(), Method::trace, {1});
}

TEST(Attribution, AStreamOfOneTestIsItsWheneverWritten) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 10, 20);
  scene.window.isolated = {1};
  scene.written(15 * second);
  expect(scene.ask(), Method::isolated, {1});
  scene.written(100 * second);
  expect(scene.ask(), Method::isolated, {1});
}

TEST(Attribution, AStreamOfSeveralTestsIsThatOfTheOneRunning) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.test("b", "t::b", 30, 40);
  scene.test("c", "t::c", 10, 40);
  scene.window.isolated = {0, 1};
  scene.written(35 * second);
  expect(scene.ask(), Method::isolated, {1});
  scene.written(25 * second);
  expect(scene.ask(), Method::none, {});
}

TEST(Attribution, AWorkersStreamIsItsTests) {
  Scene scene;
  scene.test("a", "t::a", 10, 20, "gw3");
  scene.window.runs[0].worker = "gw3";
  scene.written(15 * second);
  expect(scene.ask(), Method::isolated, {0});
}

TEST(Attribution, ATimestampFromTheFutureIsNotBelieved) {
  Scene scene;
  scene.test("a", "t::a", 10, 20);
  scene.written(50 * second);
  scene.record.observed_time = 12 * second;
  scene.batch.written_after = 11 * second;
  expect(scene.ask(), Method::sole, {0});
}

TEST(Attribution, InNoRunIsNobodys) {
  const Window window;
  const record::Batch batch;
  const Attribution attribution = attribute(window, batch, record::Record{}, grace);
  expect(attribution, Method::none, {});
  EXPECT_THAT(attribution.runs, IsEmpty());
}

}  // namespace
}  // namespace telltale::runs
