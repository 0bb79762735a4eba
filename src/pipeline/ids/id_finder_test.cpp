#include "pipeline/ids/id_finder.h"

#include <gtest/gtest.h>

namespace telltale::pipeline {
namespace {

const std::string trace = "0af7651916cd43dd8448eb211c80319c";
const std::string span = "b7ad6b7169203331";

// trace/span/test, with "%" behind it when the test's id is to be decoded.
std::string ids(const std::string& line) {
  ScannerBuilder builder;
  const IdFinder finder(builder);
  const auto scanner = builder.build();
  ScanScratch scratch(*scanner);
  record::Batch batch;
  batch.text = "before\n" + line;
  record::Record& record = batch.records.emplace_back();
  record.line = {7, static_cast<std::uint32_t>(line.size())};
  std::vector<Hit> hits;
  scanner->scan(batch.text, scratch, hits);
  const bool encoded = finder.find(batch, record, hits, 7);
  return std::string(batch.view(record.trace_id)) + "/" + std::string(batch.view(record.span_id)) + "/" +
         std::string(batch.view(record.test_id)) + (encoded ? "%" : "");
}

TEST(IdFinder, FindsIdsAnywhereInALine) {
  for (const std::string& line : {
           "2024-03-21 10:30:00 INFO sold test_id=t1 trace_id=" + trace + " span_id=" + span,
           "[trace_id=" + trace + " span_id=" + span + " test_id=t1] sold",
           "sold {testId: 't1', traceId: '" + trace + "', spanId: '" + span + "'}",
           "< X-Test-Id: t1 traceparent: 00-" + trace + "-" + span + "-01",
           "headers={\"x-test-id\": \"t1\", \"traceparent\": \"00-" + trace + "-" + span + "-01\"}",
           "{\"log\":\"test_id=t1 trace_id=" + trace + " span_id=" + span + "\\n\"}",
           "\"msg\":\"{\\\"test_id\\\":\\\"t1\\\",\\\"trace_id\\\":\\\"" + trace + "\\\",\\\"span.id\\\":\\\"" + span + "\\\"}\"",
           "dd.trace_id=" + trace + ", otelSpanID=" + span + ", baggage: a=1,test.case.name=t1;p=2,b=3",
           "test-id => t1; trace.id=" + trace + "; span-id=" + span,
       }) {
    EXPECT_EQ(ids(line), trace + "/" + span + "/t1") << line;
  }
}

TEST(IdFinder, TakesTestNamesWhole) {
  EXPECT_EQ(ids("test_id=tests/test_a.py::TestB::test_c[x-1] next"), "//tests/test_a.py::TestB::test_c[x-1]");
  EXPECT_EQ(ids("[test_id=tests/test_a.py::test_c[x-1]] next"), "//tests/test_a.py::test_c[x-1]");
  EXPECT_EQ(ids("(test_id=a, other)"), "//a");
  EXPECT_EQ(ids("test_id=\"a b[c, d]\" x"), "//a b[c, d]");
  EXPECT_EQ(ids("test_id=abc."), "//abc");
  EXPECT_EQ(ids("test_id=abc: it failed"), "//abc");
  EXPECT_EQ(ids("baggage=test.case.name=tests%2Fa.py%3A%3At,user=1"), "//tests%2Fa.py%3A%3At%");
  EXPECT_EQ(ids("{\"test.case.name\":\"a%20b\"}"), "//a%20b");
}

TEST(IdFinder, TakesNoOtherNamesAndNoOtherForms) {
  for (const char* line : {"latest_id=5", "my_test_id=5", "test_ids=5", "test_id", "test_id 5", "test_id=", "test_id=null", "test_id: -",
                           "test_id=[REDACTED:email]", "contest.identity=5", "trace_id=12", "trace_id=0af7651916cd43dd8448eb211c80319cff",
                           "trace_id=00000000000000000000000000000000", "traceparent=00-1-2-3", "span_id=b7ad6b71",
                           "test.case.name.other=5", "backtrace_id=0af7651916cd43dd8448eb211c80319c"}) {
    EXPECT_EQ(ids(line), "//") << line;
  }
  EXPECT_EQ(ids("test_id=" + std::string(513, 'a')), "//");
}

TEST(IdFinder, TheFirstOneCounts) {
  EXPECT_EQ(ids("test_id= test_id=a test_id=b"), "//a");
  EXPECT_EQ(ids("no id here\n  test_id=a\n  test_id=b"), "//a");
}

}  // namespace
}  // namespace telltale::pipeline
