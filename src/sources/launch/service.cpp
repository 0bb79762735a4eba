#include "sources/launch/service.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/spawn.h"
#include "base/text.h"
#include "sources/launch/probe.h"

namespace telltale::sources {

using Kind = config::Ready::Kind;

namespace {

constexpr std::int64_t probe_ns = base::nanos_per_second;
constexpr std::int64_t first_look_ns = 100 * base::nanos_per_millisecond;  // before the start: is the port taken?
constexpr auto between_looks = std::chrono::milliseconds(25);
constexpr std::int64_t file_look_ns = 25 * base::nanos_per_millisecond;
constexpr std::int64_t end_of_output_ns = 500 * base::nanos_per_millisecond;  // after a program's end, for what it wrote last
constexpr std::int64_t output_look_ns = 2 * base::nanos_per_millisecond;
constexpr std::size_t shown_lines = 8;

bool has_address(const config::Ready& ready) {
  return ready.kind == Kind::port || ready.kind == Kind::http;
}

}  // namespace

std::string ServiceFailure::text() const {
  if (lines.empty()) return condition;
  return fmt::format("{}; its last lines: {}", condition, fmt::join(lines, " | "));
}

Service::Service(config::ServiceConfig config, ServicePorts ports, ServiceEvents events)
    : config_(std::move(config)), ports_(std::move(ports)), events_(std::move(events)), group_(ports_.loop, ports_.clock) {}

Service::~Service() {
  stop_waiting();
  ports_.loop.cancel(lines_timer_);
}

// --- start

void Service::start(const std::vector<std::string>& environment) {
  state_ = State::starting;
  if (auto launched = launch(environment); !launched) return fail(fmt::format("cannot be started: {}", launched.error().message()));
  events_.on_started(group_.pid());
  if (state_ == State::starting) await_ready();
}

base::Result<base::Program> Service::program(const std::vector<std::string>& environment) const {
  base::Program program;
  program.environment = environment;
  for (const auto& [name, value] : config_.env) base::set_variable(program.environment, name, value.reveal());
  program.folder = config_.cwd;
  if (!config_.cwd.empty() && ::access(config_.cwd.c_str(), F_OK) != 0) {
    return base::fail(base::ErrorCode::file_not_found, fmt::format("the folder {} (cwd) is not there", config_.cwd),
                      "Make it, or mend `cwd`.");
  }
  auto path = base::find_program(config_.command[0], base::variable_of(program.environment, "PATH"), program.folder);
  if (!path) return base::pass(path);
  program.path = std::move(*path);
  program.arguments = config_.command;
  return program;
}

base::Status Service::launch(const std::vector<std::string>& environment) {
  auto started = program(environment);
  if (!started) return base::pass(started);
  if (!is_address_free()) {
    return base::fail(base::ErrorCode::address_in_use,
                      fmt::format("something else accepts connections on {}:{} already", config_.ready.host, config_.ready.port),
                      "End it (it may be left from an earlier run), or choose another port.");
  }
  const std::string ready_text = config_.ready.kind == Kind::line ? config_.ready.line : std::string();
  if (!ready_text.empty()) file_text_ = std::make_unique<FileText>(ports_.files, config_.files, ready_text);
  std::vector<base::Descriptor> pipes;
  constexpr std::array<const char*, 2> names{"stdout", "stderr"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto writer = ports_.keeper.add({config_.name, names[i], "service", ready_text});
    if (!writer) return base::pass(writer);
    streams_.push_back(writer->number);
    started->descriptors.emplace_back(STDOUT_FILENO + static_cast<int>(i), writer->pipe.get());
    pipes.push_back(std::move(writer->pipe));
  }
  auto log = ProcessLog::open(ports_.keeper, ports_.clock, config_.name, "service");
  if (!log) return base::pass(log);
  log_ = std::move(*log);
  if (auto begun = group_.start(*started, [this](const ExitStatus& status) { on_exit(status); }); !begun) return begun;
  ports_.keeper.hold_group(group_.pid());
  log_->started(group_.pid());
  return {};
}

bool Service::is_address_free() const {
  return !has_address(config_.ready) || !accepts_connections(config_.ready.host, config_.ready.port, first_look_ns);
}

// --- readiness

void Service::await_ready() {
  if (config_.ready.kind == Kind::none) return become_ready();
  late_timer_ = ports_.loop.after(config_.ready_timeout_ns, [this] {
    begin_to_fail(fmt::format("was not ready within {}: {}", base::format_duration(config_.ready_timeout_ns), unmet()));
  });
  if (has_address(config_.ready)) look_at_port();
  if (file_text_ != nullptr && !config_.files.empty()) look_at_files();
}

void Service::on_ready_line(std::uint32_t stream) {
  if (state_ == State::starting && std::ranges::find(streams_, stream) != streams_.end()) become_ready();
}

void Service::look_at_files() {
  if (file_text_->look()) return become_ready();
  file_timer_ = ports_.loop.after(file_look_ns, [this] { look_at_files(); });
}

void Service::look_at_port() {
  looking_ = std::make_shared<Looking>();
  ports_.tasks.spawn("ready", [this, looking = looking_, ready = config_.ready, &loop = ports_.loop](const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [&] { looking->changed.notify_all(); });
    while (!stop.stop_requested() && !looking->enough) {
      const auto good = probe(ready, probe_ns);
      if (good) {
        loop.post([this, looking] {
          if (!looking->enough) become_ready();
        });
        return;
      }
      base::MutexLock lock(looking->mutex);
      looking->trouble = good.error().cause;
      if (!stop.stop_requested() && !looking->enough) looking->changed.wait_for(looking->mutex, between_looks);
    }
  });
}

