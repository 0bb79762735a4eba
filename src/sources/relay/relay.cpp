#include "sources/relay/relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>

namespace telltale::sources {

using Kind = ControlMessage::Kind;

namespace {

constexpr int look_ms = 100;  // while something is waited for that does not wake

void raise(const base::Descriptor& event) {
  const std::uint64_t one = 1;
  // Full means that it is raised already.
  static_cast<void>(::write(event.get(), &one, sizeof one));
}

void clear(const base::Descriptor& event) {
  std::uint64_t count = 0;
  static_cast<void>(::read(event.get(), &count, sizeof count));
}

}  // namespace

Relay::Relay(RelayOptions options, RelayPorts ports, ControlChannel control)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      control_(std::move(control)),
      event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      spool_(options_.spool_bytes),
      tasks_("relay") {}

Relay::~Relay() {
  raise(stop_);
  tasks_.close();
}

base::Status Relay::run() {
  if (auto begun = begin(); !begun) return begun;
  while (!is_over()) {
    pollfd waits[] = {{starter_gone_ ? -1 : control_.descriptor(), POLLIN, 0}, {event_.get(), POLLIN, 0}};
    ::poll(waits, 2, time_to_wait());
    if (waits[1].revents != 0) clear(event_);
    if (waits[0].revents != 0 && !serve_starter()) on_starter_gone();
    send_told();
    answer_drains();
    end_groups();
  }
  return {};
}

base::Status Relay::begin() {
  auto packet = control_.receive();
  if (!packet || packet->message.kind != Kind::start || packet->descriptors.size() != 1) {
    return base::fail(base::ErrorCode::internal, "the relay was not told what to do");
  }
  auto progress = Progress::map(packet->descriptors[0]);
  if (!progress) return base::pass(progress);
  progress_ = std::make_unique<Progress>(std::move(*progress));
  run_ = packet->message.text;
  host_ = packet->message.host;
  start_link();
  return {};
}

void Relay::start_link() {
  LinkPorts ports{.clock = ports_.clock,
                  .spool = spool_,
                  .progress = *progress_,
                  .max_line_bytes = max_line_bytes_,
                  .find_engine = [this] { return ports_.find_engine(!finishing_); },
                  .name_of =
                      [this](std::uint32_t number) {
                        base::MutexLock lock(mutex_);
                        return streams_.at(number).name;
                      },
                  .known_bytes = [this]() -> std::optional<std::vector<std::uint64_t>> {
                    if (has_orders()) return std::nullopt;
                    return known_bytes();
                  },
                  .has_handled = [this](const std::vector<std::uint64_t>& targets) { return has_handled(targets); },
                  .on_state = [this](const base::Error* error) { tell_state(error); },
                  .on_news =
                      [this] {
                        news_ = true;
                        wake();
                      }};
  link_ = std::make_unique<Link>(LinkOptions{.relay = options_.relay, .run = run_, .host = host_}, std::move(ports));
  tasks_.spawn("relay-link", [this](const std::stop_token& stop) { link_->run(stop); });
}

// Once for each change: an engine may be away for long.
void Relay::tell_state(const base::Error* error) {
  std::string text = error != nullptr ? error->cause : "";
  if (state_ == text) return;
  state_ = text;
  tell({.kind = Kind::state, .text = std::move(text), .flag = error == nullptr});
}

void Relay::wake() {
  raise(event_);
}

void Relay::tell(ControlMessage message) {
  {
    base::MutexLock lock(mutex_);
    told_.push_back(std::move(message));
  }
  wake();
}

void Relay::send_told() {
  std::vector<ControlMessage> told;
  {
    base::MutexLock lock(mutex_);
    told.swap(told_);
  }
  // Whoever is gone needs none of it.
  for (const auto& message : told)
    if (!starter_gone_) static_cast<void>(control_.send(message));
}

bool Relay::serve_starter() {
  taking_orders_ = true;
  auto packet = control_.receive();
  if (packet) take(std::move(*packet));
  taking_orders_ = false;
  link_->wake();
  return packet.has_value();
}

// A program that was started just now may write already, while its pipe is not here yet.
bool Relay::has_orders() const {
  pollfd orders{control_.descriptor(), POLLIN, 0};
  const bool waiting = !starter_gone_ && ::poll(&orders, 1, 0) > 0;
  return waiting || taking_orders_;
}

void Relay::take(ControlPacket packet) {
  const ControlMessage& message = packet.message;
  switch (message.kind) {
    case Kind::stream:
      return add_stream(packet);
    case Kind::group:
      groups_.insert(static_cast<std::int64_t>(message.number));
      return;
    case Kind::ungroup:
      groups_.erase(static_cast<std::int64_t>(message.number));
      return;
    case Kind::drain:
      drains_.push_back({message.number, known_bytes(), !message.flag, std::nullopt,
                         ports_.clock.mono() + static_cast<std::int64_t>(message.timeout_ms) * base::nanos_per_millisecond});
      return;
    case Kind::tail:
      return send_tail(message);
    case Kind::finish:
      finishing_ = true;
      groups_.clear();
      return;
    default:
      return;
  }
}

void Relay::add_stream(ControlPacket& packet) {
  const ControlMessage& message = packet.message;
  if (packet.descriptors.empty() || message.number >= Progress::most_streams) return;
  const auto number = static_cast<std::uint32_t>(message.number);
  if (has_stream(number)) return;
  StreamReaderOptions options;
  options.number = number;
  options.ready_text = message.ready_text;
  // What the one before had read and not handed on died with it.
  options.resumed = message.flag;
  if (message.flag) options.begin = progress_->read(number);
  if (!message.flag) options.dry = ports_.clock.mono();
  const StreamPlace begin = options.begin;
  StreamReaderPorts ports{.clock = ports_.clock,
                          .spool = spool_,
                          .progress = *progress_,
                          .max_line_bytes = max_line_bytes_,
                          .on_bytes =
                              [this] {
                                link_->wake();
                                wake();
                              },
                          .on_ready = [this, number] { tell({.kind = Kind::ready, .number = number}); },
                          .on_passed_off = [this, number] { tell({.kind = Kind::closed, .number = number}); },
                          .on_end = [this, number] { tell({.kind = Kind::ended, .number = number}); }};
  auto pipe = std::move(packet.descriptors[0]);
  auto through = packet.descriptors.size() > 1 ? std::move(packet.descriptors[1]) : base::Descriptor();
  auto reader = std::make_unique<StreamReader>(std::move(options), std::move(ports), std::move(pipe), std::move(through));
  StreamReader* raw = reader.get();
  {
    base::MutexLock lock(mutex_);
    streams_[number] = Held{{message.key, message.labels}, std::move(reader)};
  }
  // Now the link may ask for its name.
  spool_.add(number, begin, message.flag ? progress_->stored(number) : StreamPlace());
  tasks_.spawn(fmt::format("pipe-{}", number), [this, raw](const std::stop_token&) { raw->run(stop_.get()); });
  link_->wake();
}

bool Relay::has_stream(std::uint32_t number) {
  base::MutexLock lock(mutex_);
  return streams_.contains(number);
}

std::vector<std::uint64_t> Relay::known_bytes() {
  base::MutexLock lock(mutex_);
  std::vector<std::uint64_t> bytes;
  for (auto& [number, held] : streams_) {
    bytes.resize(number + 1, 0);
    bytes[number] = held.reader->known_bytes();
  }
  return bytes;
}

bool Relay::has_handled(const std::vector<std::uint64_t>& targets) {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(
      streams_, [&](const auto& entry) { return entry.first >= targets.size() || entry.second.reader->has_handled(targets[entry.first]); });
}

bool Relay::has_passed_on(const std::vector<std::uint64_t>& targets) {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(streams_, [&](const auto& entry) {
    return entry.first >= targets.size() || entry.second.reader->has_passed_on(targets[entry.first]);
  });
}

bool Relay::all_ended() {
  base::MutexLock lock(mutex_);
  return std::ranges::all_of(streams_, [](const auto& entry) { return entry.second.reader->has_ended(); });
}

bool Relay::is_done(Drain& drain) {
  if (!drain.stored) return has_passed_on(drain.targets);
  if (!drain.order && has_handled(drain.targets)) drain.order = spool_.order();
  return drain.order && spool_.is_stored(*drain.order);
}

void Relay::answer_drains() {
  for (auto it = drains_.begin(); it != drains_.end();) {
    const bool done = is_done(*it);
    if (!done && ports_.clock.mono() < it->until) {
      ++it;
      continue;
    }
    const auto totals = spool_.totals();
    ControlMessage answer{
        .kind = Kind::drained, .number = it->id, .flag = done, .kept_lines = totals.kept_lines, .dropped_lines = totals.dropped_lines};
    {
      base::MutexLock lock(mutex_);
      for (const auto& [number, held] : streams_)
        if (held.reader->through_failure() != 0) answer.through_failure = held.reader->through_failure();
    }
    if (!starter_gone_) static_cast<void>(control_.send(answer));
    it = drains_.erase(it);
  }
}

void Relay::send_tail(const ControlMessage& asked) {
  ControlMessage answer{.kind = Kind::tailed, .text = asked.text};
  {
    base::MutexLock lock(mutex_);
    for (const auto& [number, held] : streams_) {
      const auto has = [&](std::string_view name, std::string_view value) {
        return std::ranges::any_of(held.name.labels, [&](const auto& label) { return label.first == name && label.second == value; });
      };
      if (!has("service", asked.text) || has("stream", "process")) continue;
      for (auto& line : held.reader->last_lines()) answer.lines.push_back(std::move(line));
    }
  }
  static_cast<void>(control_.send(answer));
}

// Without a word: it was killed. What it started for itself ends with it; the command that it ran is left alone.
void Relay::on_starter_gone() {
  starter_gone_ = true;
  link_->wake();
  if (finishing_) return;
  finishing_ = true;
  for (const auto group : groups_) ::kill(static_cast<pid_t>(-group), SIGTERM);
  kill_at_ = ports_.clock.mono() + options_.grace_ns;
}

void Relay::end_groups() {
  if (kill_at_ == 0) return;
  std::erase_if(groups_, [](std::int64_t group) { return ::kill(static_cast<pid_t>(-group), 0) != 0 && errno == ESRCH; });
  if (groups_.empty()) {
    kill_at_ = 0;
  } else if (ports_.clock.mono() >= kill_at_) {
    for (const auto group : groups_) ::kill(static_cast<pid_t>(-group), SIGKILL);
    groups_.clear();
  }
}

bool Relay::is_over() {
  if (!finishing_ || kill_at_ != 0 || !all_ended()) return false;
  if (spool_.is_stored()) return true;
  const base::MonoNanos now = ports_.clock.mono();
  if (news_.exchange(false) || over_since_ == 0) over_since_ = now;
  return now - over_since_ >= options_.linger_ns;
}

int Relay::time_to_wait() const {
  return kill_at_ != 0 || over_since_ != 0 || !drains_.empty() ? look_ms : -1;
}

}  // namespace telltale::sources
