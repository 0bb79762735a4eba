#include "runs/files/run_files.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "telemetry/log.h"

namespace telltale::runs {

namespace {

constexpr std::int64_t barrier_ns = 2 * base::nanos_per_second;
constexpr std::int64_t round_ns = 100 * base::nanos_per_millisecond;  // between rounds while records come in
constexpr std::int64_t idle_ns = 3600 * base::nanos_per_second;
constexpr std::int64_t note_retry_ns = 100 * base::nanos_per_millisecond;  // when the store had no space for a note
constexpr std::size_t max_known_runs = 1000;

}  // namespace

RunFiles::RunFiles(RunFilesPorts ports) : ports_(std::move(ports)), metrics_(ports_.metrics), unfinished_(ports_.sink) {}

RunFiles::~RunFiles() {
  stop();
}

void RunFiles::start(Registry& registry, const Attributor& attributor, bool own_thread) {
  registry_ = &registry;
  attributor_ = &attributor;
  own_thread_ = own_thread;
  for (const std::string& run : unfinished_files_of(ports_.positions)) {
    {
      base::MutexLock lock(mutex_);
      known_[run] = {{FilesState::writing, {}, {}}, false};
    }
    post([this, run](MonoNanos now) { recover(run, now); });
  }
  if (own_thread) tasks_.spawn("files", [this](const std::stop_token& stop) { run(stop); });
}

void RunFiles::stop() {
  if (stopped_) return;
  stopped_ = true;
  tasks_.request_stop();
  {
    base::MutexLock lock(mutex_);
    woken_ = true;
    work_.notify_all();
  }
  tasks_.close();
  if (registry_ == nullptr) return;
  const MonoNanos now = ports_.clock.mono();
  for (auto commands = take_commands(); !commands.empty(); commands = take_commands()) {
    for (Command& command : commands) command(now);
  }
  for (const auto& [id, output] : runs_) output->close(now);
  publish();
  for (const auto& [id, output] : runs_) {
    if (output->status().state == FilesState::final) unfinished_.set(id, false);
  }
  subscription_.reset();
  runs_.clear();
  base::MutexLock lock(mutex_);
  for (auto& [id, known] : known_) known.over = true;
  changed_.notify_all();
}

void RunFiles::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const MonoNanos begun = ports_.clock.mono();
    const auto next = pump();
    const std::int64_t wait = next ? std::max<std::int64_t>(*next - ports_.clock.mono(), 0) : idle_ns;
    const std::int64_t pause = begun + round_ns - ports_.clock.mono();  // records come in: many at a time
    base::MutexLock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(wait);
    const auto earliest = std::chrono::steady_clock::now() + std::chrono::nanoseconds(pause);
    for (;;) {
      const auto time = std::chrono::steady_clock::now();
      if (stop.stop_requested() || !commands_.empty() || time >= deadline || (woken_ && time >= earliest)) break;
      work_.wait_for(mutex_, (woken_ ? std::min(deadline, earliest) : deadline) - time);
    }
    woken_ = false;
  }
}

