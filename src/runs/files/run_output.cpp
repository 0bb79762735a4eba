#include "runs/files/run_output.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "runs/files/run_output_parts.h"
#include "telemetry/log.h"

namespace telltale::runs {

using base::ErrorCode;
using base::nanos_per_second;
using telemetry::LogLevel;

namespace {

constexpr std::int64_t retry_ns = 2 * nanos_per_second;
constexpr std::int64_t check_ns = 2 * nanos_per_second;
constexpr std::int64_t give_up_ns = 30 * nanos_per_second;  // after the run's end

}  // namespace

std::string_view name_of(FilesState state) {
  static constexpr std::array<std::string_view, 4> names = {"none", "writing", "failing", "final"};
  return names[static_cast<std::size_t>(state)];
}

RunOutput::RunOutput(const OutputPorts& ports, const Run& run, bool resumed)
    : ports_(ports), run_(run.id), resumed_(resumed), complete_(run.complete), folder_(ports.files, run.id, run.output.value_or(Output())) {
  go_on(run);
}

RunOutput::~RunOutput() = default;

void RunOutput::go_on(const Run& run) {
  for (const Service& service : run.services) {
    if (std::find(declared_.begin(), declared_.end(), service.name) == declared_.end()) declared_.push_back(service.name);
  }
  if (run.state != RunState::running) return;
  ended_.reset();
  settled_ = finished_ = false;
}

void RunOutput::test_started(const Test& test) {
  TestOutput& output = test_of(*test.key, &test);
  if (!output.due) return;
  output.due.reset();
  std::erase(ending_, &output);
  if (!output.is_final) return;
  output.is_final = false;
  output.log.begun = true;
  output.through = 0;
  reopened_.push_back(&output);
}

void RunOutput::test_finished(const Test& test, MonoNanos now) {
  TestOutput& output = test_of(*test.key, &test);
  if (!output.due) ending_.push_back(&output);
  output.due = now + late_ns;
  // A test without lines has a file too: it says so.
  if (!output.touched && !output.log.begun) touched_.push_back(&output);
  output.touched = true;
}

void RunOutput::run_finished(MonoNanos now) {
  if (!ended_) ended_ = now;
}

OutputStatus RunOutput::status() const {
  OutputStatus status{FilesState::writing, folder_.path(), problem_};
  if (finished_) status.state = FilesState::final;
  if (!problem_.empty()) status.state = FilesState::failing;
  return status;
}

std::optional<MonoNanos> RunOutput::step(MonoNanos now) {
  if (over_) return std::nullopt;
  if (now < retry_at_) return retry_at_;
  if (auto done = work(now); !done) {
    note_trouble(done.error(), now);
    return over_ ? std::nullopt : std::optional(retry_at_);
  }
  if (!problem_.empty()) telemetry::log(LogLevel::info, "files", "run {}: its files are written again", run_);
  problem_.clear();
  if (finished_ && now >= *ended_ + late_ns) over_ = true;
  if (over_) return std::nullopt;
  if (more_) return now;
  std::optional<MonoNanos> next = ended_ ? std::optional(*ended_ + late_ns) : std::nullopt;
  if (!ending_.empty()) {
    const MonoNanos due = std::max(*ending_.front()->due, next_finals_);
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

void RunOutput::note_trouble(const base::Error& error, MonoNanos now) {
  ports_.metrics.failures.add();
  if (finished_) {
    over_ = true;  // the files are final; the folder may be another run's by now
    return;
  }
  broken_ = opened_;
  problem_ = error.message();
  retry_at_ = now + retry_ns;
  if (!told_) {
    telemetry::log(LogLevel::warning, "files", "run {}: its files are not written now: {}; capture goes on, it is tried again every 2 s",
                   run_, problem_);
  }
  told_ = true;
  if (!ended_ || now <= *ended_ + give_up_ns) return;
  over_ = true;
  telemetry::log(LogLevel::warning, "files", "run {}: its files stay as they are: {}", run_, problem_);
}

base::Status RunOutput::work(MonoNanos now) {
  more_ = false;
  if (!opened_) {
    if (auto done = open(now); !done) return done;
    opened_ = true;
  }
  if (broken_) {
    if (auto done = repair(); !done) return done;
    broken_ = false;
  }
  if (auto done = check_files(now); !done) return done;
  if (!reopened_.empty()) {
    if (auto done = rebuild(false, reopened_); !done) return done;
    reopened_.clear();
  }
  if (auto done = catch_up(); !done) return done;
  return finals(now);
}

base::Status RunOutput::open(MonoNanos now) {
  if (auto done = folder_.check(); !done) return done;
  if (auto done = folder_.make_test_folder(); !done) return done;
  first_kept_ = ports_.reader.stats().first_sequence;
  if (auto done = load_tests(); !done) return done;
  // What the store no longer has in full is not replaced.
  if (!rotated_ && (!resumed_ || !complete_)) {
    if (auto done = folder_.rotate(ports_.zone); !done) return done;
  }
  rotated_ = true;
  std::vector<TestOutput*> provisional = all_tests();
  std::erase_if(provisional, [now](const TestOutput* test) { return test->due && *test->due <= now; });
  return rebuild(true, provisional);
}

// Of a run that was begun before: its tests, in the order in which they took their names. The final form of those that have ended is
// made again: whether it was made is not known.
base::Status RunOutput::load_tests() {
  if (!resumed_ || loaded_) return {};
  std::vector<Test> tests;
  TestFilter filter{.run = run_, .match = {}, .outcome = {}, .worker = {}, .limit = 1000, .after = {}};
  do {
    auto page = ports_.registry.tests(filter);
    if (!page) return base::pass(page);
    std::move(page->tests.begin(), page->tests.end(), std::back_inserter(tests));
    filter.after = page->next;
  } while (!filter.after.empty());
  for (auto test = tests.rbegin(); test != tests.rend(); ++test) {
    TestOutput& output = test_of(*test->key, &*test);
    if (!test->finished || output.due) continue;
    output.due = 0;
    ending_.push_front(&output);
  }
  loaded_ = true;
  return {};
}

// After an error: takes the files back to what was whole; makes them from the store where they are gone.
base::Status RunOutput::repair() {
  if (auto done = folder_.check(); !done) return done;
  if (auto done = folder_.make_test_folder(); !done) return done;
  forget_pending();
  bool gone = !whole_;
  for (const auto& [name, service] : services_) {
    if (!service->created || gone) continue;
    for (AppendedFile* file : {&service->realtime, &service->errors}) {
      auto back = file->go_back(folder_);
      if (!back && back.error().code != ErrorCode::file_not_found) return back;
      gone = gone || !back;
    }
  }
  return rebuild(gone, begun_tests());
}

// What was routed since the files were whole comes again.
void RunOutput::forget_pending() {
  for (const auto& [name, service] : services_) {
    service->realtime.pending().clear();
    service->errors.pending().clear();
  }
  for (TestOutput* test : touched_) {
    test->log.pending.clear();
    test->errors.pending.clear();
    test->touched = false;
  }
  touched_.clear();
  pending_bytes_ = 0;
  routed_ = done_;
}

base::Status RunOutput::check_files(MonoNanos now) {
  if (now < next_check_ && !ended_) return {};
  next_check_ = now + check_ns;
  if (auto done = folder_.check(); !done) return done;
  for (const auto& [name, service] : services_) {
    if (!service->created) continue;
    for (const AppendedFile* file : {&service->realtime, &service->errors}) {
      auto there = file->check(folder_);
      if (there) continue;
      if (there.error().code != ErrorCode::file_not_found) return there;
      return repair();
    }
  }
  return {};
}

void RunOutput::close(MonoNanos now) {
  if (over_) return;
  retry_at_ = 0;
  settled_ = ended_.has_value();
  do {
    step(now);
  } while (more_ && problem_.empty());
}

}  // namespace telltale::runs
