// Queries for tests and runs over a store with a registry: what a user of the labels sees.
#include "runs/attribution/attributor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/exec/query.h"
#include "runs/registry/testing/registry_harness.h"

namespace telltale::runs {
namespace {

using runs::testing::nanos_per_millisecond;
using runs::testing::nanos_per_second;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AttributorTest : public ::testing::Test, public runs::testing::RegistryHarness {
 protected:
  // A line that says when it was written, or (`dated` false) only came between `written_after` and now.
  void write(const std::string& text, bool dated = true, UnixNanos written_after = 0, const std::string& test_id = {}) {
    record::Batch batch;
    batch.stream = api;
    batch.text = text + test_id;
    batch.written_after = written_after;
    record::Record record;
    record.observed_time = now();
    if (dated) {
      record.event_time = now();
      record.resolution = record::TimeResolution::millisecond;
    }
    record.line = record.body = {0, static_cast<std::uint32_t>(text.size())};
    record.test_id = {static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(test_id.size())};
    batch.records.push_back(record);
    ASSERT_EQ(store.push(std::move(batch)), record::PushOutcome::accepted);
    ASSERT_TRUE(store.engine->flush(false, 0));
  }
  void pass(std::int64_t nanos = nanos_per_second) { clock().advance(nanos); }

  std::vector<std::string> lines(const std::string& text) {
    const Attributor labels(*registry);
    query::QueryRequest request;
    auto predicate = query::compile(text, &labels);
    EXPECT_TRUE(predicate.has_value()) << text;
    request.predicate = *predicate;
    request.newest_first = false;
    const auto answer = query::run(*store.engine, clock(), request);
    EXPECT_TRUE(answer.has_value());
    std::vector<std::string> out;
    for (const query::Row& row : answer->rows) out.emplace_back(row.view().line());
    scanned = answer->scanned_records;
    return out;
  }

  const record::StreamRef api = record::make_stream(record::Labels({{"source", "file"}, {"service", "api"}, {"file", "/var/log/api.log"}}));
  std::uint64_t scanned = 0;
};

TEST_F(AttributorTest, LabelsFindWhatBelongsToTestsRunsAndWorkers) {
  write("before");
  pass();
  ASSERT_TRUE(apply("r1", {run_started(), worker_started("gw0"), worker_started("gw1"), test_started("t1", "gw0")}));
  pass();
  write("one");
  pass();
  ASSERT_TRUE(apply("r1", {test_started("t2", "gw1")}));
  pass();
  write("both");
  write("named", true, 0, "t2");
  pass();
  ASSERT_TRUE(apply("r1", {test_finished("t1")}));
  pass();
  write("two");
  pass();
  ASSERT_TRUE(apply("r1", {test_finished("t2")}));
  pass();
  write("neither");
  ASSERT_TRUE(apply("r1", {run_finished()}));
  pass();
  write("after");

  EXPECT_THAT(lines(R"({test="t1"})"), ElementsAre("one"));
  EXPECT_THAT(lines(R"({test="a.py::t2"})"), ElementsAre("named", "two"));
  EXPECT_THAT(lines(R"({test=~"t[12]"})"), ElementsAre("one", "named", "two"));
  EXPECT_THAT(lines(R"({test_candidate="t1"})"), ElementsAre("both"));
  EXPECT_THAT(lines(R"({worker="gw1"})"), ElementsAre("named", "two"));
  EXPECT_THAT(lines(R"({run="r1"})"), ElementsAre("one", "both", "named", "two", "neither"));
  EXPECT_THAT(lines(R"({run="r1", test="", test_candidate=""})"), ElementsAre("neither"));
  EXPECT_THAT(lines(R"({run!="r1"})"), ElementsAre("before", "after"));
  EXPECT_THAT(lines(R"({test="t9"})"), IsEmpty());
  EXPECT_THAT(lines("{}"), SizeIs(7)) << "events are no answers";
  EXPECT_THAT(lines(R"({source="lifecycle"})"), SizeIs(8));
  restart();
  EXPECT_THAT(lines(R"({test="t2"})"), ElementsAre("named", "two"));
  EXPECT_THAT(lines(R"({test_candidate="t2"})"), ElementsAre("both"));
}

TEST_F(AttributorTest, AQueryForATestReadsItsTimeAlone) {
  for (int i = 0; i < 50; ++i) {
    write("old");
    pass(60 * nanos_per_second);
  }
  pass(300 * nanos_per_second);
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1")}));
  pass();
  write("one");
  pass();
  ASSERT_TRUE(apply("r1", {test_finished("t1"), run_finished()}));
  pass(late_id_ns + 120 * nanos_per_second);
  for (int i = 0; i < 50; ++i) {
    pass(60 * nanos_per_second);
    write("new");
  }
  EXPECT_THAT(lines(R"({test="t1"})"), ElementsAre("one"));
  EXPECT_LE(scanned, 5u) << "of 101";
  EXPECT_THAT(lines(R"({run="r1"})"), ElementsAre("one"));
  EXPECT_LE(scanned, 5u);
}

// An engine that was away reads an hour later what was written during the test: only the arrival is known, and the last look before.
TEST_F(AttributorTest, LinesThatCameAnHourLateAreFound) {
  ASSERT_TRUE(apply("r1", {run_started(), test_started("t1")}));
  pass();
  const UnixNanos looked = now();
  pass();
  ASSERT_TRUE(apply("r1", {test_finished("t1"), test_started("t2")}));
  pass();
  ASSERT_TRUE(apply("r1", {test_finished("t2"), run_finished()}));
  pass(3600 * nanos_per_second);
  write("late", false, looked);
  EXPECT_THAT(lines(R"({test_candidate="t1"})"), ElementsAre("late"));
  EXPECT_THAT(lines(R"({test_candidate="t2"})"), ElementsAre("late"));
  write("unknown", false, 0);
  EXPECT_THAT(lines(R"({test_candidate="t1"})"), ElementsAre("late", "unknown")) << "it may have been written at any time";
}

TEST_F(AttributorTest, OfABatchEachRecordIsToldWithItsTests) {
  ASSERT_TRUE(apply("r1", {run_started({{"shop", {"/var/log/api.log"}, 5 * nanos_per_second, {}}}), test_started("t1")}));
  pass(10 * nanos_per_second);
  record::Batch batch;
  batch.stream = api;
  for (const std::int64_t ago : {7, 100}) {
    record::Record record;
    record.observed_time = now();
    record.event_time = now() - ago * nanos_per_second;
    record.resolution = record::TimeResolution::nanosecond;
    batch.records.push_back(record);
  }
  const BatchAttribution found = Attributor(*registry).attribute(batch);
  ASSERT_THAT(found.records, SizeIs(2));
  std::string text;
  append_attribution(text, found, 0);
  EXPECT_EQ(text, R"({"method":"sole","tests":["t1"],"clock":{"offset_ms":5000,"uncertainty_ms":0,"method":"configured"}})");
  text.clear();
  append_attribution(text, found, 1);
  EXPECT_THAT(text, HasSubstr(R"("method":"none","tests":[])"));
  EXPECT_EQ(found.window.runs[0].service, "shop");
}

}  // namespace
}  // namespace telltale::runs
