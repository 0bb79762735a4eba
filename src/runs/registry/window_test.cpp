// What a window holds: the runs that look at a stream, the tests that may have been running, what ids mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using runs::testing::nanos_per_millisecond;
using runs::testing::nanos_per_second;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Pairs = std::vector<std::pair<std::string, std::string>>;

record::StreamRef file_stream(const std::string& path, Pairs more = {}) {
  more.emplace_back("source", "file");
  more.emplace_back("service", "svc");
  more.emplace_back("file", path);
  return record::make_stream(record::Labels(std::move(more)));
}

class WindowTest : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  // One record, written `ago_ns` before now by its own timestamp.
  record::Batch line(const record::StreamRef& stream, std::int64_t ago_ns, const std::string& test_id = {},
                     const std::string& trace_id = {}) {
    record::Batch batch;
    batch.stream = stream;
    batch.text = "line" + test_id + trace_id;
    record::Record record;
    record.observed_time = now();
    record.event_time = now() - ago_ns;
    record.resolution = record::TimeResolution::nanosecond;
    record.line = record.body = {0, 4};
    record.test_id = {4, static_cast<std::uint32_t>(test_id.size())};
    record.trace_id = {static_cast<std::uint32_t>(4 + test_id.size()), static_cast<std::uint32_t>(trace_id.size())};
    batch.records.push_back(record);
    return batch;
  }
  Window window(const record::Batch& batch) { return registry->window(batch, 0); }
  static std::vector<std::string> tests(const Window& window) {
    std::vector<std::string> out;
    for (const runs::WindowTest& test : window.tests) out.push_back(test.key->id);
    return out;
  }
  static std::vector<std::string> runs_of(const Window& window) {
    std::vector<std::string> out;
    for (const WindowRun& run : window.runs) out.push_back(run.id + ":" + run.service);
    return out;
  }
  void second() { clock().advance(nanos_per_second); }

  const record::StreamRef api = file_stream("/var/log/api.log");
  const record::StreamRef other = file_stream("/var/log/other.log");
};

TEST_F(WindowTest, HoldsTheTestsThatMeetTheTime) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1", "gw0")}));
  second();
  ASSERT_TRUE(apply("r1", {test_started("t2", "gw1")}));
  second();
  ASSERT_TRUE(apply("r1", {test_finished("t1"), test_started("t3", "gw0")}));
  second();
  EXPECT_THAT(tests(window(line(api, 0))), ElementsAre("t2", "t3"));
  EXPECT_THAT(tests(window(line(api, nanos_per_second + 1))), ElementsAre("t1", "t2"));
  EXPECT_THAT(tests(window(line(api, nanos_per_second))), ElementsAre("t1", "t2", "t3")) << "both ends count";
  EXPECT_THAT(tests(window(line(api, 3 * nanos_per_second + 1))), IsEmpty());
  EXPECT_THAT(runs_of(window(line(api, 3 * nanos_per_second + 1))), IsEmpty());
  EXPECT_THAT(runs_of(window(line(api, 0))), ElementsAre("r1:svc"));
}

TEST_F(WindowTest, ARunSeesItsServicesAndUnderItsOwnNames) {
  ASSERT_TRUE(apply("r1", {run_started({{"shop", {"/var/log/api*.log"}, {}, {}}}), test_started("t1")}));
  ASSERT_TRUE(apply("r2", {run_started(), test_started("u1")}));
  ASSERT_TRUE(apply("r3", {run_started({{"x", {"/srv/*"}, {}, {}}}), test_started("v1")}));
  EXPECT_THAT(runs_of(window(line(api, 0))), ElementsAre("r1:shop", "r2:svc"));
  EXPECT_THAT(tests(window(line(api, 0))), ElementsAre("t1", "u1"));
  EXPECT_THAT(runs_of(window(line(other, 0))), ElementsAre("r2:svc"));
  ASSERT_TRUE(apply("r3", {event(Watch{{{"late", {"/var/log/other.log"}, {}, {}}}, ""})}));
  EXPECT_THAT(runs_of(window(line(other, 0))), ElementsAre("r2:svc", "r3:late"));
  EXPECT_TRUE(window(line(lifecycle_stream("r1"), 0)).empty());
}

