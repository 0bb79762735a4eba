#include "base/text.h"
#include "reports/json_writer.h"
#include "reports/render.h"
#include "reports/wording.h"

namespace telltale::reports {

namespace {

class JsonReport {
 public:
  explicit JsonReport(const RunReport& report) : report_(report), cases_(test_cases(report)), totals_(totals_of(cases_)) {}

  std::string write() {
    json_.begin_object();
    run();
    totals();
    list("tests", report_.tests, &JsonReport::test);
    list("error_groups", report_.error_groups, &JsonReport::group);
    json_.member("more_error_groups", report_.more_error_groups);
    list("gaps", report_.gaps, &JsonReport::gap);
    json_.member("more_gaps", report_.more_gaps);
    list("services", report_.services, &JsonReport::service);
    texts("notes", report_.notes);
    json_.end_object();
    return json_.take();
  }

 private:
  template <class Item>
  void list(std::string_view name, const std::vector<Item>& items, void (JsonReport::*write)(const Item&)) {
    json_.open_array(name);
    for (const Item& item : items) {
      json_.begin_object();
      (this->*write)(item);
      json_.end_object();
    }
    json_.end_array();
  }
  void texts(std::string_view name, const std::vector<std::string>& items) {
    json_.open_array(name);
    for (const std::string& item : items) json_.value(item);
    json_.end_array();
  }
  void time(std::string_view name, UnixNanos time) {
    if (time != 0) json_.member(name, base::format_rfc3339(time));
  }

  void run() {
    json_.member("run", report_.run);
    json_.member("name", report_.name);
    json_.member("framework", report_.framework);
    json_.member("framework_version", report_.framework_version);
    json_.member("command", report_.command);
    json_.member("folder", report_.folder);
    json_.member("host", report_.host);
    json_.member("environment", report_.environment);
    json_.member("outcome", report_.outcome);
    if (report_.exit_code) json_.member("exit_code", *report_.exit_code);
    time("started", report_.started);
    time("finished", report_.finished);
    time("generated", report_.generated);
    json_.member("engine_version", report_.engine_version);
    json_.open_object("output");
    json_.member("folder", report_.output_folder);
    json_.member("state", report_.output_state);
    json_.end_object();
  }

  void totals() {
    json_.open_object("totals");
    json_.member("tests", cases_.size());
    json_.member("attempts", totals_.attempts);
    json_.member("passed", totals_.passed);
    json_.member("failed", totals_.failed);
    json_.member("skipped", totals_.skipped);
    json_.member("other", totals_.other);
    json_.member("flaky", totals_.flaky);
    json_.member("records", report_.records);
    json_.member("errors", report_.errors);
    json_.member("possible_errors", report_.possible_errors);
    json_.member("tests_with_errors", totals_.with_errors.size());
    json_.member("tests_with_possible_errors", totals_.with_possible.size());
    json_.member("gaps", report_.gaps.size() + report_.more_gaps);
    json_.end_object();
  }

  void test(const TestReport& test) {
    json_.member("test", test.id);
    json_.member("node_id", test.node_id);
    json_.member("name", test.name);
    json_.member("worker", test.worker);
    json_.member("attempt", test.attempt);
    json_.member("outcome", test.outcome);
    time("started", test.started);
    time("finished", test.finished);
    json_.member("duration_ms", test.duration_ns / base::nanos_per_millisecond);
    json_.member_if("message", test.message);
    if (!test.phases.empty()) list("phases", test.phases, &JsonReport::phase);
    json_.member("records", test.records);
    json_.member("shared", test.shared);
    json_.member("errors", test.errors);
    json_.member("possible_errors", test.possible_errors);
    if (test.gaps > 0) json_.member("gaps", test.gaps);
    json_.member_if("log", test.log);
    json_.member_if("error_log", test.error_log);
  }

  void phase(const PhaseReport& phase) {
    json_.member("name", phase.name);
    json_.member("outcome", phase.outcome);
    time("started", phase.started);
    json_.member("duration_ms", phase.duration_ns / base::nanos_per_millisecond);
  }

  void group(const ErrorGroup& group) {
    json_.member("service", group.service);
    json_.member("sample", group.sample);
    json_.member("count", group.count);
    time("first", group.first);
    time("last", group.last);
    texts("tests", group.tests);
    texts("possible_tests", group.possible_tests);
  }

  void gap(const GapReport& gap) {
    json_.member("service", gap.service);
    json_.member("stream", gap.stream);
    json_.member("text", gap.text);
    time("from", gap.from);
    time("to", gap.to);
  }

  void service(const ServiceReport& service) {
    json_.member("name", service.name);
    json_.member("streams", service.streams);
    json_.member("records", service.records);
    json_.member("errors", service.errors);
  }

  const RunReport& report_;
  const std::vector<TestCase> cases_;
  const Totals totals_;
  JsonWriter json_;
};

}  // namespace

std::string render_json(const RunReport& report) {
  return JsonReport(report).write();
}

}  // namespace telltale::reports
