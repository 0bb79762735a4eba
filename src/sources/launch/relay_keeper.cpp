#include "sources/launch/relay_keeper.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace telltale::sources {

using Kind = ControlMessage::Kind;

namespace {

constexpr std::int64_t tail_patience_ns = base::nanos_per_second;
constexpr std::int64_t look_ns = 5 * base::nanos_per_millisecond;
constexpr std::int64_t drain_step_ns = 200 * base::nanos_per_millisecond;

base::Result<base::Descriptor> copy_of(int descriptor) {
  base::Descriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (copy.valid()) return copy;
  const int cause = errno;
  return std::unexpected(base::system_error(cause, "copying a descriptor"));
}

std::vector<std::pair<std::string, std::string>> labels_of(const RelayedStream& about) {
  return {{"service", about.service}, {"stream", about.stream}, {"process", about.process}};
}

}  // namespace

RelayKeeper::RelayKeeper(RelayKeeperOptions options, RelayKeeperPorts ports) : options_(std::move(options)), ports_(std::move(ports)) {}

RelayKeeper::~RelayKeeper() {
  if (control_ != nullptr) ports_.loop.unwatch(control_->descriptor());
}

base::Status RelayKeeper::start() {
  auto progress = Progress::make();
  if (progress) progress_ = std::move(*progress);
  base::Status started = progress ? start_relay() : base::Status(base::pass(progress));
  if (!started) drain_here();
  return started;
}

base::Status RelayKeeper::start_relay() {
  auto ends = ControlChannel::make_pair();
  if (!ends) return base::pass(ends);
  base::Program program = options_.program;
  program.descriptors = {{relay_control_descriptor, ends->second.descriptor()}};
  program.place = base::Program::Place::own_session;
  program.orphan = true;
  if (const auto pid = base::spawn(program); !pid) return std::unexpected(pid.error());
  control_ = std::make_unique<ControlChannel>(std::move(ends->first));
  relay_since_ = ports_.clock.mono();
  ports_.loop.watch(control_->descriptor(), [this] { on_message(); });
  // Failing sends are seen as its end.
  static_cast<void>(control_->send({.kind = Kind::start, .text = options_.run, .host = options_.host}, {progress_.get()}));
  for (auto& [number, stream] : streams_) hand_over(number, stream);
  for (const std::int64_t group : groups_)
    static_cast<void>(control_->send({.kind = Kind::group, .number = static_cast<std::uint64_t>(group)}));
  for (const auto& [number, asked] : asked_) send_asked(asked);
  return {};
}

base::Result<RelayKeeper::Writer> RelayKeeper::add(RelayedStream about, int through) {
  const auto number = static_cast<std::uint32_t>(streams_.size());
  if (number >= Progress::most_streams) {
    return base::fail(base::ErrorCode::invalid_argument, fmt::format("more than {} outputs of programs", Progress::most_streams),
                      "Start fewer services at a time: each has three.");
  }
  auto pipe = base::make_pipe();
  if (!pipe) return base::pass(pipe);
  Stream stream{
      .about = std::move(about), .key = fmt::format("{}s{}", options_.name, number), .pipe = std::move(pipe->read), .through = {}};
  if (through >= 0) {
    auto copy = copy_of(through);
    if (!copy) return base::pass(copy);
    stream.through = std::move(*copy);
  }
  auto& added = streams_[number] = std::move(stream);
  if (local_ != nullptr)
    take_over(number, added);
  else if (control_ != nullptr)
    hand_over(number, added);
  return Writer{number, std::move(pipe->write)};
}

void RelayKeeper::hand_over(std::uint32_t number, Stream& stream) {
  if (!stream.pipe.valid()) return;
  std::vector<int> descriptors{stream.pipe.get()};
  if (stream.through.valid()) descriptors.push_back(stream.through.get());
  const ControlMessage message{.kind = Kind::stream,
                               .number = number,
                               .key = stream.key,
                               .ready_text = stream.about.ready_text,
                               .labels = labels_of(stream.about),
                               .flag = stream.handed_over};
  stream.handed_over = true;
  static_cast<void>(control_->send(message, descriptors));
}

