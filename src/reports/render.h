// Reports as text: what `GET /api/v1/runs/{run}/report` and `telltale runs report` give. docs/reference/reports.md describes the formats.
// Pure functions; any text in the report is made safe for the format: no control character, no markup and no invalid UTF-8 gets through.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reports/run_report.h"

namespace telltale::reports {

enum class ReportFormat : std::uint8_t { text, markdown, junit, ctrf, json };

std::optional<ReportFormat> parse_report_format(std::string_view name);
// "text, markdown, junit, ctrf, json": for messages.
std::string_view report_format_names();
// "text/plain; charset=utf-8"…
std::string_view report_content_type(ReportFormat format);

std::string render(const RunReport& report, ReportFormat format);

// The closing summary, for terminals.
std::string render_text(const RunReport& report);
// For job summaries and merge requests (GitHub's dialect).
std::string render_markdown(const RunReport& report);
// JUnit XML as pytest and Maven write it: one test case a node id and worker, earlier attempts as flakyFailure or rerunFailure.
std::string render_junit(const RunReport& report);
// Common Test Report Format, ctrf.io.
std::string render_ctrf(const RunReport& report);
// All of the report, in names of this project's own.
std::string render_json(const RunReport& report);

}  // namespace telltale::reports