std::string Service::unmet() const {
  if (config_.ready.kind == Kind::line) {
    return fmt::format("no line with '{}' came{}", base::to_printable(config_.ready.line),
                       config_.files.empty() ? "" : ", in its output or in its files");
  }
  base::MutexLock lock(looking_->mutex);
  return looking_->trouble.empty() ? fmt::format("{}:{} did not answer", config_.ready.host, config_.ready.port) : looking_->trouble;
}

void Service::stop_waiting() {
  ports_.loop.cancel(late_timer_);
  ports_.loop.cancel(file_timer_);
  if (looking_ == nullptr) return;
  looking_->enough = true;
  looking_->changed.notify_all();
}

void Service::become_ready() {
  if (state_ != State::starting) return;
  stop_waiting();
  state_ = State::ready;
  events_.on_ready();
}

// --- its end

void Service::on_exit(const ExitStatus& status) {
  log_->ended(status, ending_);
  log_->close();
  events_.on_ended(status);
  if (state_ == State::starting && !ending_) begin_to_fail(fmt::format("ended with {} before it was ready", status.text()));
}

void Service::fail(std::string condition) {
  failure_.condition = std::move(condition);
  on_lines({});
}

// What it wrote last may still be on its way.
void Service::begin_to_fail(std::string condition) {
  if (state_ != State::starting) return;
  stop_waiting();
  state_ = State::failing;
  failure_.condition = std::move(condition);
  lines_by_ = ports_.clock.mono() + end_of_output_ns;
  ask_for_lines();
}

void Service::ask_for_lines() {
  const bool all_read = std::ranges::all_of(streams_, [this](std::uint32_t stream) { return ports_.keeper.has_ended(stream); });
  if (group_.exit_status() && !all_read && ports_.clock.mono() < lines_by_) {
    lines_timer_ = ports_.loop.after(output_look_ns, [this] { ask_for_lines(); });
    return;
  }
  ports_.keeper.tail(config_.name, [this](const std::vector<std::string>& lines) { on_lines(lines); });
}

void Service::on_lines(const std::vector<std::string>& lines) {
  if (state_ == State::failed) return;
  state_ = State::failed;
  // As one text: a private key is known by its first line.
  const std::string text = ports_.redact(fmt::format("{}", fmt::join(lines, "\n")));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = base::trim(rest.substr(0, end));
    if (!line.empty()) failure_.lines.push_back(base::to_printable(line));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (failure_.lines.size() > shown_lines) failure_.lines.erase(failure_.lines.begin(), failure_.lines.end() - shown_lines);
  events_.on_failed(failure_);
}

void Service::end(std::int64_t grace_ns) {
  ending_ = true;
  stop_waiting();
  group_.end(grace_ns, [this] {
    if (group_.pid() != 0) ports_.keeper.release_group(group_.pid());
    if (log_) log_->close();
    events_.on_over();
  });
}

void Service::kill() {
  group_.kill();
}

}  // namespace telltale::sources