void RelayKeeper::hold_group(std::int64_t group) {
  groups_.insert(group);
  if (control_ != nullptr) static_cast<void>(control_->send({.kind = Kind::group, .number = static_cast<std::uint64_t>(group)}));
}

void RelayKeeper::release_group(std::int64_t group) {
  groups_.erase(group);
  if (control_ != nullptr) static_cast<void>(control_->send({.kind = Kind::ungroup, .number = static_cast<std::uint64_t>(group)}));
}

// --- questions

void RelayKeeper::ask(ControlMessage message, base::MonoNanos until, std::function<void(const ControlMessage&)> callback) {
  message.number = next_question_++;
  Asked asked{std::move(message), until, std::move(callback)};
  if (local_ != nullptr) return answer_here(std::move(asked));
  const auto& kept = asked_[asked.message.number] = std::move(asked);
  if (control_ != nullptr) send_asked(kept);
}

void RelayKeeper::send_asked(const Asked& asked) {
  ControlMessage message = asked.message;
  if (message.kind == Kind::drain) {
    message.timeout_ms =
        static_cast<std::uint64_t>(std::max<std::int64_t>(asked.until - ports_.clock.mono(), 0) / base::nanos_per_millisecond);
  }
  static_cast<void>(control_->send(message));
}

void RelayKeeper::tail(const std::string& service, std::function<void(std::vector<std::string>)> callback) {
  ask({.kind = Kind::tail, .text = service}, 0, [callback](const ControlMessage& answer) { callback(answer.lines); });
  // A relay that says nothing is waited for no longer.
  const std::uint64_t number = next_question_ - 1;
  ports_.loop.after(tail_patience_ns, [this, number] { answer(number, {.kind = Kind::tailed}); });
}

void RelayKeeper::drain(Goal goal, std::int64_t timeout_ns, std::function<void(const DrainReport&)> callback) {
  ask({.kind = Kind::drain, .flag = goal == Goal::passed_on}, ports_.clock.mono() + timeout_ns, [callback](const ControlMessage& answer) {
    callback({answer.flag, answer.kept_lines, answer.dropped_lines, answer.through_failure});
  });
}

DrainReport RelayKeeper::drain_all(std::int64_t patience_ns, std::int64_t most_ns, const std::function<bool()>& stop) {
  const base::MonoNanos begin = ports_.clock.mono();
  base::MonoNanos last_progress = begin;
  std::optional<DrainReport> before;
  if (local_ != nullptr) return {};
  while (true) {
    std::optional<DrainReport> report;
    drain(Goal::stored, std::min(drain_step_ns, patience_ns), [&report](const DrainReport& answer) { report = answer; });
    // The relay answers at that time at the latest; one that is stopped does not.
    const std::uint64_t number = next_question_ - 1;
    const bool answered = ports_.loop.run_until([&] { return report.has_value() || stop(); }, ports_.clock.mono() + 2 * drain_step_ns);
    if (!report) {
      asked_.erase(number);
      report = before.value_or(DrainReport());
    }
    const base::MonoNanos now = ports_.clock.mono();
    if (!before || report->kept_lines < before->kept_lines) last_progress = now;
    before = report;
    if (report->done || stop() || now - begin >= most_ns) return *report;
    if (now - last_progress >= patience_ns || (!answered && now - begin >= patience_ns)) return *report;
  }
}

void RelayKeeper::answer(std::uint64_t number, const ControlMessage& message) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;
  const auto callback = std::move(found->second.callback);
  asked_.erase(found);
  callback(message);
}

// --- what the relay says

void RelayKeeper::on_message() {
  auto packet = control_->receive();
  if (!packet) return on_relay_gone();
  take(packet->message);
}

