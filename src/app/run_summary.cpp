#include "app/run_summary.h"

#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"

namespace telltale::app {

namespace json = boost::json;

namespace {

std::optional<json::object> object_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  boost::system::error_code failed;
  auto value = json::parse(*text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::uint64_t count(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  boost::system::error_code failed;
  const auto number = value != nullptr ? value->to_number<std::uint64_t>(failed) : 0;
  return failed ? 0 : number;
}

std::string text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? base::to_printable(std::string_view(value->get_string())) : std::string();
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
  const auto* services = run.if_contains("services");
  if (services == nullptr || !services->is_array() || services->get_array().empty()) return;
  std::string each;
  for (const auto& one : services->get_array()) {
    if (!one.is_object()) continue;
    const auto& service = one.get_object();
    if (!each.empty()) each += ", ";
    each += fmt::format("{} {}", text(service, "name"), count(service, "records"));
    if (const auto errors = count(service, "errors"); errors > 0) each += fmt::format(" ({})", counted(errors, "error"));
  }
  lines.push_back(
      line("services", fmt::format("{}, {}: {}", counted(count(run, "records"), "line"), counted(count(run, "errors"), "error"), each)));
}

void add_tests(std::vector<std::string>& lines, const json::object& run) {
  const auto* tests = run.if_contains("tests");
  if (tests == nullptr || !tests->is_object() || count(tests->get_object(), "total") == 0) return;
  const auto* with_errors = run.if_contains("tests_with_errors");
  const std::size_t errors = with_errors != nullptr && with_errors->is_array() ? with_errors->get_array().size() : 0;
  lines.push_back(line("tests", fmt::format("{}, {} with errors of services", count(tests->get_object(), "total"), errors)));
}

// Relative to the working folder where that is shorter.
std::string shown_path(const std::string& path, const std::string& folder) {
  const std::string relative = std::filesystem::path(path).lexically_relative(folder).string();
  return relative.empty() || relative.starts_with("..") || relative.size() >= path.size() ? path : relative;
}

void add_files(std::vector<std::string>& lines, const RunSummary& summary, const json::object& run) {
  const auto* output = run.if_contains("output");
  if (output == nullptr || !output->is_object()) return;
  const auto& about = output->get_object();
  if (text(about, "state") == "remote") {
    lines.push_back(line("files", "none: the engine is on another machine; see `telltale logs`"));
  } else if (text(about, "state") == "local") {
    std::string what = shown_path(text(about, "folder"), summary.working_folder);
    if (const std::string problem = text(about, "problem"); !problem.empty()) what += fmt::format(" (not complete: {})", problem);
    lines.push_back(line("files", what));
  }
}

void add_gaps(std::vector<std::string>& lines, const json::object& run) {
  const auto* gaps = run.if_contains("gaps");
  if (gaps == nullptr || !gaps->is_array()) return;
  for (const auto& one : gaps->get_array()) {
    if (one.is_object())
      lines.push_back(line("gap", fmt::format("{}: {}", text(one.get_object(), "service"), text(one.get_object(), "text"))));
  }
}

void add_look(std::vector<std::string>& lines, const RunSummary& summary, const json::object& run) {
  const auto* tests = run.if_contains("tests");
  const bool has_tests = tests != nullptr && tests->is_object() && count(tests->get_object(), "total") > 0;
  lines.push_back(line("look", fmt::format("telltale query '{{run=\"{}\"}}'", summary.run)));
  if (summary.captured) lines.push_back(line("", fmt::format("telltale query '{{instance=\"{}\", process=\"command\"}}'", summary.run)));
  if (has_tests) lines.push_back(line("", "telltale logs TEST"));
}

std::string without_engine(const RunSummary& summary) {
  const std::string cause = summary.trouble.empty() ? "the engine does not answer" : base::to_printable(summary.trouble);
  const std::string_view what = summary.connected ? "not all of it was captured" : "nothing was captured";
  return fmt::format("telltale: run {}: {}: {}", summary.run, what, cause);
}

}  // namespace

std::vector<std::string> summary_lines(const RunSummary& summary) {
  std::vector<std::string> lines;
  const auto run = object_of(summary.shown);
  if (!run) {
    lines.push_back(without_engine(summary));
  } else {
    lines.push_back(head(summary));
    add_services(lines, *run);
    if (const auto output = object_of(summary.command_count); output && summary.captured) {
      lines.push_back(line("command", counted(count(*output, "records"), "line") + " of output"));
    }
    add_tests(lines, *run);
    add_gaps(lines, *run);
    add_files(lines, summary, *run);
    add_look(lines, summary, *run);
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
