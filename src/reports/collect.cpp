#include "reports/collect.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "runs/summary/tally.h"

namespace telltale::reports {

namespace {

constexpr std::size_t page_tests = 1000;

std::string word(auto outcome) {
  return std::string(static_cast<int>(outcome) == 0 ? "running" : name_of(outcome));
}

RunReport report_of(const runs::Run& run) {
  RunReport report;
  report.run = run.id;
  report.name = run.name;
  report.framework = run.framework;
  report.framework_version = run.framework_version;
  report.command = run.command;
  report.folder = run.folder;
  report.host = run.host;
  report.environment = run.environment;
  report.outcome = word(run.outcome);
  report.exit_code = run.exit_code;
  report.started = run.started;
  report.finished = run.finished.value_or(0);
  return report;
}

TestReport report_of(const runs::Test& test, const runs::TestTally& tally) {
  TestReport report;
  report.id = test.key->id;
  report.node_id = test.key->node_id;
  report.name = test.key->name;
  report.worker = test.key->worker;
  report.attempt = test.key->attempt;
  report.outcome = word(test.outcome);
  report.started = test.started;
  report.finished = test.finished.value_or(0);
  report.duration_ns = test.duration_ns;
  report.message = test.message;
  for (const runs::Phase& phase : test.phases) {
    report.phases.push_back({std::string(name_of(phase.name)), word(phase.outcome), phase.started, phase.duration_ns});
  }
  report.records = tally.records;
  report.shared = tally.shared;
  report.errors = tally.errors;
  report.possible_errors = tally.possible_errors;
  report.gaps = tally.gaps;
  return report;
}

base::Result<std::vector<runs::Test>> tests_of(const runs::Registry& registry, const std::string& run) {
  std::vector<runs::Test> tests;
  runs::TestFilter filter;
  filter.run = run;
  filter.limit = page_tests;
  do {
    auto page = registry.tests(filter);
    if (!page) return base::pass(page);
    std::move(page->tests.begin(), page->tests.end(), std::back_inserter(tests));
    filter.after = page->next;
  } while (!filter.after.empty());
  std::reverse(tests.begin(), tests.end());
  return tests;
}

void add_tally(RunReport& report, const runs::RunTally& tally) {
  report.records = tally.records;
  report.errors = tally.errors;
  report.possible_errors = tally.possible_errors;
  report.more_error_groups = tally.more_error_groups;
  report.more_gaps = tally.more_gaps;
  for (const auto& [name, service] : tally.services) report.services.push_back({name, service.streams, service.records, service.errors});
  for (const runs::ErrorTally& group : tally.error_groups) {
    report.error_groups.push_back({group.service, group.sample, group.count, group.first, group.last, group.tests, group.possible_tests});
  }
  for (const runs::GapTally& gap : tally.gaps) {
    report.gaps.push_back({gap.service, gap.stream->labels.to_text(), gap.text, gap.from, gap.to});
  }
}

void add_notes(RunReport& report, const runs::Run& run, const std::string& problem) {
  if (!run.complete) report.notes.push_back("Retention has removed the beginning of this run: what was said and written then is missing.");
  if (run.state == runs::RunState::running) report.notes.push_back("The run has not finished: counts will change.");
  if (run.ended_by != runs::EndReason::none) {
    report.notes.push_back(fmt::format("The run's end was not told by its client ({}).", name_of(run.ended_by)));
  }
  if (!problem.empty()) report.notes.push_back(fmt::format("The run's files could not be written: {}", problem));
}

}  // namespace

base::Result<RunReport> collect(const CollectPorts& ports, const std::string& id) {
  const auto run = ports.registry.run(id);
  if (!run) return std::unexpected(run.error());
  const auto tests = tests_of(ports.registry, id);
  if (!tests) return std::unexpected(tests.error());
  const auto tally = runs::tally(ports.registry, ports.attributor, ports.reader, id);
  if (!tally) return std::unexpected(tally.error());
  RunReport report = report_of(*run);
  report.generated = ports.clock.wall();
  report.engine_version = ports.engine_version;
  add_tally(report, *tally);
  if (run->output) report.output_folder = run->output->folder;
  report.output_state = name_of(run->output_state);
  runs::OutputStatus output;
  if (ports.files != nullptr) output = ports.files->status(id);
  for (const runs::Test& test : *tests) {
    TestReport& told = report.tests.emplace_back(report_of(test, tally->test(test.key->id)));
    if (ports.files == nullptr) continue;
    runs::TestFiles files = ports.files->files_of(*run, test);
    told.log = std::move(files.log);
    told.error_log = std::move(files.errors);
  }
  add_notes(report, *run, output.problem);
  return report;
}

}  // namespace telltale::reports
