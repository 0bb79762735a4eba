#include "app/run_summary.h"

#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "app/audit_text.h"
#include "base/text.h"

namespace telltale::app {

namespace json = boost::json;

namespace {

std::string text(const json::object& object, std::string_view key) {
  return base::to_printable(text_of(object, key));
}

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string line(std::string_view topic, std::string_view what) {
  return fmt::format("  {:<9} {}", topic, what);
}

std::string head(const RunSummary& summary) {
  std::string out = fmt::format("telltale: run {}", summary.run);
  if (!summary.name.empty()) out += fmt::format(" ({})", base::to_printable(summary.name));
  if (!summary.command) return out + ": the command was not run";
  const std::int64_t shown_ns = summary.command_ns / base::nanos_per_millisecond * base::nanos_per_millisecond;
  return out + fmt::format(": the command ended with {} after {}", summary.command->text(), base::format_duration(shown_ns));
}

void add_services(std::vector<std::string>& lines, const json::object& run) {
  const auto& services = array_of(run, "services");
  if (services.empty()) return;
  std::string each;
  for (const auto& one : services) {
    if (!one.is_object()) continue;
    const auto& service = one.get_object();
    if (!each.empty()) each += ", ";
    each += fmt::format("{} {}", text(service, "name"), count_of(service, "records"));
    if (const auto errors = count_of(service, "errors"); errors > 0) each += fmt::format(" ({})", counted(errors, "error"));
  }
  lines.push_back(line(
      "services", fmt::format("{}, {}: {}", counted(count_of(run, "records"), "line"), counted(count_of(run, "errors"), "error"), each)));
}

void add_tests(std::vector<std::string>& lines, const json::object& run) {
  const std::uint64_t total = count_of(object_of(run, "tests"), "total");
  if (total == 0) return;
  lines.push_back(line("tests", fmt::format("{}, {} with errors of services", total, array_of(run, "tests_with_errors").size())));
}

// Relative to the working folder where that is shorter.
std::string shown_path(const std::string& path, const std::string& folder) {
  const std::string relative = std::filesystem::path(path).lexically_relative(folder).string();
  return relative.empty() || relative.starts_with("..") || relative.size() >= path.size() ? path : relative;
}

void add_files(std::vector<std::string>& lines, const RunSummary& summary, const json::object& run) {
  const auto& about = object_of(run, "output");
  if (text(about, "state") == "remote") {
    lines.push_back(line("files", "none: the engine is on another machine; see `telltale logs`"));
  } else if (text(about, "state") == "local") {
    std::string what = shown_path(text(about, "folder"), summary.working_folder);
    if (const std::string problem = text(about, "problem"); !problem.empty()) what += fmt::format(" (not complete: {})", problem);
    lines.push_back(line("files", what));
  }
}

void add_gaps(std::vector<std::string>& lines, const json::object& run) {
  for (const auto& one : array_of(run, "gaps")) {
    if (one.is_object())
      lines.push_back(line("gap", fmt::format("{}: {}", text(one.get_object(), "service"), text(one.get_object(), "text"))));
  }
}

void add_look(std::vector<std::string>& lines, const RunSummary& summary, const json::object& run) {
  lines.push_back(line("look", fmt::format("telltale query '{{run=\"{}\"}}'", summary.run)));
  if (summary.captured) lines.push_back(line("", fmt::format("telltale query '{{instance=\"{}\", process=\"command\"}}'", summary.run)));
  if (count_of(object_of(run, "tests"), "total") > 0) lines.push_back(line("", "telltale logs TEST"));
}

std::string without_engine(const RunSummary& summary) {
  const std::string cause = summary.trouble.empty() ? "the engine does not answer" : base::to_printable(summary.trouble);
  const std::string_view what = summary.connected ? "not all of it was captured" : "nothing was captured";
  return fmt::format("telltale: run {}: {}: {}", summary.run, what, cause);
}

}  // namespace

std::vector<std::string> summary_lines(const RunSummary& summary) {
  std::vector<std::string> lines;
  if (!summary.shown) {
    lines.push_back(without_engine(summary));
  } else {
    const auto& run = *summary.shown;
    lines.push_back(head(summary));
    add_services(lines, run);
    if (summary.command_lines && summary.captured) lines.push_back(line("command", counted(*summary.command_lines, "line") + " of output"));
    add_tests(lines, run);
    add_gaps(lines, run);
    if (summary.audit) lines.push_back(line("audit", audit_line(*summary.audit)));
    add_files(lines, summary, run);
    add_look(lines, summary, run);
  }
  for (const auto& ended : summary.ended_services) lines.push_back(fmt::format("telltale: {}", ended));
  if (summary.drained.dropped_lines > 0) {
    lines.push_back(
        fmt::format("telltale: {} could not be kept while no engine took them", counted(summary.drained.dropped_lines, "line")));
  }
  if (summary.drained.through_failure != 0) {
    lines.push_back(
        fmt::format("telltale: output of the command could not be passed on: {}", std::strerror(summary.drained.through_failure)));
  }
  return lines;
}

}  // namespace telltale::app
