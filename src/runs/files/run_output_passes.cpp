// What is made from the store: files that have to be made anew, and the final form of tests' files.
#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/text.h"
#include "runs/files/run_output.h"
#include "runs/files/run_output_parts.h"
#include "runs/files/test_header.h"

namespace telltale::runs {

using store::ScanStep;

namespace {

constexpr std::size_t max_held_bytes = 16 * 1024 * 1024;               // of tests' text, in one pass
constexpr std::int64_t finals_ns = 500 * base::nanos_per_millisecond;  // between passes for tests that ended

}  // namespace

// Services' files and the provisional files of tests, from what the store has of the run now.
base::Status RunOutput::rebuild(bool services, const std::vector<TestOutput*>& tests) {
  const record::Sequence through = services ? ports_.reader.stats().next_sequence - 1 : done_;
  if (services) {
    forget_pending();
    services_.clear();
    whole_ = false;
    beside_ = true;
    for (const std::string& name : declared_) service_of(name);
  } else if (tests.empty()) {
    return {};
  }
  Collected collected;
  for (TestOutput* test : tests) collected.logs[test->id].first = test;
  collected.whoever = services;
  const TimeSpan times = services ? TimeSpan() : bounds_of(tests);
  if (auto done = collect(collected, {.run = run_, .from_sequence = 0, .to_sequence = through, .times = times}, services); !done)
    return done;
  for (TestOutput* test : tests) {
    if (auto done = place_provisional(*test, collected.logs[test->id].second, through); !done) return done;
    collected.logs.erase(test->id);
  }
  for (auto& [id, met] : collected.logs) {
    if (auto done = place_provisional(*met.first, met.second, through); !done) return done;
  }
  if (!services) return {};
  routed_ = std::max(routed_, through);
  if (auto done = flush(); !done) return done;
  for (const auto& [name, service] : services_) {
    for (AppendedFile* file : {&service->realtime, &service->errors}) {
      if (auto done = file->publish(folder_); !done) return done;
    }
  }
  beside_ = false;
  whole_ = true;
  return {};
}

base::Status RunOutput::collect(Collected& collected, const RunScan& scan, bool services) {
  ports_.metrics.passes.add();
  base::Status status;
  auto scanned = scan_run(ports_.registry, ports_.attributor, ports_.reader, scan, [&](const RunRecord& record) {
    ServiceOutput& service = format(record);
    if (services) {
      service.realtime.pending() += line_.text();
      if (record.is_error()) service.errors.pending() += line_.text();
      pending_bytes_ += line_.text().size();
      if (pending_bytes_ >= max_held_bytes) status = write_services();
      if (pending_bytes_ >= max_held_bytes) pending_bytes_ = 0;
    }
    if (status) status = collect_record(collected, record);
    return status ? ScanStep::go_on : ScanStep::stop;
  });
  return status ? scanned : status;
}

// Where a test's lines are collected; null: they are not wanted. The registry knows of a test before its start is told here, and what is
// behind a pass is not read again: so its lines are kept. One that has ended gets its final form soon.
TestLog* RunOutput::log_of(Collected& collected, const TestKey& key) {
  if (const auto found = collected.logs.find(key.id); found != collected.logs.end()) return &found->second.second;
  if (!collected.whoever) return nullptr;
  TestOutput& test = test_of(key, nullptr);
  if (test.is_final || test.due) return nullptr;
  collected.logs[key.id].first = &test;
  return &collected.logs[key.id].second;
}

base::Status RunOutput::collect_record(Collected& collected, const RunRecord& record) {
  record.each_test([&](const TestKey& key) {
    TestLog* const log = log_of(collected, key);
    if (log == nullptr) return;
    log->add(line_, record.is_gap(), record.is_error(), record.is_shared());
    collected.held += line_.text().size();
  });
  if (collected.held < max_held_bytes) return {};
  collected.held = 0;
  for (auto& [id, entry] : collected.logs) {
    auto& [test, log] = entry;
    if (auto done = claim_stem(*test); !done) return done;
    if (auto done = log.spill(folder_, test->stem); !done) return done;
  }
  return {};
}

base::Status RunOutput::place_provisional(TestOutput& test, TestLog& log, record::Sequence through) {
  test.through = std::max(test.through, through);
  if (log.empty() && !test.log.begun && !test.due) return {};
  const auto known = ports_.registry.test(test.id);
  if (!known) return std::unexpected(known.error());
  if (auto done = claim_stem(test); !done) return done;
  const bool errors = log.counts().errors + log.counts().possible_errors > 0;
  if (auto done = log.place(folder_, test.stem, provisional_header(*known)); !done) return done;
  test.log.begun = true;
  test.errors.begun = errors;
  return {};
}

base::Status RunOutput::finals(MonoNanos now) {
  if (more_) return {};
  if (ended_ && settled_ && !finished_) {
    if (auto done = finalize(all_tests()); !done) return done;
    ending_.clear();
    finished_ = true;
    return {};
  }
  if (finished_) {
    if (now < *ended_ + late_ns) return {};
    std::vector<TestOutput*> stale = all_tests();
    std::erase_if(stale, [](const TestOutput* test) { return !test->stale && test->is_final; });
    return finalize(stale);
  }
  if (now < next_finals_ || ending_.empty()) return {};
  std::vector<TestOutput*> due;
  for (TestOutput* test : ending_) {
    if (*test->due <= now) due.push_back(test);
  }
  if (due.empty()) return {};
  next_finals_ = now + finals_ns;
  if (auto done = finalize(due); !done) return done;
  std::erase_if(ending_, [](const TestOutput* test) { return test->is_final; });
  return {};
}

// One pass over the store for all of them.
base::Status RunOutput::finalize(const std::vector<TestOutput*>& tests) {
  if (tests.empty()) return {};
  if (auto done = folder_.check(); !done) return done;
  Collected collected;
  for (TestOutput* test : tests) collected.logs[test->id].first = test;
  const RunScan scan{.run = run_, .from_sequence = 0, .to_sequence = ~record::Sequence{0}, .times = bounds_of(tests)};
  if (auto done = collect(collected, scan, false); !done) return done;
  for (TestOutput* test : tests) {
    if (auto done = finalize_one(*test, collected.logs[test->id].second); !done) return done;
  }
  return {};
}

base::Status RunOutput::finalize_one(TestOutput& test, TestLog& log) {
  const auto known = ports_.registry.test(test.id);
  if (!known) return std::unexpected(known.error());
  if (auto done = claim_stem(test); !done) return done;
  const std::string header = final_header(*known, log.counts());
  const std::uint64_t digest = log.digest() ^ base::hash64(header);
  test.stale = false;
  const bool shrunk = log.counts().records < test.records && retention_took_some();
  if (test.is_final && (digest == test.digest || shrunk)) {
    log.drop(folder_, test.stem);
    ports_.metrics.unchanged.add();
    return {};
  }
  if (auto done = log.place(folder_, test.stem, header); !done) return done;
  ports_.metrics.finals.add();
  test.is_final = true;
  test.digest = digest;
  test.records = log.counts().records;
  for (TestOutput::Text* text : {&test.log, &test.errors}) {
    std::string().swap(text->pending);
    text->begun = false;
  }
  return {};
}

// Finds the name of a test's files: one that no other test has.
base::Status RunOutput::claim_stem(TestOutput& test) {
  if (!test.stem.empty()) return {};
  const std::vector<std::string> stems = test_stems(test.file_stem, test.id);
  for (const std::string& stem : stems) {
    if (stems_.contains(base::to_lower(stem))) continue;
    const auto fits = folder_.may_take(folder_.test_path(stem, TestFile::log), test.id);
    if (!fits) return std::unexpected(fits.error());
    if (!*fits && stem != stems.back()) continue;
    test.stem = stem;
    stems_.insert(base::to_lower(stem));
    return {};
  }
  return base::fail(base::ErrorCode::file_exists, "no name is left for the files of test " + test.id);
}

std::vector<RunOutput::TestOutput*> RunOutput::all_tests() const {
  std::vector<TestOutput*> tests;
  for (const auto& test : tests_) tests.push_back(test.get());
  return tests;
}

// Whose provisional files are there.
std::vector<RunOutput::TestOutput*> RunOutput::begun_tests() const {
  std::vector<TestOutput*> tests = all_tests();
  std::erase_if(tests, [](const TestOutput* test) { return test->is_final || !test->log.begun; });
  return tests;
}

TimeSpan RunOutput::bounds_of(const std::vector<TestOutput*>& tests) const {
  TimeSpan all{std::numeric_limits<UnixNanos>::max(), std::numeric_limits<UnixNanos>::min()};
  for (const TestOutput* test : tests) {
    const auto bounds = ports_.registry.test_bounds(test->id);
    if (!bounds || !*bounds) return {};
    all.from = std::min(all.from, (*bounds)->from);
    all.to = std::max(all.to, (*bounds)->to);
  }
  return all;
}

bool RunOutput::retention_took_some() const {
  return ports_.reader.stats().first_sequence > first_kept_;
}

}  // namespace telltale::runs
