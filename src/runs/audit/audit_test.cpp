#include "runs/audit/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runs/files/testing/run_files_harness.h"
#include "sources/file/position.h"
#include "sources/reread/file_origin_reader.h"

namespace telltale::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* path = "/var/log/api.log";
constexpr const char* test_a = "00000000000000aa";
constexpr const char* test_b = "00000000000000bb";

// A store that is written by hand, so that it can be made wrong, over a file of 40 lines of 11 bytes: "line 000 .\n".
class AuditTest : public ::testing::Test {
 protected:
  AuditTest() {
    for (int i = 0; i < 40; ++i) text_ += "line " + std::to_string(1000 + i).substr(1) + " .\n";
    disk_.put(path, text_);
    run_.advance(1000);
    run_.start_run("run-1", "/logs", R"({"name":"api","files":["/var/log/api*.log"]})");
    run_.advance(1000);
  }

  record::Position position(std::uint64_t lines, const std::string& key) {
    sources::FilePosition position;
    position.offset = lines * 11;
    position.first_seen = first_seen_;
    const auto info = disk_.info(path);
    if (info) position.identity = sources::FileIdentity::of(*info);
    const auto& hasher = run_.store().hasher();
    position.head = sources::mark_of(hasher, std::string_view(text_).substr(0, std::min<std::size_t>(position.offset, 1024)));
    position.tail = sources::mark_of(hasher, std::string_view(text_).substr(position.offset - 11, 11));
    position.paths = {path};
    return {"file:" + key, sources::encode_position(position)};
  }

  // Lines [from, to) as the pipeline hands them to the store.
  void store(std::uint64_t from, std::uint64_t to, const std::string& key = "a", bool timed = false) {
    run_.advance(10);
    record::Batch batch;
    batch.stream = store::testing::test_stream("api");
    batch.text = text_.substr(from * 11, (to - from) * 11);
    batch.raw = record::RawRange{from * 11, to * 11, run_.store().hasher()(batch.text)};
    for (std::uint64_t i = 0; i < to - from; ++i) {
      record::Record record;
      record.observed_time = run_.now();
      record.line = record.body = {static_cast<std::uint32_t>(i * 11), 10};
      if (timed) {
        record.event_time = run_.now();
        record.resolution = record::TimeResolution::millisecond;
      }
      batch.records.push_back(record);
    }
    batch.written_after = run_.now() - base::nanos_per_millisecond;
    batch.first_source_line = from;
    batch.position = position(to, key);
    run_.commit(std::move(batch));
    run_.advance(10);
  }

  void state_gap(std::uint64_t from, std::uint64_t to) {
    record::Gap gap;
    gap.reason = record::GapReason::truncated_before_read;
    gap.from_time = gap.to_time = run_.now();
    gap.range = record::RawRange{from * 11, to * 11, {}};
    gap.lines = to - from;
    auto batch = record::make_gap_batch(store::testing::test_stream("api"), gap, run_.now());
    batch.position = record::Position{"file:a", {}};
    run_.commit(std::move(batch));
  }

  AuditReport audit_now(const AuditOptions& options = {}, const std::stop_token& stop = {}) {
    const sources::FileOriginReader origins(disk_, run_.store().hasher());
    const AuditPorts ports{run_.clock(), run_.registry(), run_.store(), origins, run_.store().hasher()};
    auto report = audit(ports, "run-1", options, stop);
    EXPECT_TRUE(report) << report.error().message();
    return report.value_or(AuditReport());
  }

  // "loss 44..66 2 lines [aa]"
  static std::vector<std::string> texts(const AuditReport& report) {
    std::vector<std::string> texts;
    for (const AuditFinding& one : report.findings) {
      std::string text(name_of(one.kind));
      text += " " + std::to_string(one.from) + ".." + std::to_string(one.to);
      if (one.lines) text += " " + std::to_string(*one.lines) + " lines";
      for (const TestKeyRef& test : one.tests) text += " " + test->id.substr(14);
      texts.push_back(text);
    }
    return texts;
  }

  base::testing::MemoryFiles disk_;
  RunFilesHarness run_{disk_, disk_};
  std::string text_;
  base::UnixNanos first_seen_ = 1;
};

