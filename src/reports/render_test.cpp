#include "reports/render.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/text.h"
#include "reports/testing/samples.h"
#include "reports/wording.h"

namespace telltale::reports {
namespace {

// Compares with a file of tests/golden/reports; TELLTALE_UPDATE_GOLDEN=1 writes it instead.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(GOLDEN_FOLDER) + "/" + name;
  if (std::getenv("TELLTALE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path;
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << path << "; TELLTALE_UPDATE_GOLDEN=1 writes it anew";
}

constexpr std::pair<ReportFormat, const char*> all_formats[] = {{ReportFormat::text, "txt"},
                                                                {ReportFormat::markdown, "md"},
                                                                {ReportFormat::junit, "junit.xml"},
                                                                {ReportFormat::ctrf, "ctrf.json"},
                                                                {ReportFormat::json, "json"}};

TEST(Render, AFullRunInEveryFormat) {
  for (const auto& [format, ending] : all_formats) expect_golden(std::string("run.") + ending, render(testing::sample_run(), format));
}

TEST(Render, HostileTextInEveryFormat) {
  const RunReport report = testing::with_text(testing::sample_run(), testing::hostile_text());
  for (const auto& [format, ending] : all_formats) {
    const std::string text = render(report, format);
    expect_golden(std::string("hostile.") + ending, text);
    EXPECT_TRUE(base::is_valid_utf8(text)) << ending;
    for (const char c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << ending;
  }
}

TEST(Render, ARunWithoutTestsInEveryFormat) {
  RunReport report;
  report.run = "20251125T080312-7f3a9c";
  report.outcome = "running";
  for (const auto& [format, ending] : all_formats) expect_golden(std::string("empty.") + ending, render(report, format));
}

TEST(Render, FormatsHaveNames) {
  for (const std::string_view name : {"text", "markdown", "junit", "ctrf", "json"}) {
    const auto format = parse_report_format(name);
    ASSERT_TRUE(format) << name;
    EXPECT_NE(report_format_names().find(name), std::string_view::npos);
  }
  EXPECT_FALSE(parse_report_format("html"));
  EXPECT_EQ(report_content_type(ReportFormat::junit), "application/xml");
}

TEST(TextReport, SaysTheWordsOfTheClosingSummary) {
  RunReport report = testing::sample_run();
  report.tests.resize(1);
  report.errors = 1;
  report.possible_errors = 0;
  report.tests[0].errors = 1;
  report.error_groups.clear();
  report.gaps.clear();
  EXPECT_EQ(render_text(report),
            "Monitored 1 test\nDetected 1 error in pod logs\nTests with pod errors: 1\n  - tests/test_cart.py::test_add\n");
  report.errors = report.tests[0].errors = 0;
  EXPECT_EQ(render_text(report), "Monitored 1 test\nDetected 0 errors in pod logs\nTests with pod errors: 0\n");
}

TEST(TextReport, NamesTheWorkerOnlyWhereANodeIdRanOnSeveral) {
  RunReport report = testing::sample_run();
  for (TestReport& test : report.tests) test.errors = 1;
  const std::string text = render_text(report);
  EXPECT_NE(text.find("  - tests/test_crash.py::test_exit (gw2)\n  - tests/test_crash.py::test_exit (gw3)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  - tests/test_search.py::test_slow\n"), std::string::npos) << text;
}

TEST(NodeId, IsDividedOutsideOfBrackets) {
  const auto parts = [](std::string_view text) {
    const NodeId node = split_node_id(text);
    std::string joined(node.file);
    for (const std::string_view part : node.classes) joined += " > " + std::string(part);
    return joined + " > " + std::string(node.name);
  };
  EXPECT_EQ(parts("tests/test_a.py::test_x"), "tests/test_a.py > test_x");
  EXPECT_EQ(parts("tests/test_a.py::TestA::TestB::test_x[a::b]"), "tests/test_a.py > TestA > TestB > test_x[a::b]");
  EXPECT_EQ(parts("dir[1]/test_a.py::test_x"), "dir[1]/test_a.py > test_x");
  EXPECT_EQ(parts("Suite.Case[a::b]"), " > Suite.Case[a::b]");
  EXPECT_EQ(parts("::"), " > ");
  EXPECT_EQ(parts(""), " > ");
}

TEST(TestCases, AttemptsOfOneWorkerAreOneTest) {
  const RunReport report = testing::sample_run();
  const auto cases = test_cases(report);
  ASSERT_EQ(cases.size(), 8U);  // nine tests, of which two are attempts of one
  EXPECT_TRUE(cases[2].flaky());
  EXPECT_EQ(cases[2].last->attempt, 2U);
  ASSERT_EQ(cases[2].earlier.size(), 1U);
  EXPECT_FALSE(cases[4].flaky());
  EXPECT_EQ(TestNames(cases).of(*cases[2].last), "tests/test_search.py::test_slow (attempt 2)");
  EXPECT_EQ(TestNames(cases).of(*cases[4].last), "tests/test_crash.py::test_exit (gw2)");
}

}  // namespace
}  // namespace telltale::reports
