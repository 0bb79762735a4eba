#include <fmt/format.h>

#include "base/text.h"
#include "reports/render.h"
#include "reports/wording.h"

namespace telltale::reports {

namespace {

constexpr std::size_t max_groups = 10;

class TextReport {
 public:
  explicit TextReport(const RunReport& report) : report_(report), cases_(test_cases(report)), totals_(totals_of(cases_)), names_(cases_) {}

  std::string write() {
    const std::string attempts =
        totals_.attempts > cases_.size() ? fmt::format(" ({})", counted(totals_.attempts, "attempt")) : std::string();
    line("Monitored {}{}", counted(cases_.size(), "test"), attempts);
    line("Detected {} in pod logs", counted(report_.errors, "error"));
    line("Tests with pod errors: {}", totals_.with_errors.size());
    names(totals_.with_errors);
    possible();
    gaps();
    notes();
    groups();
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_ += base::to_printable(fmt::format(format, std::forward<Args>(args)...));
    out_ += '\n';
  }

  void names(const std::vector<const TestCase*>& cases) {
    for (const TestCase* one : cases) line("  - {}", names_.of(*one));
  }

  void possible() {
    if (report_.possible_errors == 0) return;
    line("Of these errors, possible ones (several tests ran when they were written): {}", report_.possible_errors);
    if (totals_.with_possible.empty()) return;
    line("Tests with possible pod errors only: {}", totals_.with_possible.size());
    names(totals_.with_possible);
  }

  void gaps() {
    const std::uint64_t all = report_.gaps.size() + report_.more_gaps;
    if (all == 0) return;
    line("Gaps in what was captured: {}", all);
    for (const GapReport& gap : report_.gaps) line("  - {}", gap_line(gap));
    if (report_.more_gaps > 0) line("  - … and {} more", report_.more_gaps);
  }

  void notes() {
    for (const std::string& note : report_.notes) line("Note: {}", note);
  }

  void groups() {
    if (report_.error_groups.empty()) return;
    line("Errors by message:");
    std::size_t shown = 0;
    for (const ErrorGroup& group : report_.error_groups) {
      if (shown == max_groups) break;
      ++shown;
      line("  {:>5}x [{}] {}", group.count, group.service, group.sample);
    }
    const std::uint64_t hidden = report_.error_groups.size() - shown + report_.more_error_groups;
    if (hidden > 0) line("  … and {}", counted(hidden, "other message"));
  }

  const RunReport& report_;
  const std::vector<TestCase> cases_;
  const Totals totals_;
  const TestNames names_;
  std::string out_;
};

}  // namespace

std::string render_text(const RunReport& report) {
  return TextReport(report).write();
}

}  // namespace telltale::reports