TEST_F(WindowTest, ClocksAreTheBestThatIsKnown) {
  const auto host = file_stream("/var/log/far.log", {{"host", "far"}});
  ASSERT_TRUE(apply("r1", {run_started({{"api", {"/var/log/api.log"}, 5 * nanos_per_second, {}}, {"far", {"/var/log/far.log"}, {}, {}}}),
                           test_started("t1")}));
  EXPECT_EQ(window(line(api, 0)).clock, (ClockCorrection{5 * nanos_per_second, 0, OffsetMethod::configured}));
  EXPECT_FALSE(window(line(host, 0)).clock.has_value());
  const record::Labels far({{"host", "far"}});
  ASSERT_TRUE(apply("r1", {event(ClockOffset{far, 7, 3, OffsetMethod::measured})}));
  ASSERT_TRUE(apply("r1", {event(ClockOffset{far, 9, 3, OffsetMethod::estimated})}));
  EXPECT_EQ(window(line(host, 0)).clock, (ClockCorrection{7, 3, OffsetMethod::measured})) << "measured is better than estimated";
  ASSERT_TRUE(apply("r1", {event(ClockOffset{far, 8, 2, OffsetMethod::measured})}));
  EXPECT_EQ(window(line(host, 0)).clock, (ClockCorrection{8, 2, OffsetMethod::measured})) << "the newer one";
  registry->add_clock_offset(*host, {1, 1, OffsetMethod::estimated});
  EXPECT_EQ(window(line(host, 0)).clock->offset_ns, 8);
}

TEST_F(WindowTest, CorrectedTimesFindTheTest) {
  second();
  ASSERT_TRUE(apply("r1", {run_started({{"api", {"/var/log/api.log"}, 5 * nanos_per_second, {}}}), test_started("t1")}));
  second();
  ASSERT_TRUE(apply("r1", {test_finished("t1"), run_finished()}));
  clock().advance(100 * nanos_per_second);
  EXPECT_THAT(tests(window(line(api, 105 * nanos_per_second + nanos_per_second / 2))), ElementsAre("t1"));
  EXPECT_THAT(tests(window(line(api, 100 * nanos_per_second + nanos_per_second / 2))), IsEmpty());
}

TEST_F(WindowTest, TheEnginesServicesHaveClocksWhereARunSaysNothing) {
  options.services = {{"api", {"/var/log/*.log"}, 5 * nanos_per_second, {}}};
  restart();
  const UnixNanos began = now();
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1"), event(ClockOffset{api->labels, 1, 0, OffsetMethod::measured})}));
  EXPECT_EQ(window(line(api, 0)).clock, (ClockCorrection{5 * nanos_per_second, 0, OffsetMethod::configured}));
  EXPECT_EQ(registry->test_bounds("t1").value()->from, began - 5 * nanos_per_second - index_margin_ns);
  ASSERT_TRUE(apply("r2", {run_started({{"own", {"/var/log/api.log"}, 7 * nanos_per_second, {}}})}));
  EXPECT_EQ(window(line(api, 0)).clock->offset_ns, 7 * nanos_per_second);
}