TEST_F(AuditTest, WhatIsStoredOnceAndAsItStandsIsClean) {
  store(0, 10);
  store(10, 40);
  run_.finish_run("run-1");
  const AuditReport report = audit_now();
  EXPECT_THAT(texts(report), IsEmpty());
  EXPECT_EQ(report.verdict(), AuditVerdict::clean);
  EXPECT_EQ(report.total.lines, 40U);
  EXPECT_EQ(report.total.bytes, 440U);
  EXPECT_EQ(report.total.compared_bytes, 440U);
  ASSERT_EQ(report.streams.size(), 1U);
  EXPECT_EQ(report.streams[0].service, "api");
}

TEST_F(AuditTest, AHoleInTheStoreIsALossOfExactlyItsLinesAndMeetsItsTest) {
  store(0, 10);
  run_.start_test("run-1", test_a);
  store(13, 20);
  run_.finish_test("run-1", test_a);
  run_.start_test("run-1", test_b);
  store(20, 40);
  const AuditReport report = audit_now();
  EXPECT_THAT(texts(report), ElementsAre("loss 110..143 3 lines aa"));
  EXPECT_EQ(report.verdict(), AuditVerdict::broken);
  EXPECT_EQ(report.total.lost_lines, 3U);
}

TEST_F(AuditTest, AStatedGapIsNoLossButWhatItDoesNotStateIs) {
  store(0, 10);
  state_gap(10, 15);
  store(15, 40);
  EXPECT_THAT(texts(audit_now()), ElementsAre("gap 110..165 5 lines"));
  EXPECT_EQ(audit_now().verdict(), AuditVerdict::clean);
}

TEST_F(AuditTest, OnlyWhatIsNotStatedOfAHoleIsALoss) {
  store(0, 10);
  state_gap(11, 15);
  store(16, 40);
  const AuditReport report = audit_now();
  EXPECT_THAT(texts(report), ElementsAre("loss 110..121 1 lines", "loss 165..176 1 lines", "gap 121..165 4 lines"));
  EXPECT_EQ(report.total.gap_lines, 4U);
}

TEST_F(AuditTest, WhatIsStoredTwiceIsARepetition) {
  store(0, 10);
  store(10, 30);
  run_.start_test("run-1", test_a);
  store(25, 40);
  run_.finish_test("run-1", test_a);
  EXPECT_THAT(texts(audit_now()), ElementsAre("repetition 275..330 5 lines aa"));
  EXPECT_EQ(audit_now().verdict(), AuditVerdict::broken);
}

TEST_F(AuditTest, TheSameRangeTwiceIsOneRepetition) {
  store(0, 20);
  store(0, 20);
  store(20, 40);
  EXPECT_THAT(texts(audit_now()), ElementsAre("repetition 0..220 20 lines"));
}

TEST_F(AuditTest, ACopyThatWasReadAsAFileOfItsOwnIsARepetition) {
  store(0, 10, "a", true);
  store(10, 20, "a", true);
  store(0, 20, "b", true);
  const AuditReport report = audit_now();
  EXPECT_EQ(texts(report).front(), "repetition 0..220 20 lines");
  EXPECT_EQ(report.total.repeated_lines, 20U);
}

TEST_F(AuditTest, EqualLinesWithoutTimesMayHaveBeenWrittenTwice) {
  store(0, 20, "a");
  store(0, 20, "b");
  EXPECT_EQ(audit_now().total.repeated_bytes, 0U);
}

TEST_F(AuditTest, OneChangedByteIsFound) {
  store(0, 10);
  store(10, 20);
  store(20, 40);
  disk_.damage(path, 150);
  EXPECT_THAT(texts(audit_now()), ElementsAre("changed 110..220 10 lines"));
  EXPECT_EQ(audit_now().total.changed_bytes, 110U);
}

TEST_F(AuditTest, AChangeInTheFirstBytesIsFound) {
  store(0, 20);
  store(20, 40);
  disk_.damage(path, 3);
  EXPECT_THAT(texts(audit_now()), ElementsAre("changed 0..220 20 lines"));
}

