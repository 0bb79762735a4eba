#include "reports/render.h"

#include <array>

namespace telltale::reports {

namespace {

struct Format {
  std::string_view name;
  std::string_view content_type;
  std::string (*render)(const RunReport&);
};

constexpr std::array<Format, 5> formats{{{"text", "text/plain; charset=utf-8", &render_text},
                                         {"markdown", "text/markdown; charset=utf-8", &render_markdown},
                                         {"junit", "application/xml", &render_junit},
                                         {"ctrf", "application/json", &render_ctrf},
                                         {"json", "application/json", &render_json}}};

const Format& of(ReportFormat format) {
  return formats[static_cast<std::size_t>(format)];
}

}  // namespace

std::optional<ReportFormat> parse_report_format(std::string_view name) {
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (formats[i].name == name) return static_cast<ReportFormat>(i);
  }
  return std::nullopt;
}

std::string_view report_format_names() {
  return "text, markdown, junit, ctrf, json";
}

std::string_view report_content_type(ReportFormat format) {
  return of(format).content_type;
}

std::string render(const RunReport& report, ReportFormat format) {
  return of(format).render(report);
}

}  // namespace telltale::reports