TEST_F(WindowTest, IdsMeanTheirTestsLongAfterThemButNotForEver) {
  ASSERT_TRUE(apply("r1", {run_started(), event(TestStarted{"t1", "a.py::x", "", 1, "gw0", "", "0af7651916cd43dd8448eb211c80319c"}),
                           test_finished("t1", TestOutcome::rerun)}));
  second();
  ASSERT_TRUE(apply("r1", {event(TestStarted{"t2", "a.py::x", "", 2, "gw0", "", ""}), test_finished("t2")}));
  clock().advance(60 * nanos_per_second);
  EXPECT_THAT(tests(window(line(api, 0))), IsEmpty());
  const Window by_id = window(line(api, 0, "t1"));
  ASSERT_THAT(tests(by_id), ElementsAre("t1"));
  EXPECT_THAT(by_id.named.at("t1"), ElementsAre(0u));
  const Window by_node = window(line(api, 0, "a.py::x"));
  ASSERT_THAT(tests(by_node), ElementsAre("t1", "t2"));
  EXPECT_THAT(by_node.named.at("a.py::x"), ElementsAre(0u, 1u));
  const Window by_trace = window(line(api, 0, "", "0AF7651916CD43DD8448EB211C80319C"));
  ASSERT_THAT(tests(by_trace), ElementsAre("t1"));
  EXPECT_THAT(by_trace.traced.at("0af7651916cd43dd8448eb211c80319c"), ElementsAre(0u));
  EXPECT_TRUE(window(line(api, 0, "t9")).named.empty());
  clock().advance(late_id_ns);
  EXPECT_THAT(tests(window(line(api, 0, "t1"))), IsEmpty());
}

TEST_F(WindowTest, AnIdOutsideOfTheRunsStreamsMeansNothing) {
  ASSERT_TRUE(apply("r1", {run_started({{"api", {"/var/log/api.log"}, {}, {}}}), test_started("t1")}));
  EXPECT_TRUE(window(line(other, 0, "t1")).empty());
}

TEST_F(WindowTest, AStreamThatIsATestsAloneIsNobodyElses) {
  const auto pod = file_stream("/var/log/pods/p1.log", {{"pod", "p1"}});
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1", "gw0"), test_started("t2", "gw1"),
                           event(Isolation{record::Labels({{"pod", "p1"}}), "t1", ""})}));
  ASSERT_TRUE(apply("r2", {run_started(), test_started("u1")}));
  const Window alone = window(line(pod, 0));
  EXPECT_THAT(tests(alone), ElementsAre("t1"));
  EXPECT_THAT(alone.isolated, ElementsAre(0u));
  EXPECT_THAT(runs_of(alone), ElementsAre("r1:svc"));
  EXPECT_THAT(tests(window(line(api, 0))), ElementsAre("t1", "t2", "u1"));
  ASSERT_TRUE(apply("r1", {test_finished("t1")}));
  clock().advance(100 * nanos_per_second);
  EXPECT_THAT(tests(window(line(pod, 0))), ElementsAre("t1")) << "its last words come when it is over";
}

TEST_F(WindowTest, AWorkersStreamHasItsTestsAlone) {
  const auto pod = file_stream("/var/log/gw1/app.log", {{"pod", "of-gw1"}});
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1", "gw0"), test_started("t2", "gw1"),
                           event(Isolation{record::Labels({{"pod", "of-gw1"}}), "", "gw1"})}));
  const Window of_worker = window(line(pod, 0));
  EXPECT_THAT(tests(of_worker), ElementsAre("t2"));
  EXPECT_EQ(of_worker.runs[0].worker, "gw1");
  EXPECT_THAT(of_worker.isolated, IsEmpty());
}

TEST_F(WindowTest, WatchedFilesOfATestAreItsAlone) {
  ASSERT_TRUE(apply("r1", {run_started({{"api", {"/var/log/api.log"}, {}, {}}}), test_started("t1", "gw0"), test_started("t2", "gw1"),
                           event(Watch{{{"job", {"/var/log/other.log"}, {}, {}}}, "t2"})}));
  EXPECT_THAT(tests(window(line(other, 0))), ElementsAre("t2"));
  EXPECT_THAT(window(line(other, 0)).isolated, ElementsAre(0u));
  EXPECT_THAT(tests(window(line(api, 0))), ElementsAre("t1", "t2"));
}

TEST_F(WindowTest, RunsThatWereLetGoAreReadForOldRecords) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1")}));
  second();
  ASSERT_TRUE(apply("r1", {test_finished("t1"), run_finished()}));
  restart(3600 * nanos_per_second);
  EXPECT_THAT(tests(window(line(api, 3600 * nanos_per_second + nanos_per_second / 2))), ElementsAre("t1"));
  EXPECT_THAT(tests(window(line(api, 1800 * nanos_per_second))), IsEmpty());
}

