// What is to be told of a run: plain data, filled by who knows it, written by render() in the formats there are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace telltale::reports {

using base::UnixNanos;

// All text may hold anything that a client or a log line held; the formats make it safe.

struct PhaseReport {
  std::string name;  // setup call teardown
  std::string outcome;
  UnixNanos started = 0;
  std::int64_t duration_ns = 0;
};

// One test: (run, node id, attempt, worker).
struct TestReport {
  std::string id;
  std::string node_id;
  std::string name;
  std::string worker;
  std::uint32_t attempt = 1;
  std::string outcome;     // passed failed error skipped xfailed xpassed rerun crashed interrupted; "running" while it has none
  UnixNanos started = 0;   // 0: not known
  UnixNanos finished = 0;  // 0: it runs
  std::int64_t duration_ns = 0;
  std::string message;  // of its failure
  std::vector<PhaseReport> phases;
  std::uint64_t records = 0;          // in its log, shared ones too
  std::uint64_t shared = 0;           // of them: lines that may belong to other tests as well
  std::uint64_t errors = 0;           // error records that are this test's alone
  std::uint64_t possible_errors = 0;  // error records that may be this test's
  std::uint64_t gaps = 0;             // from which something may be missing that was written while it ran
  std::string log;                    // paths of its files; empty where there are none
  std::string error_log;
};

// Error records that say the same (one template) in one service.
struct ErrorGroup {
  std::string service;
  std::string sample;  // the first of them, shortened
  std::uint64_t count = 0;
  UnixNanos first = 0;
  UnixNanos last = 0;
  std::vector<std::string> tests;           // ids: at least one of the records is that test's alone
  std::vector<std::string> possible_tests;  // ids: candidates otherwise
};

struct GapReport {
  std::string service;
  std::string stream;  // labels, as LogQL writes them
  std::string text;
  UnixNanos from = 0;
  UnixNanos to = 0;
};

struct ServiceReport {
  std::string name;
  std::uint64_t streams = 0;
  std::uint64_t records = 0;
  std::uint64_t errors = 0;
};

struct RunReport {
  std::string run;
  std::string name;
  std::string framework;
  std::string framework_version;
  std::string command;
  std::string folder;
  std::string host;
  std::string environment;
  std::string outcome;  // passed failed error interrupted no_tests; "running" while it has none
  std::optional<int> exit_code;
  UnixNanos started = 0;
  UnixNanos finished = 0;   // 0: it runs
  UnixNanos generated = 0;  // when this was collected
  std::uint64_t records = 0;
  std::uint64_t errors = 0;           // error records of the run's services while it ran, each counted once
  std::uint64_t possible_errors = 0;  // of them: those with several candidates
  std::vector<TestReport> tests;      // in order of their start
  std::vector<ErrorGroup> error_groups;
  std::uint64_t more_error_groups = 0;  // that did not fit
  std::vector<GapReport> gaps;
  std::uint64_t more_gaps = 0;  // that did not fit
  std::vector<ServiceReport> services;
  std::string output_folder;
  std::string output_state;        // as the API names it; empty: there are no files
  std::vector<std::string> notes;  // what makes this report incomplete, one sentence each
  std::string engine_version;
};

// The attempts of one node id on one worker: what people call a test.
struct TestCase {
  const TestReport* last = nullptr;        // the highest attempt: its outcome is the test's
  std::vector<const TestReport*> earlier;  // ascending
  // It passed after an attempt that did not.
  bool flaky() const;
};

// In order of their first attempt's start. Points into `report`.
std::vector<TestCase> test_cases(const RunReport& report);

// What an outcome means to readers that know only four.
enum class Verdict : std::uint8_t { passed, failed, skipped, other };
Verdict verdict_of(std::string_view outcome);

// A node id as pytest writes it, apart: file, classes, name with parameters. "::" within the parameters' brackets divides nothing.
// A text without "::" is all name.
struct NodeId {
  std::string_view file;
  std::vector<std::string_view> classes;
  std::string_view name;
};
NodeId split_node_id(std::string_view node_id);

}  // namespace telltale::reports
