#include "app/run_session.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/run_summary.h"
#include "app/settings.h"
#include "base/text.h"

namespace telltale::app {

namespace {

// What an engine that does not answer may cost; together less than the two seconds that are promised.
constexpr std::int64_t start_ns = 1200 * base::nanos_per_millisecond;
constexpr std::int64_t probe_ns = 400 * base::nanos_per_millisecond;
constexpr std::int64_t patience_ns = 500 * base::nanos_per_millisecond;  // at the end, with what takes nothing more
constexpr std::int64_t broken_request_ns = 300 * base::nanos_per_millisecond;
constexpr std::int64_t request_ns = 800 * base::nanos_per_millisecond;
// An engine that takes what there is may take so long.
constexpr std::int64_t most_drain_ns = 30 * base::nanos_per_second;
// For whoever reads what is passed on; then the relay goes on alone.
constexpr std::int64_t pass_on_ns = 5 * base::nanos_per_second;

constexpr std::size_t longest_command = 4000;

constexpr int taken_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

bool asks_for_the_end(int signal) {
  return signal != SIGUSR1 && signal != SIGUSR2;
}

EngineLifeOptions quick(EngineLifeOptions options) {
  options.start_ns = start_ns;
  options.probe_ns = probe_ns;
  return options;
}

runs::Service service_of(const config::ServiceConfig& config) {
  runs::Service service{.name = config.name, .files = config.files, .clock_offset_ns = {}, .error_patterns = {}};
  if (config.has_clock_offset) service.clock_offset_ns = config.clock_offset_ns;
  const auto& patterns = config.error_patterns;
  if (!patterns.add.empty() || !patterns.replace.empty() || !patterns.ignore.empty()) {
    service.error_patterns = runs::ErrorPatterns{patterns.add, patterns.replace, patterns.ignore};
  }
  return service;
}

runs::RunFinished finished_event(const sources::ExitStatus& status, bool was_run) {
  const bool interrupted = status.by_signal && (status.number == SIGINT || status.number == SIGTERM || status.number == SIGHUP);
  runs::RunFinished finished;
  finished.exit_code = status.shell_code();
  finished.outcome = runs::RunOutcome::failed;
  if (status == sources::ExitStatus()) finished.outcome = runs::RunOutcome::passed;
  if (interrupted) finished.outcome = runs::RunOutcome::interrupted;
  if (!was_run && !interrupted) finished.outcome = runs::RunOutcome::error;
  return finished;
}

}  // namespace

RunSession::RunSession(RunPlan plan, RunSessionPorts ports)
    : plan_(std::move(plan)),
      ports_(std::move(ports)),
      loop_(ports_.clock),
      redactor_(plan_.settings),
      finder_(ports_.files, ports_.clock, quick(plan_.engine)) {}

RunSession::~RunSession() {
  if (signals_.valid()) loop_.unwatch(signals_.get());
}

RunResult RunSession::run() {
  take_signals();
  claim_output();
  find_engine();
  if (start_services() && start_command()) wait_for_command();
  close();
  return {result_};
}

// --- signals

void RunSession::take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : taken_signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = base::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  loop_.watch(signals_.get(), [this] { on_signal(); });
}

// What the terminal sends, it sends to the command too: they are one process group.
void RunSession::on_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  const auto signal = static_cast<int>(info.ssi_signo);
  if (command_ != nullptr && !command_->exit_status()) {
    if (info.ssi_code != SI_KERNEL) command_->signal(signal);
    return;
  }
  if (!asks_for_the_end(signal)) return;
  // Whoever asks again does not want to wait.
  if (closing_ && services_ != nullptr) services_->kill();
  if (end_signal_ == 0) end_signal_ = signal;
}

// --- begin

void RunSession::claim_output() {
  if (plan_.output.empty()) return;
  auto claimed = OutputClaim::make(ports_.files, ports_.random, plan_.output, plan_.run);
  if (claimed)
    output_ = std::move(*claimed);
  else
    ports_.note(fmt::format("telltale: no log files: {}", claimed.error().message()));
}

runs::RunStarted RunSession::started_event() const {
  runs::RunStarted started;
  started.name = plan_.name;
  started.framework = "command";
  started.framework_version = "";
  started.command = base::to_valid_utf8(fmt::format("{}", fmt::join(plan_.command, " ")).substr(0, longest_command));
  started.folder = base::to_valid_utf8(plan_.folder);
  started.host = host_name();
  if (output_) started.output = output_->output();
  if (plan_.environment) {
    started.environment = plan_.environment->name;
    for (const auto& service : plan_.environment->services) started.services.push_back(service_of(service));
  }
  return started;
}

void RunSession::find_engine() {
  const base::MonoNanos deadline = ports_.clock.mono() + start_ns;
  client_ = std::make_unique<RunClient>(
      RunClientOptions{.run = plan_.run, .started = started_event(), .request_ns = request_ns, .audit = plan_.audit}, finder_,
      ports_.clock);
  client_->start();
  keeper_ = std::make_unique<sources::RelayKeeper>(relay_keeper_options(plan_.engine, plan_.run, ports_.random),
                                                   sources::RelayKeeperPorts{loop_, ports_.clock, [this](std::uint32_t stream) {
                                                                               if (services_ != nullptr) services_->on_ready_line(stream);
                                                                             }});
  // The pipes are read all the same; the end says that nothing was captured.
  static_cast<void>(keeper_->start());
  begun_ = client_->wait_until_begun(start_ns);
  if (!begun_.warnings.empty()) ports_.note(fmt::format("telltale: {}", begun_.warnings));
  if (!begun_.engine) return;
  if (const auto warning = version_warning(*begun_.engine)) ports_.note(fmt::format("telltale: {}", *warning));
  loop_.run_until([this] { return keeper_->is_connected() || is_asked_to_end(); }, deadline);
}

