#include "reports/testing/samples.h"

#include <array>
#include <utility>

#include "base/clock.h"

namespace telltale::reports::testing {

namespace {

using base::nanos_per_millisecond;
using base::nanos_per_second;

constexpr UnixNanos start = 1'764'057'792 * nanos_per_second;  // 2025-11-25T08:03:12Z

struct Times {
  std::int64_t begin_ms;
  std::int64_t end_ms;  // 0: it runs
};

TestReport make_test(std::string id, std::string node_id, std::string outcome, Times times) {
  TestReport test;
  test.id = std::move(id);
  test.node_id = std::move(node_id);
  test.name = split_node_id(test.node_id).name;
  test.worker = "gw0";
  test.outcome = std::move(outcome);
  test.started = start + times.begin_ms * nanos_per_millisecond;
  if (times.end_ms != 0) {
    test.finished = start + times.end_ms * nanos_per_millisecond;
    test.duration_ns = test.finished - test.started;
  }
  test.records = 12;
  test.log = "/home/ana/shop/logs/pod_logs/test_logs/" + test.id + ".log";
  return test;
}

std::vector<TestReport> sample_tests() {
  std::vector<TestReport> tests;
  tests.push_back(make_test("00000000000000a1", "tests/test_cart.py::test_add", "passed", {10, 110}));
  auto& pay =
      tests.emplace_back(make_test("00000000000000a2", "tests/test_pay.py::TestPay::test_card[visa-10::00]", "failed", {120, 1620}));
  pay.message = "AssertionError: assert 500 == 200\n  where 500 = <Response [500]>.status_code";
  pay.errors = 2;
  pay.possible_errors = 1;
  pay.shared = 3;
  pay.error_log = "/home/ana/shop/logs/pod_logs/test_logs/00000000000000a2_ERRORS.log";
  pay.phases = {{"setup", "passed", pay.started, 20 * nanos_per_millisecond},
                {"call", "failed", pay.started + 20 * nanos_per_millisecond, 1400 * nanos_per_millisecond},
                {"teardown", "passed", pay.started + 1420 * nanos_per_millisecond, 80 * nanos_per_millisecond}};
  auto& first = tests.emplace_back(make_test("00000000000000a3", "tests/test_search.py::test_slow", "rerun", {150, 400}));
  first.worker = "gw1";
  first.message = "TimeoutError: no answer";
  auto& second = tests.emplace_back(make_test("00000000000000a4", "tests/test_search.py::test_slow", "passed", {400, 900}));
  second.worker = "gw1";
  second.attempt = 2;
  second.possible_errors = 1;
  second.shared = 1;
  tests.push_back(make_test("00000000000000a5", "tests/test_cart.py::test_old", "skipped", {1630, 1630}));
  tests.back().message = "not on this platform";
  tests.push_back(make_test("00000000000000a6", "tests/test_crash.py::test_exit", "crashed", {1700, 1800}));
  tests.back().worker = "gw2";
  tests.push_back(make_test("00000000000000a7", "tests/test_crash.py::test_exit", "crashed", {1900, 2000}));
  tests.back().worker = "gw3";
  tests.push_back(make_test("00000000000000a8", "tests/test_cart.py::test_known", "xfailed", {2000, 2100}));
  tests.push_back(make_test("00000000000000a9", "Cart.Empties", "error", {2100, 2200}));
  tests.back().message = "fixture 'db' not found";
  return tests;
}

}  // namespace

RunReport sample_run() {
  RunReport report;
  report.run = "20251125T080312-7f3a9c";
  report.name = "shop";
  report.framework = "pytest";
  report.framework_version = "8.3.4";
  report.command = "pytest -n 4 --monitor-pods";
  report.folder = "/home/ana/shop";
  report.host = "laptop";
  report.environment = "staging";
  report.outcome = "failed";
  report.exit_code = 1;
  report.started = start;
  report.finished = start + 2345 * nanos_per_millisecond;
  report.generated = report.finished + 10 * nanos_per_millisecond;
  report.records = 420;
  report.errors = 4;
  report.possible_errors = 1;
  report.tests = sample_tests();
  report.error_groups = {{"ledger",
                          "KeyError: 'account_17'",
                          2,
                          start + 300 * nanos_per_millisecond,
                          start + 500 * nanos_per_millisecond,
                          {"00000000000000a2"},
                          {}},
                         {"search",
                          "ERROR query took 812 ms | limit 500",
                          1,
                          start + 600 * nanos_per_millisecond,
                          start + 600 * nanos_per_millisecond,
                          {},
                          {"00000000000000a2", "00000000000000a4"}},
                         {"search", "FATAL `index` is gone", 1, start, start, {}, {}}};
  report.gaps = {{"search", "{service=\"search\", file=\"/var/log/search.log\"}", "gap: rotated_away, about 7 lines", start,
                  start + nanos_per_second}};
  report.services = {{"ledger", 1, 200, 2}, {"search", 2, 220, 2}};
  report.output_folder = "/home/ana/shop/logs/pod_logs";
  report.output_state = "final";
  report.engine_version = "0.1.0";
  return report;
}

RunReport with_text(RunReport report, std::string_view text) {
  const auto put = [text](std::string& field) {
    if (!field.empty()) field = text;
  };
  for (std::string* field : std::array{&report.run, &report.name, &report.framework, &report.framework_version, &report.command,
                                       &report.folder, &report.host, &report.environment, &report.output_folder, &report.output_state}) {
    put(*field);
  }
  for (TestReport& test : report.tests) {
    const std::string number = std::to_string(&test - report.tests.data());
    test.node_id =
        std::string(text) + (test.attempt > 1 ? std::to_string(&test - report.tests.data() - 1) : number);  // attempts stay together
    for (std::string* field : std::array{&test.id, &test.name, &test.worker, &test.message, &test.log, &test.error_log}) put(*field);
  }
  for (ErrorGroup& group : report.error_groups) {
    put(group.service);
    put(group.sample);
    for (std::string& id : group.tests) put(id);
    for (std::string& id : group.possible_tests) put(id);
  }
  for (GapReport& gap : report.gaps) {
    for (std::string* field : std::array{&gap.service, &gap.stream, &gap.text}) put(*field);
  }
  for (ServiceReport& service : report.services) put(service.name);
  report.notes = {std::string(text)};
  return report;
}

std::string_view hostile_text() {
  using namespace std::string_view_literals;
  return "a\0b\x01\x1b[31m\x7f\r\n| `x` ``y`` \\| \\\\| <b>&amp;</b> ]]> --> \"q\" 'p' @all www.example.com [l](javascript:0) \t"
         "\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xef\xbf\xbe\xef\xbf\xbf\xed\xa0\x80\xf4\x90\x80\x80\xff\xfe \xf0\x9f\x92\xa5 {\"x\":1} \\"sv;
}

}  // namespace telltale::reports::testing
