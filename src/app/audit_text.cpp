#include "app/audit_text.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"

namespace telltale::app {

namespace {

using boost::json::object;

// 48,120
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", grouped(number), what, number == 1 ? "" : "s");
}

// "3 lines (120 bytes) lost"; the lines are left out where they could not be counted.
void add_fault(std::vector<std::string>& parts, std::uint64_t lines, std::uint64_t bytes, std::string_view what) {
  if (bytes == 0) return;
  if (lines > 0) {
    parts.push_back(fmt::format("{} ({}) {}", counted(lines, "line"), counted(bytes, "byte"), what));
  } else {
    parts.push_back(fmt::format("{} {}", counted(bytes, "byte"), what));
  }
}

void add_unchecked(std::vector<std::string>& parts, std::uint64_t bytes, std::string_view why) {
  if (bytes > 0) parts.push_back(fmt::format("{} {}", counted(bytes, "byte"), why));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

std::string tests_text(const object& finding) {
  std::string out;
  for (const auto& entry : array_of(finding, "tests")) {
    if (!entry.is_object()) continue;
    out += out.empty() ? "; tests: " : ", ";
    out += base::to_printable(text_of(entry.get_object(), "node_id"));
  }
  if (const auto more = count_of(finding, "more_tests"); more > 0) out += fmt::format(" and {} more", more);
  return out;
}

std::string finding_text(const object& finding) {
  std::string out = fmt::format("{} in {}", text_of(finding, "kind"), base::to_printable(text_of(finding, "service")));
  out += fmt::format(" {}", base::to_printable(text_of(finding, "stream")));
  if (!text_of(finding, "to_byte").empty())
    out += fmt::format(", bytes {} to {}", text_of(finding, "from_byte"), text_of(finding, "to_byte"));
  const auto* lines = finding.if_contains("lines");
  if (lines != nullptr && !lines->is_null()) out += fmt::format(", {}", counted(count_of(finding, "lines"), "line"));
  if (const auto detail = text_of(finding, "detail"); !detail.empty()) out += fmt::format(": {}", base::to_printable(detail));
  return out + tests_text(finding);
}

}  // namespace

std::string audit_line(const object& audit) {
  const object& total = object_of(audit, "total");
  const bool nothing = array_of(audit, "streams").empty() && count_of(total, "gaps") == 0;
  if (nothing && text_of(audit, "verdict") == "clean") return "its services wrote nothing";
  std::vector<std::string> parts{counted(array_of(audit, "streams").size(), "stream"), counted(count_of(total, "lines"), "line")};
  add_fault(parts, count_of(total, "lost_lines"), count_of(total, "lost_bytes"), "lost");
  add_fault(parts, count_of(total, "repeated_lines"), count_of(total, "repeated_bytes"), "stored twice");
  add_fault(parts, 0, count_of(total, "changed_bytes"), "changed since");
  const bool all_there = count_of(total, "gone_bytes") == 0;
  if (text_of(audit, "verdict") == "clean") parts.push_back(all_there ? "complete" : "nothing missing in what is left");
  if (text_of(audit, "verdict") == "incomplete") parts.push_back("not all was looked at");
  if (const auto gaps = count_of(total, "gaps"); gaps > 0) {
    const auto lines = count_of(total, "gap_lines");
    parts.push_back(counted(gaps, "stated gap") + (lines > 0 ? fmt::format(" (about {})", counted(lines, "line")) : ""));
  }
  add_unchecked(parts, count_of(total, "gone_bytes"), "gone from the sources");
  add_unchecked(parts, count_of(total, "not_again_bytes"), "of pipes, known by their ranges alone");
  add_unchecked(parts, count_of(total, "unread_bytes"), "not compared");
  return joined(parts);
}

std::vector<std::string> audit_details(const object& audit) {
  std::vector<std::string> lines;
  for (const auto& entry : array_of(audit, "findings")) {
    if (entry.is_object()) lines.push_back(finding_text(entry.get_object()));
  }
  if (const auto more = count_of(audit, "more_findings"); more > 0) lines.push_back(fmt::format("and {}", counted(more, "more finding")));
  for (const auto& entry : array_of(audit, "notes")) {
    if (entry.is_string()) lines.push_back(fmt::format("note: {}", base::to_printable(std::string_view(entry.get_string()))));
  }
  return lines;
}

}  // namespace telltale::app
