#include <array>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "reports/markdown_text.h"
#include "reports/render.h"
#include "reports/wording.h"

namespace telltale::reports {

namespace {

constexpr std::size_t max_rows = 200;  // a job's summary may have 1 MiB
constexpr std::size_t max_message_bytes = 300;

class MarkdownReport {
 public:
  explicit MarkdownReport(const RunReport& report)
      : report_(report), cases_(test_cases(report)), totals_(totals_of(cases_)), names_(cases_) {
    for (const TestReport& test : report.tests) test_names_[test.id] = names_.of(test);
  }

  std::string write() {
    heading();
    facts();
    tests();
    groups();
    services();
    gaps();
    for (const std::string& note : report_.notes) line("\n> {}", code_span(note));
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void heading() { line("## Pod logs: {} in {}\n", counted(report_.errors, "error"), counted(cases_.size(), "test")); }

  void fact(std::string_view name, std::string_view text) {
    if (!text.empty()) line("| {} | {} |", name, code_span(text));
  }

  void facts() {
    line("| | |\n|---|---|");
    fact("Run", report_.run);
    fact("Name", report_.name);
    fact("Outcome", report_.outcome);
    fact("Environment", report_.environment);
    line("| Tests | {} passed, {} failed, {} skipped{}{} |", totals_.passed, totals_.failed, totals_.skipped,
         totals_.other > 0 ? fmt::format(", {} other", totals_.other) : "",
         totals_.flaky > 0 ? fmt::format(", {} flaky", totals_.flaky) : "");
    line("| Errors in pod logs | {}{} |", report_.errors,
         report_.possible_errors > 0 ? fmt::format(" (of them possible: {})", report_.possible_errors) : "");
    line("| Tests with pod errors | {} |", totals_.with_errors.size());
    line("| Duration | {} |", short_duration(duration_of(report_)));
    fact("Logs", report_.output_folder);
  }

  void more(std::size_t all) {
    if (all > max_rows) line("\n… and {} more", all - max_rows);
  }

  // Those that went wrong or have errors.
  void tests() {
    std::vector<const TestReport*> shown;
    for (const TestCase& one : cases_) {
      for (const TestReport* test : one.earlier) add_if_notable(shown, *test);
      add_if_notable(shown, *one.last);
    }
    if (shown.empty()) return;
    line(
        "\n### Tests that went wrong or have pod errors\n\n| test | outcome | errors | possible | message | log "
        "|\n|---|---|--:|--:|---|---|");
    for (std::size_t i = 0; i < shown.size() && i < max_rows; ++i) {
      const TestReport& test = *shown[i];
      line("| {} | {} | {} | {} | {} | {} |", code_span(names_.of(test)), code_span(test.outcome), test.errors, test.possible_errors,
           code_span(first_line(test.message)), code_span(test.errors > 0 && !test.error_log.empty() ? test.error_log : test.log));
    }
    more(shown.size());
  }

  static void add_if_notable(std::vector<const TestReport*>& shown, const TestReport& test) {
    const Verdict verdict = verdict_of(test.outcome);
    const bool went_wrong = verdict == Verdict::failed || (verdict == Verdict::other && test.outcome != "running");
    if (test.errors > 0 || test.possible_errors > 0 || went_wrong) shown.push_back(&test);
  }

  static std::string_view first_line(std::string_view text) {
    return text.substr(0, std::min(text.find_first_of("\r\n"), max_message_bytes));
  }

  std::string names_of(const ErrorGroup& group) {
    constexpr std::size_t max_names = 3;
    std::string names;
    std::size_t count = 0;
    for (const auto& [ids, mark] : {std::pair(&group.tests, ""), std::pair(&group.possible_tests, "?")}) {
      for (const std::string& id : *ids) {
        if (++count > max_names) continue;
        const auto name = test_names_.find(id);
        names += (names.empty() ? "" : "<br>") + code_span(name == test_names_.end() ? id : name->second) + mark;
      }
    }
    if (count > max_names) names += fmt::format("<br>… and {} more", count - max_names);
    return names.empty() ? "–" : names;
  }

  void groups() {
    if (report_.error_groups.empty()) return;
    line("\n### Errors by message\n\n| count | service | message | tests |\n|--:|---|---|---|");
    for (std::size_t i = 0; i < report_.error_groups.size() && i < max_rows; ++i) {
      const ErrorGroup& group = report_.error_groups[i];
      line("| {} | {} | {} | {} |", group.count, code_span(group.service), code_span(group.sample), names_of(group));
    }
    more(report_.error_groups.size() + report_.more_error_groups);
  }

  void services() {
    if (report_.services.empty()) return;
    line("\n### Services\n\n| service | streams | lines | errors |\n|---|--:|--:|--:|");
    for (std::size_t i = 0; i < report_.services.size() && i < max_rows; ++i) {
      const ServiceReport& service = report_.services[i];
      line("| {} | {} | {} | {} |", code_span(service.name), service.streams, service.records, service.errors);
    }
    more(report_.services.size());
  }

  void gaps() {
    if (report_.gaps.empty()) return;
    line("\n### Gaps in what was captured\n\n| service | what is missing |\n|---|---|");
    for (std::size_t i = 0; i < report_.gaps.size() && i < max_rows; ++i) {
      line("| {} | {} |", code_span(report_.gaps[i].service), code_span(report_.gaps[i].text));
    }
    more(report_.gaps.size() + report_.more_gaps);
  }

  const RunReport& report_;
  const std::vector<TestCase> cases_;
  const Totals totals_;
  const TestNames names_;
  std::map<std::string, std::string> test_names_;  // by id
  std::string out_;
};

}  // namespace

std::string render_markdown(const RunReport& report) {
  return MarkdownReport(report).write();
}

}  // namespace telltale::reports
