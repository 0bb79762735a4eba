#include "reports/run_report.h"

#include <algorithm>
#include <map>
#include <utility>

namespace telltale::reports {

Verdict verdict_of(std::string_view outcome) {
  if (outcome == "passed" || outcome == "xpassed") return Verdict::passed;
  if (outcome == "failed" || outcome == "error" || outcome == "crashed") return Verdict::failed;
  if (outcome == "skipped" || outcome == "xfailed") return Verdict::skipped;
  return Verdict::other;  // interrupted, rerun without a next attempt, running
}

bool TestCase::flaky() const {
  return !earlier.empty() && verdict_of(last->outcome) == Verdict::passed;
}

std::vector<TestCase> test_cases(const RunReport& report) {
  std::vector<TestCase> cases;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
  for (const TestReport& test : report.tests) {
    const auto [place, is_new] = places.try_emplace({test.node_id, test.worker}, cases.size());
    if (is_new) cases.emplace_back();
    cases[place->second].earlier.push_back(&test);
  }
  for (TestCase& one : cases) {
    // All point into one array: of equal attempts the later in it is the last.
    std::sort(one.earlier.begin(), one.earlier.end(),
              [](const auto* a, const auto* b) { return std::pair(a->attempt, a) < std::pair(b->attempt, b); });
    one.last = one.earlier.back();
    one.earlier.pop_back();
  }
  return cases;
}

namespace {

// Where the first "::" outside of brackets stands.
std::size_t find_divider(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] == '[') ++depth;
    if (text[at] == ']' && depth > 0) --depth;
    if (depth == 0 && text[at] == ':' && text[at + 1] == ':') return at;
  }
  return std::string_view::npos;
}

}  // namespace

NodeId split_node_id(std::string_view node_id) {
  NodeId parts;
  const std::size_t file_end = find_divider(node_id);
  if (file_end == std::string_view::npos) {
    parts.name = node_id;
    return parts;
  }
  parts.file = node_id.substr(0, file_end);
  std::string_view rest = node_id.substr(file_end + 2);
  for (;;) {
    const std::size_t end = rest.substr(0, rest.find('[')).find("::");
    if (end == std::string_view::npos) break;
    parts.classes.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 2);
  }
  parts.name = rest;
  return parts;
}

}  // namespace telltale::reports