void RelayKeeper::take(const ControlMessage& message) {
  const auto stream = streams_.find(static_cast<std::uint32_t>(message.number));
  switch (message.kind) {
    case Kind::ready:
      if (stream != streams_.end()) ports_.on_ready(stream->first);
      return;
    case Kind::closed:
      // The program is to see that nobody reads.
      if (stream != streams_.end()) stream->second.pipe.reset();
      return;
    case Kind::ended:
      if (stream != streams_.end()) stream->second.ended = true;
      return;
    case Kind::state:
      connected_ = message.flag;
      was_connected_ = was_connected_ || connected_;
      if (!connected_) trouble_ = message.text;
      return;
    case Kind::drained:
      return answer(message.number, message);
    case Kind::tailed: {
      // It names no question: the oldest about this service is meant.
      const auto asked = std::ranges::find_if(
          asked_, [&](const auto& entry) { return entry.second.message.kind == Kind::tail && entry.second.message.text == message.text; });
      if (asked != asked_.end()) answer(asked->first, message);
      return;
    }
    default:
      return;
  }
}

void RelayKeeper::on_relay_gone() {
  ports_.loop.unwatch(control_->descriptor());
  control_.reset();
  connected_ = false;
  if (finished_) return;
  trouble_ = "the process that hands output on (telltale relay) ended";
  deaths_ = ports_.clock.mono() - relay_since_ < options_.healthy_ns ? deaths_ + 1 : 1;
  if (deaths_ >= options_.most_deaths || !start_relay()) drain_here();
}

void RelayKeeper::finish() {
  finished_ = true;
  if (control_ != nullptr) static_cast<void>(control_->send({.kind = Kind::finish}));
}

// --- without a relay

void RelayKeeper::drain_here() {
  auto local = LocalDrain::make(
      {.clock = ports_.clock,
       .on_ready = [this](std::uint32_t stream) { ports_.loop.post([this, stream] { ports_.on_ready(stream); }); },
       .on_closed = [this](std::uint32_t stream) { ports_.loop.post([this, stream] { streams_.at(stream).pipe.reset(); }); },
       .on_end = [this](std::uint32_t stream) { ports_.loop.post([this, stream] { streams_.at(stream).ended = true; }); }});
  if (!local) {
    // Without memory nothing can be read: programs are to see that.
    trouble_ = local.error().cause;
    for (auto& [number, stream] : streams_) stream.pipe.reset();
    return;
  }
  local_ = std::move(*local);
  for (auto& [number, stream] : streams_) take_over(number, stream);
  auto open = std::exchange(asked_, {});
  for (auto& [number, asked] : open) answer_here(std::move(asked));
}

void RelayKeeper::take_over(std::uint32_t number, Stream& stream) {
  if (!stream.pipe.valid()) return;
  auto pipe = copy_of(stream.pipe.get());
  auto through = stream.through.valid() ? copy_of(stream.through.get()) : base::Descriptor();
  if (!pipe || !through) {
    stream.pipe.reset();
    return;
  }
  local_->add(number, stream.about, std::move(*pipe), std::move(*through));
}

// Soon, never within the call that asks.
void RelayKeeper::answer_here(Asked asked) {
  const std::uint64_t number = asked.message.number;
  const bool is_tail = asked.message.kind == Kind::tail;
  asked_[number] = std::move(asked);
  ports_.loop.post([this, number, is_tail, targets = local_->known_bytes()] {
    const auto found = asked_.find(number);
    if (found == asked_.end()) return;
    if (!is_tail) return look_at_drain(number, targets);
    answer(number, {.kind = Kind::tailed, .lines = local_->tail(found->second.message.text)});
  });
}

// Nothing is ever stored from here: only what is to be passed on is waited for.
void RelayKeeper::look_at_drain(std::uint64_t number, const std::map<std::uint32_t, std::uint64_t>& targets) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;
  const bool passed_on = local_->has_passed_on(targets);
  const bool wanted = found->second.message.flag;
  if (wanted && !passed_on && ports_.clock.mono() < found->second.until) {
    ports_.loop.after(look_ns, [this, number, targets] { look_at_drain(number, targets); });
    return;
  }
  answer(number, {.kind = Kind::drained, .flag = wanted && passed_on, .through_failure = local_->through_failure()});
}

}  // namespace telltale::sources