std::optional<MonoNanos> RunFiles::pump() {
  const MonoNanos now = ports_.clock.mono();
  for (auto commands = take_commands(); !commands.empty(); commands = take_commands()) {
    for (Command& command : commands) command(now);
  }
  if (subscription_ != nullptr) subscription_->rearm();
  std::optional<MonoNanos> next;
  for (const auto& [id, output] : runs_) {
    const auto due = output->step(now);
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  publish();
  let_go_of_what_is_over();
  if (unfinished_.retry()) return next;
  return std::min(next.value_or(now + note_retry_ns), now + note_retry_ns);
}

void RunFiles::let_go_of_what_is_over() {
  std::erase_if(runs_, [this](const auto& entry) {
    if (!entry.second->is_over()) return false;
    unfinished_.set(entry.first, false);
    return true;
  });
  if (runs_.empty()) subscription_.reset();
}

// A run that had ended when the engine before this one did, but not its files.
void RunFiles::recover(const std::string& run, MonoNanos now) {
  const auto found = registry_->run(run);
  if (found && found->state == RunState::running) return;  // the registry tells of it
  if (!found || !found->output) {
    const bool for_good = found || found.error().code == base::ErrorCode::run_not_found;
    if (!found)
      telemetry::log(telemetry::LogLevel::warning, "files", "run {}: its files stay as they are: {}", run, found.error().message());
    if (forget(run) && for_good) unfinished_.set(run, false);
    return;
  }
  registry_->set_output_state(run, OutputState::local);
  open_run(*found, true);
  with(run, [now](RunOutput& output) { output.run_finished(now); });
  settle(run);
}

// False: there was nothing to forget.
bool RunFiles::forget(const std::string& run) {
  base::MutexLock lock(mutex_);
  changed_.notify_all();
  return known_.erase(run) > 0;
}

std::deque<RunFiles::Command> RunFiles::take_commands() {
  base::MutexLock lock(mutex_);
  return std::exchange(commands_, {});
}

void RunFiles::post(Command command) {
  base::MutexLock lock(mutex_);
  commands_.push_back(std::move(command));
  work_.notify_all();
}

bool RunFiles::is_local(const std::string& run) const {
  base::MutexLock lock(mutex_);
  return known_.contains(run);
}

void RunFiles::with(const std::string& run, const std::function<void(RunOutput&)>& action) {
  if (const auto found = runs_.find(run); found != runs_.end()) action(*found->second);
}

void RunFiles::open_run(const Run& run, bool resumed) {
  if (const auto found = runs_.find(run.id); found != runs_.end()) {
    found->second->go_on(run);
    return;
  }
  const OutputPorts ports{.files = ports_.files,
                          .zone = ports_.zone,
                          .reader = ports_.reader,
                          .hub = ports_.hub,
                          .registry = *registry_,
                          .attributor = *attributor_,
                          .metrics = metrics_};
  runs_.emplace(run.id, std::make_unique<RunOutput>(ports, run, resumed));
  if (subscription_ != nullptr) return;
  subscription_ = ports_.hub.subscribe([this] {
    base::MutexLock lock(mutex_);
    woken_ = true;
    work_.notify_all();
  });
}

// On the thread of who sent the event; the answer says who writes the files.
void RunFiles::on_run_started(const Run& run, bool resumed) {
  if (!run.output) return registry_->set_output_state(run.id, OutputState::none);
  const auto checked = OutputFolder(ports_.files, run.id, *run.output).check();
  // A folder that cannot be used now was the run's own before: it may come back.
  const bool local = checked.has_value() || run.output_state == OutputState::local;
  if (!local)
    telemetry::log(telemetry::LogLevel::debug, "files", "run {}: its files are its client's: {}", run.id, checked.error().message());
  registry_->set_output_state(run.id, local ? OutputState::local : OutputState::remote);
  if (!local) {
    if (forget(run.id)) unfinished_.set(run.id, false);
    return;
  }
  {
    base::MutexLock lock(mutex_);
    forget_oldest();
    known_[run.id] = {{FilesState::writing, run.output->folder, {}}, false};
  }
  unfinished_.set(run.id, true);
  post([this, run, resumed](MonoNanos) { open_run(run, resumed); });
}

void RunFiles::on_run_finished(const Run& run) {
  if (!is_local(run.id)) return;
  post([this, id = run.id](MonoNanos now) {
    with(id, [now](RunOutput& output) { output.run_finished(now); });
    settle(id);
  });
}

// Lines that were written before the end are to be in the files: sources are asked to bring them.
void RunFiles::settle(const std::string& run) {
  const auto wait = [this, run] {
    if (ports_.barrier) ports_.barrier(barrier_ns);
    post([this, run](MonoNanos) { with(run, [](RunOutput& output) { output.settled(); }); });
  };
  if (!own_thread_) return wait();
  tasks_.spawn("files-end", [wait](const std::stop_token&) { wait(); });
}

void RunFiles::on_test_started(const Run& run, const Test& test) {
  if (!is_local(run.id)) return;
  post([this, id = run.id, test](MonoNanos) { with(id, [&](RunOutput& output) { output.test_started(test); }); });
}

void RunFiles::on_test_finished(const Run& run, const Test& test) {
  if (!is_local(run.id)) return;
  const MonoNanos now = ports_.clock.mono();
  post([this, id = run.id, test, now](MonoNanos) { with(id, [&](RunOutput& output) { output.test_finished(test, now); }); });
}

void RunFiles::on_watch(const Run& run, const std::vector<Service>&, const std::string&) {
  if (!is_local(run.id)) return;
  post([this, run](MonoNanos) { with(run.id, [&](RunOutput& output) { output.go_on(run); }); });
}

void RunFiles::publish() {
  std::size_t failing = 0;
  base::MutexLock lock(mutex_);
  for (const auto& [id, output] : runs_) {
    Known& known = known_[id];
    known.status = output->status();
    known.over = output->is_over();
    failing += known.status.state == FilesState::failing ? 1 : 0;
  }
  metrics_.open_runs.set(static_cast<std::int64_t>(runs_.size()));
  metrics_.failing_runs.set(static_cast<std::int64_t>(failing));
  changed_.notify_all();
}

void RunFiles::forget_oldest() {
  if (known_.size() < max_known_runs) return;
  const auto over = std::find_if(known_.begin(), known_.end(), [](const auto& entry) { return entry.second.over; });
  if (over != known_.end()) known_.erase(over);
}

OutputStatus RunFiles::status(const std::string& run) const {
  base::MutexLock lock(mutex_);
  const auto found = known_.find(run);
  return found == known_.end() ? OutputStatus() : found->second.status;
}

std::string RunFiles::trouble() const {
  base::MutexLock lock(mutex_);
  std::string first;
  std::size_t failing = 0;
  for (const auto& [id, known] : known_) {
    if (known.over || known.status.state != FilesState::failing) continue;
    if (++failing == 1) first = fmt::format("The files of run {} are not written now: {}", id, known.status.problem);
  }
  return failing < 2 ? first : fmt::format("{} {} runs have such trouble.", first, failing);
}

bool RunFiles::wait_until_final(const std::string& run, std::int64_t timeout_ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  base::MutexLock lock(mutex_);
  for (;;) {
    const auto found = known_.find(run);
    if (found == known_.end()) return false;
    if (found->second.status.state == FilesState::final) return true;
    const auto left = deadline - std::chrono::steady_clock::now();
    if (found->second.over || left <= std::chrono::nanoseconds::zero()) return false;
    changed_.wait_for(mutex_, left);
  }
}

bool RunFiles::busy() const {
  base::MutexLock lock(mutex_);
  return std::any_of(known_.begin(), known_.end(), [](const auto& entry) { return !entry.second.over; });
}

TestFiles RunFiles::files_of(const Run& run, const Test& test) const {
  if (run.output_state != OutputState::local || !run.output) return {};
  return find_test_files(ports_.files, run.output->folder, test);
}

}  // namespace telltale::runs
