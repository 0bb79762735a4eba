#include "reports/wording.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"

namespace telltale::reports {

std::string counted(std::uint64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string short_duration(std::int64_t nanos) {
  const std::int64_t milliseconds = std::max<std::int64_t>(nanos, 0) / base::nanos_per_millisecond;
  if (milliseconds < 10'000) return fmt::format("{}.{:03} s", milliseconds / 1000, milliseconds % 1000);
  const std::int64_t seconds = milliseconds / 1000;
  if (seconds < 60) return fmt::format("{}.{} s", seconds, milliseconds % 1000 / 100);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string seconds_text(std::int64_t nanos) {
  const std::int64_t milliseconds = std::max<std::int64_t>(nanos, 0) / base::nanos_per_millisecond;
  return fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
}

namespace {

template <class Predicate>
bool any_attempt(const TestCase& one, Predicate predicate) {
  return predicate(*one.last) ||
         std::any_of(one.earlier.begin(), one.earlier.end(), [&](const TestReport* test) { return predicate(*test); });
}

std::uint64_t& count_of(Totals& totals, Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return totals.passed;
    case Verdict::failed:
      return totals.failed;
    case Verdict::skipped:
      return totals.skipped;
    case Verdict::other:
      break;
  }
  return totals.other;
}

}  // namespace

Totals totals_of(const std::vector<TestCase>& cases) {
  Totals totals;
  for (const TestCase& one : cases) {
    totals.attempts += one.earlier.size() + 1;
    ++count_of(totals, verdict_of(one.last->outcome));
    totals.flaky += one.flaky() ? 1 : 0;
    if (any_attempt(one, [](const TestReport& test) { return test.errors > 0; })) {
      totals.with_errors.push_back(&one);
    } else if (any_attempt(one, [](const TestReport& test) { return test.possible_errors > 0; })) {
      totals.with_possible.push_back(&one);
    }
  }
  return totals;
}

TestNames::TestNames(const std::vector<TestCase>& cases) {
  std::vector<std::string_view> all;
  for (const TestCase& one : cases) all.push_back(one.last->node_id);
  std::sort(all.begin(), all.end());
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i] == all[i - 1] && (repeated_.empty() || repeated_.back() != all[i])) repeated_.push_back(all[i]);
  }
}

bool TestNames::is_repeated(const TestReport& test) const {
  return std::binary_search(repeated_.begin(), repeated_.end(), std::string_view(test.node_id));
}

std::string TestNames::of(const TestCase& one) const {
  const TestReport& test = *one.last;
  return is_repeated(test) ? fmt::format("{} ({})", test.node_id, test.worker) : test.node_id;
}

std::string TestNames::of(const TestReport& test) const {
  if (test.attempt <= 1) return is_repeated(test) ? fmt::format("{} ({})", test.node_id, test.worker) : test.node_id;
  if (!is_repeated(test)) return fmt::format("{} (attempt {})", test.node_id, test.attempt);
  return fmt::format("{} ({}, attempt {})", test.node_id, test.worker, test.attempt);
}

std::int64_t duration_of(const RunReport& report) {
  return (report.finished != 0 ? report.finished : report.generated) - report.started;
}

std::string gap_line(const GapReport& gap) {
  const std::string_view service = gap.service.empty() ? std::string_view("-") : std::string_view(gap.service);
  return gap.stream.empty() ? fmt::format("{}: {}", service, gap.text) : fmt::format("{} {}: {}", service, gap.stream, gap.text);
}

}  // namespace telltale::reports
