#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "reports/render.h"
#include "reports/wording.h"
#include "reports/xml_text.h"

namespace telltale::reports {

namespace {

// What stands inside a test case for an outcome. A flaky or rerun attempt is told by other elements.
enum class Element : std::uint8_t { none, failure, error, skipped };

Element element_of(std::string_view outcome) {
  if (outcome == "failed") return Element::failure;
  if (outcome == "error" || outcome == "crashed" || outcome == "interrupted" || outcome == "rerun") return Element::error;
  if (outcome == "skipped" || outcome == "xfailed" || outcome == "running") return Element::skipped;
  return Element::none;
}

// What is told where the client told nothing.
std::string_view default_message(std::string_view outcome) {
  if (outcome == "crashed") return "the worker ended while the test ran";
  if (outcome == "interrupted") return "the run ended while the test ran";
  if (outcome == "rerun") return "the next attempt did not start";
  if (outcome == "running") return "the test has not finished yet";
  if (outcome == "xfailed") return "expected to fail, and failed";
  return outcome;
}

struct Counts {
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::size_t skipped = 0;
};

Counts counts_of(const std::vector<TestCase>& cases) {
  Counts counts;
  for (const TestCase& one : cases) {
    const Element element = element_of(one.last->outcome);
    counts.failures += element == Element::failure ? 1 : 0;
    counts.errors += element == Element::error ? 1 : 0;
    counts.skipped += element == Element::skipped ? 1 : 0;
  }
  return counts;
}

class JunitReport {
 public:
  explicit JunitReport(const RunReport& report) : report_(report), cases_(test_cases(report)), counts_(counts_of(cases_)) {}

  std::string write() {
    out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    begin("testsuites", "");
    attribute("name", report_.name.empty() ? report_.run : report_.name);
    totals();
    out_ += ">\n";
    begin("testsuite", "  ");
    attribute("name", report_.framework.empty() ? std::string_view("tests") : std::string_view(report_.framework));
    totals();
    if (report_.started != 0) attribute("timestamp", base::format_rfc3339(report_.started, 3));
    if (!report_.host.empty()) attribute("hostname", report_.host);
    out_ += ">\n";
    run_properties();
    for (const TestCase& one : cases_) test_case(one);
    out_ += "  </testsuite>\n</testsuites>\n";
    return std::move(out_);
  }

 private:
  void begin(std::string_view element, std::string_view indent) {
    out_ += indent;
    out_ += '<';
    out_ += element;
  }
  void attribute(std::string_view name, std::string_view value) {
    out_ += ' ';
    out_ += name;
    out_ += "=\"";
    append_xml_attribute(out_, value);
    out_ += '"';
  }
  void totals() {
    attribute("tests", std::to_string(cases_.size()));
    attribute("failures", std::to_string(counts_.failures));
    attribute("errors", std::to_string(counts_.errors));
    attribute("skipped", std::to_string(counts_.skipped));
    attribute("time", seconds_text(duration_of(report_)));
  }
  void property(std::string_view indent, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin("property", indent);
    attribute("name", name);
    attribute("value", value);
    out_ += "/>\n";
  }

  void run_properties() {
    out_ += "    <properties>\n";
    const auto add = [this](std::string_view name, std::string_view value) { property("      ", name, value); };
    add("telltale_run", report_.run);
    add("outcome", report_.outcome);
    add("environment", report_.environment);
    add("framework_version", report_.framework_version);
    add("command", report_.command);
    add("pod_errors", std::to_string(report_.errors));
    add("pod_errors_possible", std::to_string(report_.possible_errors));
    add("pod_log_gaps", std::to_string(report_.gaps.size() + report_.more_gaps));
    add("pod_logs", report_.output_folder);
    for (const GapReport& gap : report_.gaps) add("pod_log_gap", gap_line(gap));
    for (const std::string& note : report_.notes) add("note", note);
    out_ += "    </properties>\n";
  }

  void test_case(const TestCase& one) {
    const TestReport& test = *one.last;
    const NodeId parts = split_node_id(test.node_id);
    begin("testcase", "    ");
    attribute("classname", class_name(parts));
    attribute("name", parts.name.empty() ? std::string_view(test.name) : parts.name);
    attribute("time", seconds_text(test.duration_ns));
    out_ += ">\n";
    test_properties(one);
    outcome(test);
    for (const TestReport* earlier : one.earlier) attempt(*earlier, one.flaky());
    out_ += "    </testcase>\n";
  }

  // As pytest's own: the file's path with dots, then the classes.
  std::string class_name(const NodeId& parts) const {
    std::string name(parts.file);
    if (name.ends_with(".py")) name.resize(name.size() - 3);
    for (char& c : name) c = c == '/' || c == '\\' ? '.' : c;
    for (const std::string_view part : parts.classes) {
      if (!name.empty()) name += '.';
      name += part;
    }
    return name.empty() ? report_.framework : name;
  }

  void test_properties(const TestCase& one) {
    const TestReport& test = *one.last;
    out_ += "      <properties>\n";
    const auto add = [this](std::string_view name, std::string_view value) { property("        ", name, value); };
    add("telltale_test", test.id);
    add("worker", test.worker);
    if (!one.earlier.empty()) add("attempts", std::to_string(one.earlier.size() + 1));
    add("pod_errors", std::to_string(test.errors));
    add("pod_errors_possible", std::to_string(test.possible_errors));
    if (test.gaps > 0) add("pod_log_gaps", std::to_string(test.gaps));
    add("pod_log", test.log);
    add("pod_errors_log", test.error_log);
    out_ += "      </properties>\n";
  }

  void outcome(const TestReport& test) {
    static constexpr std::string_view names[] = {"", "failure", "error", "skipped"};
    const Element element = element_of(test.outcome);
    if (element != Element::none) told(names[static_cast<std::size_t>(element)], test, true);
  }

  // Maven Surefire's words for attempts before the last, where they did not pass.
  void attempt(const TestReport& test, bool passed_later) {
    if (verdict_of(test.outcome) == Verdict::passed || verdict_of(test.outcome) == Verdict::skipped) return;
    const bool failure = element_of(test.outcome) == Element::failure || test.outcome == "rerun";
    told(passed_later ? (failure ? "flakyFailure" : "flakyError") : (failure ? "rerunFailure" : "rerunError"), test, false);
  }

  void told(std::string_view element, const TestReport& test, bool last) {
    const std::string_view fallback = !last && test.outcome == "rerun" ? "failed, and was repeated" : default_message(test.outcome);
    const std::string_view message = test.message.empty() ? fallback : std::string_view(test.message);
    begin(element, "      ");
    attribute("message", message.substr(0, message.find_first_of("\r\n")));
    attribute("type", test.outcome);
    if (!last) attribute("attempt", std::to_string(test.attempt));
    out_ += '>';
    append_xml_text(out_, message);
    out_ += "</";
    out_ += element;
    out_ += ">\n";
  }

  const RunReport& report_;
  const std::vector<TestCase> cases_;
  const Counts counts_;
  std::string out_;
};

}  // namespace

std::string render_junit(const RunReport& report) {
  return JunitReport(report).write();
}

}  // namespace telltale::reports
