// Words that more than one format of reports uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reports/run_report.h"

namespace telltale::reports {

// "1 test", "28 tests".
std::string counted(std::uint64_t count, std::string_view thing);
// "0.123 s", "12.3 s", "4 min 5 s".
std::string short_duration(std::int64_t nanos);
// Nanoseconds as seconds with three digits: "0.123".
std::string seconds_text(std::int64_t nanos);

// What the tests of a run come to.
struct Totals {
  std::uint64_t attempts = 0;
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;
  std::uint64_t other = 0;
  std::uint64_t flaky = 0;
  std::vector<const TestCase*> with_errors;    // any attempt has errors of its own
  std::vector<const TestCase*> with_possible;  // else: any attempt has possible errors
};
// Points into `cases`.
Totals totals_of(const std::vector<TestCase>& cases);

// What tests are called: the node id, with the worker where the run has that node id on several.
class TestNames {
 public:
  explicit TestNames(const std::vector<TestCase>& cases);
  std::string of(const TestCase& one) const;
  // The same with "attempt 2".
  std::string of(const TestReport& test) const;

 private:
  bool is_repeated(const TestReport& test) const;
  std::vector<std::string_view> repeated_;  // node ids, sorted
};

// The run's duration: until now where it still runs.
std::int64_t duration_of(const RunReport& report);

// A gap as one line: "service (stream): text".
std::string gap_line(const GapReport& gap);

}  // namespace telltale::reports