// A client on another machine whose clock is an hour ahead: its tests are where the engine's clock puts them.
TEST_F(WindowTest, ARemoteClientsClockIsCorrected) {
  constexpr std::int64_t ahead = 3600 * nanos_per_second;
  const auto shifted = [&](Event event) {
    event.time += ahead;
    return event;
  };
  const UnixNanos began = now();
  ASSERT_TRUE(apply("r1", {shifted(run_started()), shifted(test_started("t1"))}, 1, false));
  clock().advance(10 * nanos_per_second);
  ASSERT_TRUE(apply("r1", {shifted(test_finished("t1"))}, 1, false));
  clock().advance(10 * nanos_per_second);
  const Window inside = window(line(api, 15 * nanos_per_second));
  ASSERT_THAT(tests(inside), ElementsAre("t1"));
  EXPECT_LE(inside.tests[0].span.from, began);
  EXPECT_GE(inside.tests[0].span.from, began - nanos_per_second);
  EXPECT_EQ(inside.tests[0].span.to, began + 10 * nanos_per_second);
  EXPECT_THAT(tests(window(line(api, 5 * nanos_per_second))), IsEmpty());
}

TEST_F(WindowTest, BoundsHoldEveryRecordThatMayBelongToATest) {
  second();
  ASSERT_TRUE(apply("r1", {run_started({{"api", {"/var/log/api.log"}, 5 * nanos_per_second, {}}})}));
  const UnixNanos began = now();
  ASSERT_TRUE(apply("r1", {test_started("t1", "gw0", 1, "a.py::x")}));
  second();
  ASSERT_TRUE(apply("r1", {test_finished("t1")}));
  second();
  ASSERT_TRUE(apply("r1", {test_started("t2", "gw0", 2, "a.py::x")}));
  second();
  ASSERT_TRUE(apply("r1", {test_finished("t2"), run_finished()}));
  const auto bounds = *registry->test_bounds("t1");
  ASSERT_TRUE(bounds.has_value());
  EXPECT_EQ(bounds->from, began - 5 * nanos_per_second - index_margin_ns) << "a record of 5 s before may be of a clock that is 5 s behind";
  EXPECT_EQ(bounds->to, began + nanos_per_second + late_id_ns);
  EXPECT_EQ(registry->test_bounds("a.py::x").value()->to, began + 3 * nanos_per_second + late_id_ns);
  EXPECT_EQ(registry->test_bounds("a.py::y").value(), std::nullopt);
  EXPECT_EQ(registry->run_bounds("r1").value()->from, began - 5 * nanos_per_second - index_margin_ns);
  EXPECT_EQ(registry->run_bounds("r2").value(), std::nullopt);
}

TEST_F(WindowTest, BoundsReachDownToTimestampsThatAreLessExactThanTheBeginning) {
  second();
  clock().advance(400 * nanos_per_millisecond + 49'000);
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1")}));
  const auto bounds = *registry->test_bounds("t1");
  ASSERT_TRUE(bounds.has_value());
  EXPECT_LE(bounds->from, now() / nanos_per_second * nanos_per_second) << "a record whose time is given in seconds";
}

TEST_F(WindowTest, CostsLittleWhateverTheNumberOfTests) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("hangs", "gw9")}));
  std::vector<Event> events;
  for (int i = 0; i < 50'000; ++i) {
    const std::string test = "t" + std::to_string(i);
    clock().advance(nanos_per_millisecond);
    events.push_back(test_started(test));
    clock().advance(nanos_per_millisecond);
    events.push_back(test_finished(test));
    if (events.size() == 1000) ASSERT_TRUE(apply("r1", std::exchange(events, {})));
  }
  const Window found = window(line(api, 50'000 * nanos_per_millisecond));
  EXPECT_LE(found.tests.size(), 3u) << "a copy of what meets, not of all";
  EXPECT_EQ(found.tests.front().key->id, "hangs");
}

}  // namespace
}  // namespace telltale::runs