TEST_F(AuditTest, LinesBehindAllThatIsStoredAreLostWhenTheyWereWrittenBeforeTheRunsEnd) {
  store(0, 38);
  EXPECT_EQ(audit_now().total.later_bytes, 22U) << "the run still goes on";
  EXPECT_THAT(texts(audit_now()), IsEmpty());
  run_.finish_run("run-1");
  EXPECT_THAT(texts(audit_now()), ElementsAre("loss 418..440 2 lines"));
}

TEST_F(AuditTest, AFileThatIsGoneIsSaidToBe) {
  store(0, 40);
  ASSERT_TRUE(disk_.remove(path));
  const AuditReport report = audit_now();
  EXPECT_THAT(texts(report), ElementsAre("gone 0..440"));
  EXPECT_EQ(report.total.gone_bytes, 440U);
  EXPECT_EQ(report.verdict(), AuditVerdict::clean);
}

TEST_F(AuditTest, HolesAreFoundWithoutTheFileToo) {
  store(0, 10);
  store(12, 40);
  ASSERT_TRUE(disk_.remove(path));
  EXPECT_THAT(texts(audit_now()), ElementsAre("loss 110..132", "gone 0..440"));
}

TEST_F(AuditTest, ARenamedFileAndACopyAreFound) {
  store(0, 40);
  ASSERT_TRUE(disk_.rename(path, "/var/log/api.log.1"));
  EXPECT_EQ(audit_now().total.compared_bytes, 440U);
  ASSERT_TRUE(disk_.remove("/var/log/api.log.1"));
  disk_.put("/var/log/api-20261125.log", text_);
  EXPECT_EQ(audit_now().total.compared_bytes, 440U);
  EXPECT_THAT(texts(audit_now()), IsEmpty());
}

TEST_F(AuditTest, OnlyWhatMayHaveBeenWrittenDuringTheRunIsLookedAt) {
  store(0, 10);
  run_.finish_run("run-1");
  run_.advance(1000);
  store(10, 15);
  store(20, 40);
  const AuditReport report = audit_now();
  EXPECT_THAT(texts(report), IsEmpty()) << "the hole came after the run";
  EXPECT_EQ(report.total.lines, 10U);
}

TEST_F(AuditTest, LimitsLeaveOutAndSayIt) {
  store(0, 10);
  store(10, 40);
  AuditOptions options;
  options.max_read_bytes = 110;
  AuditReport report = audit_now(options);
  EXPECT_EQ(report.total.compared_bytes, 110U);
  EXPECT_EQ(report.total.unread_bytes, 330U);
  EXPECT_EQ(report.verdict(), AuditVerdict::incomplete);
  options.max_read_bytes = 0;
  options.max_ranges = 1;
  report = audit_now(options);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("not all of the store was looked at")));
}

TEST_F(AuditTest, ItEndsWhenItIsToldTo) {
  store(0, 40);
  std::stop_source stop;
  stop.request_stop();
  const AuditReport report = audit_now({}, stop.get_token());
  EXPECT_EQ(report.verdict(), AuditVerdict::incomplete);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("it was cancelled")));
}

TEST_F(AuditTest, ALineThatWasCutIsComparedByItsBeginning) {
  store(0, 39);
  record::Batch batch;
  batch.stream = store::testing::test_stream("api");
  batch.text = text_.substr(429, 6) + "\n";
  batch.raw = record::RawRange{429, 440, run_.store().hasher()(batch.text)};
  record::Record record;
  record.observed_time = run_.now();
  record.line = record.body = {0, 6};
  record.flags = record::flag_truncated;
  batch.records.push_back(record);
  batch.position = position(40, "a");
  run_.commit(std::move(batch));
  EXPECT_EQ(audit_now().total.compared_bytes, 440U);
  EXPECT_THAT(texts(audit_now()), IsEmpty());
  disk_.damage(path, 430);
  EXPECT_THAT(texts(audit_now()), ElementsAre("changed 429..440 1 lines"));
}

TEST_F(AuditTest, ARunThatIsNotThereIsAnError) {
  const sources::FileOriginReader origins(disk_, run_.store().hasher());
  const AuditPorts ports{run_.clock(), run_.registry(), run_.store(), origins, run_.store().hasher()};
  const auto report = audit(ports, "nobody", {}, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, base::ErrorCode::run_not_found);
}

}  // namespace
}  // namespace telltale::runs
