#include <algorithm>

#include "base/text.h"
#include "reports/json_writer.h"
#include "reports/render.h"
#include "reports/wording.h"

namespace telltale::reports {

namespace {

// Of the schema this was written after: ctrf-io/ctrf, schema/ctrf.schema.json.
constexpr std::string_view spec_version = "0.0.0";

std::int64_t milliseconds(std::int64_t nanos) {
  return std::max<std::int64_t>(nanos, 0) / base::nanos_per_millisecond;
}

std::string_view status_of(std::string_view outcome) {
  if (outcome == "running") return "pending";
  switch (verdict_of(outcome)) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
    case Verdict::other:
      break;
  }
  return "other";
}

class CtrfReport {
 public:
  explicit CtrfReport(const RunReport& report) : report_(report), cases_(test_cases(report)), totals_(totals_of(cases_)) {}

  std::string write() {
    json_.begin_object();
    json_.member("reportFormat", "CTRF");
    json_.member("specVersion", spec_version);
    if (!report_.run.empty()) json_.member("runId", report_.run);
    json_.member("timestamp", base::format_rfc3339(report_.generated, 3));
    json_.member("generatedBy", "telltale");
    json_.open_object("results");
    tool();
    summary();
    json_.open_array("tests");
    for (const TestCase& one : cases_) test(one);
    json_.end_array();
    environment();
    json_.end_object();
    json_.end_object();
    return json_.take();
  }

 private:
  void tool() {
    json_.open_object("tool");
    json_.member("name", report_.framework.empty() ? std::string_view("telltale") : std::string_view(report_.framework));
    json_.member_if("version", report_.framework_version);
    json_.end_object();
  }

  void summary() {
    const auto pending = static_cast<std::uint64_t>(
        std::count_if(cases_.begin(), cases_.end(), [](const TestCase& one) { return one.last->outcome == "running"; }));
    const UnixNanos stop = report_.finished != 0 ? report_.finished : report_.generated;
    json_.open_object("summary");
    json_.member("tests", cases_.size());
    json_.member("passed", totals_.passed);
    json_.member("failed", totals_.failed);
    json_.member("skipped", totals_.skipped);
    json_.member("pending", pending);
    json_.member("other", totals_.other - pending);
    json_.member("flaky", totals_.flaky);
    json_.member("start", milliseconds(report_.started));
    json_.member("stop", milliseconds(stop));
    json_.member("duration", milliseconds(duration_of(report_)));
    json_.open_object("extra");
    json_.member("podErrors", report_.errors);
    json_.member("podErrorsPossible", report_.possible_errors);
    json_.member("testsWithPodErrors", totals_.with_errors.size());
    json_.member("podLogGaps", report_.gaps.size() + report_.more_gaps);
    json_.end_object();
    json_.end_object();
  }

  void test(const TestCase& one) {
    const TestReport& last = *one.last;
    const NodeId parts = split_node_id(last.node_id);
    json_.begin_object();
    json_.member("name", last.node_id.empty() ? std::string_view("(no name)") : std::string_view(last.node_id));
    json_.member("status", status_of(last.outcome));
    outcome(last);
    suite(parts);
    json_.member_if("filePath", parts.file);
    json_.member_if("threadId", last.worker);
    json_.member("retries", one.earlier.size());
    json_.member("flaky", one.flaky());
    if (!one.earlier.empty()) {
      json_.open_array("retryAttempts");
      for (const TestReport* earlier : one.earlier) attempt(*earlier);
      json_.end_array();
    }
    json_.end_object();
  }

  void attempt(const TestReport& test) {
    json_.begin_object();
    json_.member("attempt", std::max<std::uint32_t>(test.attempt, 1));
    // An attempt that was repeated did not pass.
    json_.member("status", test.outcome == "rerun" ? std::string_view("failed") : status_of(test.outcome));
    outcome_without_raw(test);
    json_.end_object();
  }

  void outcome(const TestReport& test) {
    json_.member_if("rawStatus", test.outcome);
    outcome_without_raw(test);
  }

  void outcome_without_raw(const TestReport& test) {
    json_.member("duration", milliseconds(test.duration_ns));
    if (test.started != 0) json_.member("start", milliseconds(test.started));
    if (test.finished != 0) json_.member("stop", milliseconds(test.finished));
    json_.member_if("message", test.message);
    attachments(test);
    json_.open_object("extra");
    json_.member("telltaleTest", test.id);
    json_.member("podErrors", test.errors);
    json_.member("podErrorsPossible", test.possible_errors);
    if (test.gaps > 0) json_.member("podLogGaps", test.gaps);
    json_.member("podLogLines", test.records);
    json_.end_object();
  }

  void attachments(const TestReport& test) {
    if (test.log.empty() && test.error_log.empty()) return;
    json_.open_array("attachments");
    attachment("pod logs", test.log);
    attachment("pod errors", test.error_log);
    json_.end_array();
  }

  void attachment(std::string_view name, std::string_view path) {
    if (path.empty()) return;
    json_.begin_object();
    json_.member("name", name);
    json_.member("contentType", "text/plain");
    json_.member("path", path);
    json_.end_object();
  }

  void suite(const NodeId& parts) {
    if (parts.file.empty() && parts.classes.empty()) return;
    json_.open_array("suite");
    if (!parts.file.empty()) json_.value(parts.file);
    for (const std::string_view part : parts.classes) json_.value(part);
    json_.end_array();
  }

  void environment() {
    json_.open_object("environment");
    json_.member_if("reportName", report_.name);
    json_.member_if("testEnvironment", report_.environment);
    json_.open_object("extra");
    json_.member_if("host", report_.host);
    json_.member_if("command", report_.command);
    json_.member_if("folder", report_.folder);
    json_.end_object();
    json_.end_object();
  }

  const RunReport& report_;
  const std::vector<TestCase> cases_;
  const Totals totals_;
  JsonWriter json_;
};

}  // namespace

std::string render_ctrf(const RunReport& report) {
  return CtrfReport(report).write();
}

}  // namespace telltale::reports
