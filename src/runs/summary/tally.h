// What a run's records come to, counted in one scan: for answers about runs and tests and for reports.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runs/summary/run_records.h"

namespace telltale::runs {

struct TestTally {
  std::uint64_t records = 0;          // that belong or may belong to it, without gaps
  std::uint64_t shared = 0;           // of them: that may belong to other tests as well
  std::uint64_t errors = 0;           // error records that are its alone
  std::uint64_t possible_errors = 0;  // error records that may be its
  std::uint64_t gaps = 0;             // from which something may be missing that was written while it ran
  void add(bool error, bool is_shared);
};

struct ServiceTally {
  std::uint64_t streams = 0;
  std::uint64_t records = 0;  // without gaps
  std::uint64_t errors = 0;
};

// Error records of one service with one template.
struct ErrorTally {
  std::string service;
  std::string sample;  // the first one's text, at most TallyOptions::max_sample_bytes
  std::uint64_t count = 0;
  UnixNanos first = 0;
  UnixNanos last = 0;
  std::vector<std::string> tests;           // ids, at most max_group_tests: one of the records at least is that test's alone
  std::vector<std::string> possible_tests;  // ids: candidates otherwise
};

struct GapTally {
  // A test that may have been running when what is missing was written.
  struct Hit {
    std::string id;
    std::string node_id;
  };
  std::string service;
  record::StreamRef stream;
  std::string text;
  UnixNanos from = 0;
  UnixNanos to = 0;
  std::vector<Hit> tests{};  // at most max_gap_tests
  std::uint64_t more_tests = 0;
};

struct RunTally {
  std::uint64_t records = 0;          // of the run's services while it ran, without gaps
  std::uint64_t errors = 0;           // error records among them, each once, whoever they belong to
  std::uint64_t possible_errors = 0;  // of those: with several candidates
  std::map<std::string, ServiceTally, std::less<>> services;
  std::map<std::string, TestTally, std::less<>> tests;  // by id; those without records are left out
  std::vector<ErrorTally> error_groups;                 // most frequent first
  std::uint64_t more_error_groups = 0;                  // that did not fit
  std::vector<GapTally> gaps;                           // by sequence
  std::uint64_t more_gaps = 0;
  // Of a test without records: zeros.
  const TestTally& test(std::string_view id) const;
};

struct TallyOptions {
  std::size_t max_error_groups = 100;  // 0: errors are not grouped, which is faster
  std::size_t max_sample_bytes = 500;
  std::size_t max_group_tests = 20;
  std::size_t max_gaps = 100;
  std::size_t max_gap_tests = 20;
};

// Reads the run's records once: for a thread that may block. run_not_found; errors of the store.
base::Result<RunTally> tally(const Registry& registry, const Attributor& attributor, const store::StoreReader& reader,
                             const std::string& run, const TallyOptions& options = {});

}  // namespace telltale::runs