// --- services

bool RunSession::start_services() {
  if (!plan_.environment) return !is_asked_to_end();
  services_ = std::make_unique<sources::ServiceSet>(
      plan_.environment->services, sources::ServiceSetOptions{.environment = program_environment(plan_.run)},
      sources::ServiceSetPorts{loop_, ports_.clock, ports_.files, *keeper_,
                               [this](std::string_view text) { return redactor_.redact(text); }, *this});
  services_->start();
  loop_.run_until([this] { return services_->is_settled() || !failed_services_.empty() || is_asked_to_end(); });
  if (failed_services_.empty()) return !is_asked_to_end();
  ports_.note("telltale: the command was not run");
  result_ = {false, exit_not_run};
  return false;
}

void RunSession::on_started(const std::string&, std::int64_t) {}

void RunSession::on_ready(const std::string&) {}

void RunSession::on_failed(const std::string& service, const sources::ServiceFailure& failure) {
  // After the first, the others are ended on purpose.
  if (closing_ || is_asked_to_end()) return;
  failed_services_.push_back(service);
  ports_.note(fmt::format("telltale: service '{}' {}", service, failure.condition));
  for (const auto& line : failure.lines) ports_.note(fmt::format("  | {}", line));
}

void RunSession::on_ended(const std::string& service, const sources::ExitStatus& status, bool asked) {
  if (asked || closing_ || command_ == nullptr) return;
  ended_services_.push_back(fmt::format("service '{}' ended by itself with {}", service, status.text()));
}

// --- the command

std::vector<std::string> RunSession::command_environment() const {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  base::set_variable(environment, "TELLTALE_RUN", plan_.run);
  if (!plan_.engine.url) base::set_variable(environment, "TELLTALE_DATA", plan_.engine.data_folder);
  if (!begun_.engine) return environment;
  base::set_variable(environment, "TELLTALE_URL", begun_.engine->url);
  base::set_variable(environment, "TELLTALE_TOKEN", begun_.engine->token);
  return environment;
}

bool RunSession::start_command() {
  base::Program program;
  program.path = plan_.path;
  program.arguments = plan_.command;
  program.environment = command_environment();
  program.signals = plan_.signals;
  command_ = std::make_unique<sources::Command>(loop_, ports_.clock, *keeper_);
  command_began_ = ports_.clock.mono();
  const auto started = command_->start(std::move(program));
  if (started) return true;
  const bool missing = started.error().code == base::ErrorCode::file_not_found;
  const bool forbidden = started.error().code == base::ErrorCode::permission_denied;
  ports_.note(fmt::format("telltale: {}", started.error().message()));
  result_ = {false, missing ? 127 : forbidden ? 126 : exit_not_run};
  command_.reset();
  return false;
}

void RunSession::wait_for_command() {
  loop_.run_until([this] { return command_->exit_status().has_value(); });
  command_ns_ = ports_.clock.mono() - command_began_;
  result_ = *command_->exit_status();
  command_->record_end(true);
  // Before this process ends or says anything itself, all of the command's output is where it was to go.
  if (!command_->is_captured()) return;
  const auto report = std::make_shared<std::optional<sources::DrainReport>>();  // shared: the answer may come when nobody waits any more
  keeper_->drain(sources::RelayKeeper::Goal::passed_on, pass_on_ns, [report](const sources::DrainReport& answer) { *report = answer; });
  loop_.run_until([&] { return report->has_value() || is_asked_to_end(); }, ports_.clock.mono() + pass_on_ns);
  if (*report) drained_ = **report;
}

// --- end

void RunSession::close() {
  closing_ = true;
  if (command_ == nullptr && is_asked_to_end()) result_ = {true, end_signal_};
  if (services_ != nullptr) {
    services_->end();
    loop_.run_until([this] { return services_->is_over(); });
  }
  const int through_failure = drained_.through_failure;
  const bool hurry = is_asked_to_end() && command_ != nullptr;
  if (keeper_->was_connected() && !hurry) drained_ = keeper_->drain_all(patience_ns, most_drain_ns, [this] { return is_asked_to_end(); });
  if (drained_.through_failure == 0) drained_.through_failure = through_failure;
  keeper_->finish();
  const bool healthy = keeper_->is_connected() && drained_.done;
  const RunEnd end = client_->finish(finished_event(result_, command_ != nullptr), healthy ? request_ns : broken_request_ns);
  tell_end(end);
  services_.reset();
}

void RunSession::tell_end(const RunEnd& end) {
  RunSummary summary{.run = plan_.run,
                     .name = plan_.name,
                     .working_folder = plan_.folder,
                     .command = command_ != nullptr ? std::optional(result_) : std::nullopt,
                     .command_ns = command_ns_,
                     .captured = command_ != nullptr && command_->is_captured(),
                     .ended_services = ended_services_,
                     .drained = drained_,
                     .connected = keeper_->was_connected(),
                     .trouble = keeper_->was_connected() && begun_.trouble.empty() ? keeper_->trouble() : begun_.trouble,
                     .shown = end.run,
                     .command_lines = end.command_lines,
                     .audit = end.audit};
  if (summary.trouble.empty()) summary.trouble = keeper_->trouble();
  for (const auto& line : summary_lines(summary)) ports_.note(line);
}

}  // namespace telltale::app
