#include "record/batch.h"

#include <gtest/gtest.h>

namespace telltale::record {
namespace {

TEST(Record, IsIndexedByTheEventTimeOnlyWhereThatIsBelievable) {
  Record record;
  record.observed_time = 100;
  record.event_time = 50;
  EXPECT_EQ(record.index_time(), 100);
  record.resolution = TimeResolution::second;
  EXPECT_EQ(record.index_time(), 50);
  record.flags = flag_time_out_of_range;
  EXPECT_EQ(record.index_time(), 100);
}

TEST(Record, IsAnErrorBySeverityOrFinding) {
  Record record;
  EXPECT_FALSE(record.is_error());
  record.finding_count = 1;
  EXPECT_TRUE(record.is_error());
  record.finding_count = 0;
  record.severity = Severity::error;
  EXPECT_TRUE(record.is_error());
}

TEST(Batch, BytesCountWhatItHolds) {
  Batch batch;
  const std::size_t empty = batch.bytes();
  batch.text.reserve(10'000);
  batch.records.resize(100);
  batch.position = Position{std::string(1000, 'k'), ""};
  EXPECT_GE(batch.bytes(), empty + 10'000 + 100 * sizeof(Record) + 1000);
}

TEST(Batch, ViewsFollowTheirRecords) {
  Batch batch;
  batch.text = "firstsecond";
  batch.records.resize(2);
  batch.records[0].line = {0, 5};
  batch.records[1].line = {5, 6};
  batch.records[1].first_finding = 1;
  batch.records[1].finding_count = 1;
  batch.findings = {{1, 1, 0, FindingKind::word}, {2, 2, 0, FindingKind::exception}};
  EXPECT_EQ(batch.line(batch.records[1]), "second");
  ASSERT_EQ(batch.findings_of(batch.records[1]).size(), 1U);
  EXPECT_EQ(batch.findings_of(batch.records[1])[0].begin, 2U);
}

}  // namespace
}  // namespace telltale::record
