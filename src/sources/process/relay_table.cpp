#include "sources/process/relay_table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "telemetry/log.h"

namespace telltale::sources {

namespace {

const telemetry::MetricLabels of_processes{{"source", "process"}};
// Relays keep to their window; what goes beyond it by so much is no relay.
constexpr std::uint64_t most_queued = 4 * relay_window;
constexpr std::size_t most_streams = 256;  // of one connection

}  // namespace

ProcessMetrics::ProcessMetrics(telemetry::Metrics& registry)
    : metrics(registry),
      lines(registry.counter("telltale_source_received_lines_total", "Source lines handed to the pipeline.", of_processes)),
      bytes(registry.counter("telltale_source_received_bytes_total", "Source bytes handed to the pipeline.", of_processes)),
      truncated_lines(registry.counter("telltale_source_truncated_lines_total", "Lines cut at the limit of a line.", of_processes)),
      again(registry.counter("telltale_source_duplicates_total", "Blocks that a relay sent again although they were here.", of_processes)),
      lag(registry.gauge("telltale_source_lag_bytes", "Bytes that exist and are not committed.", of_processes)),
      relays(registry.gauge("telltale_source_process_relays", "Relays that are connected.")),
      streams(registry.gauge("telltale_source_process_streams", "Streams of relays that have not ended.")) {}

void ProcessMetrics::count_gap(record::GapReason reason) {
  metrics
      .counter("telltale_source_gaps_total", "Losses that were stated as gap records.",
               {{"reason", std::string(record::gap_reason_name(reason))}, {"source", "process"}})
      .add();
}

RelayTable::RelayTable(const ProcessSourceOptions& options, const ProcessSourcePorts& ports, ProcessMetrics& metrics)
    : options_(options), ports_(ports), metrics_(metrics) {}

void RelayTable::restore(std::string key, record::StreamRef stream, const StreamPlace& committed) {
  ProcessStream restored(key, std::move(stream), committed);
  const base::MonoNanos now = ports_.clock.mono();
  streams_.emplace(std::move(key), Followed{.stream = std::move(restored), .relay = {}, .left = now});
}

void RelayTable::connect(RelayConnection id, std::shared_ptr<RelayPeer> peer) {
  connections_[id].peer = std::move(peer);
  metrics_.relays.set(static_cast<std::int64_t>(connections_.size()));
}

void RelayTable::disconnect(RelayConnection id) {
  connections_.erase(id);
  metrics_.relays.set(static_cast<std::int64_t>(connections_.size()));
  for (auto& [key, followed] : streams_) {
    if (followed.owner != id) continue;
    followed.owner = 0;
    followed.left = ports_.clock.mono();
  }
}

void RelayTable::refuse(RelayConnection id, const std::string& why) {
  telemetry::log(telemetry::LogLevel::warning, "process", "a relay's connection is closed: {}", why);
  const auto it = connections_.find(id);
  if (it != connections_.end()) it->second.peer->close(why);
  disconnect(id);
}

void RelayTable::text(RelayConnection id, std::string_view message) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  const auto decoded = decode_from_relay(message);
  if (!decoded) return refuse(id, decoded.error().message());
  if (!it->second.greeted && !std::holds_alternative<RelayHello>(*decoded)) return refuse(id, "the first message must be hello");
  std::visit([&](const auto& said) { take(id, it->second, said); }, *decoded);
}

void RelayTable::take(RelayConnection id, Connection& connection, const RelayHello& hello) {
  if (std::exchange(connection.greeted, true)) return refuse(id, "hello was said twice");
  connection.hello = hello;
  connection.peer->send(encode(FromEngine(RelayWelcome{options_.max_line_bytes, relay_window})));
}

record::StreamRef RelayTable::make_stream(const Connection& connection, const RelayStream& stream) const {
  std::vector<std::pair<std::string, std::string>> labels;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) labels.emplace_back(name, ports_.redact_label ? ports_.redact_label(value) : value);
  };
  for (const auto& [name, value] : stream.labels) add(name, value);
  add("source", "process");
  add("host", connection.hello.host);
  add("instance", connection.hello.run);
  return record::make_stream(record::Labels(std::move(labels)));
}

// Who says it last owns it: a relay that connected anew may be here before its old connection is seen to be gone.
void RelayTable::take(RelayConnection id, Connection& connection, const RelayStream& said) {
  if (connection.keys.size() >= most_streams) return refuse(id, fmt::format("more than {} streams", most_streams));
  auto it = streams_.find(said.key);
  if (it == streams_.end()) {
    it = streams_
             .emplace(said.key,
                      Followed{.stream = ProcessStream(said.key, make_stream(connection, said), {}), .relay = connection.hello.relay})
             .first;
    // Nothing of it is here: what an engine said to have stored is in that engine's store.
    it->second.stream.skip_to(said.acknowledged);
  }
  Followed& followed = it->second;
  // Its end, after a gap, is on its way to the store. Then it can begin anew.
  if (followed.given_up) return refuse(id, fmt::format("{} was given up just now", name_of(followed)));
  followed.owner = id;
  followed.number = said.number;
  connection.keys[said.number] = said.key;
  connection.peer->send(encode(FromEngine(RelayPosition{said.number, followed.stream.received()})));
  followed.news = true;
}

RelayTable::Followed* RelayTable::owned(RelayConnection id, Connection& connection, std::uint32_t number) {
  const auto key = connection.keys.find(number);
  if (key == connection.keys.end()) return nullptr;
  const auto it = streams_.find(key->second);
  // Taken over by another connection, or ended: what comes here is old.
  return it != streams_.end() && it->second.owner == id ? &it->second : nullptr;
}

record::GapReason RelayTable::reason_for(const Followed& followed, const Connection& connection) const {
  const bool same = followed.relay.empty() || followed.relay == connection.hello.relay;
  return same ? record::GapReason::relay_full : record::GapReason::relay_lost;
}

void RelayTable::take(RelayConnection id, Connection& connection, const RelayEnd& end) {
  Followed* followed = owned(id, connection, end.number);
  if (followed == nullptr || std::exchange(followed->ending, true)) return;
  followed->stream.end(end.at, reason_for(*followed, connection));
}

void RelayTable::take(RelayConnection id, Connection& connection, const RelayRelease& release) {
  Followed* followed = owned(id, connection, release.number);
  if (followed == nullptr || !followed->ending || std::exchange(followed->released, true)) return;
  followed->stream.release();
}

void RelayTable::take(RelayConnection id, Connection&, const RelayBarrierDone& done) {
  answers_.emplace_back(id, done.id);
}

// When a relay of this machine made its message; 0: not known. On a busy machine it may be long on its way, and a line must not seem to be
// written later than it was.
base::UnixNanos RelayTable::sent_at(const Connection& connection, const RelayBlock& block, base::UnixNanos arrived) const {
  const bool same_clock = !options_.host.empty() && connection.hello.host == options_.host;
  return same_clock && block.sent_at > 0 && block.sent_at <= arrived ? block.sent_at : 0;
}

void RelayTable::binary(RelayConnection id, std::string_view message, base::UnixNanos arrived) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  auto block = decode_block(message);
  if (!block) return refuse(id, block.error().message());
  Followed* followed = owned(id, it->second, block->number);
  if (followed == nullptr || followed->ending) return;
  if (block->to.offset <= followed->stream.received().offset) return metrics_.again.add();
  if (followed->stream.queued() > most_queued) return refuse(id, "the window was not kept");
  record::RawBlock raw;
  raw.bytes = block->bytes;
  raw.last_line_unterminated = block->unterminated;
  raw.truncated = block->truncated;
  const base::UnixNanos sent = sent_at(it->second, *block, arrived);
  raw.observed_time = (sent != 0 ? sent : arrived) - block->age_ns;
  if (sent != 0 && block->dry_ns) raw.written_after = sent - std::max(*block->dry_ns, block->age_ns);
  metrics_.lines.add(block->to.line - block->from.line);
  metrics_.bytes.add(raw.bytes.size());
  if (block->truncated) metrics_.truncated_lines.add();
  if (!followed->stream.receive(std::move(raw), block->from, block->to, reason_for(*followed, it->second)))
    return refuse(id, "a block begins in the middle of a line");
  followed->relay = it->second.hello.relay;
}

void RelayTable::committed(const std::string& key, const StreamPlace& at) {
  const auto it = streams_.find(key);
  if (it == streams_.end()) return;
  it->second.stream.commit(at);
  it->second.news = true;
}

void RelayTable::committed_end(const std::string& key) {
  const auto it = streams_.find(key);
  if (it != streams_.end() && it->second.released) it->second.stream.commit_end();
}

void RelayTable::tell(Followed& followed) {
  const auto it = connections_.find(followed.owner);
  if (it == connections_.end()) return;
  if (std::exchange(followed.news, false))
    it->second.peer->send(encode(FromEngine(RelayCommitted{followed.number, followed.stream.committed()})));
  if (followed.stream.has_ended()) it->second.peer->send(encode(FromEngine(RelayEnded{followed.number})));
}

void RelayTable::give_up_lost() {
  const base::MonoNanos now = ports_.clock.mono();
  for (auto& [key, followed] : streams_) {
    if (followed.owner != 0 || followed.released || now - followed.left < options_.lost_after_ns) continue;
    followed.released = true;
    if (!std::exchange(followed.ending, true)) {
      followed.given_up = true;
      telemetry::log(telemetry::LogLevel::warning, "process", "{}: its relay did not come back", name_of(followed));
      followed.stream.give_up("the relay that read this output went away without saying how it ended");
    }
    followed.stream.release();
  }
}

void RelayTable::advance(const std::function<void()>& on_space) {
  give_up_lost();
  const ProcessStream::Sinks sinks{ports_.blocks, ports_.batches, ports_.clock,
                                   [this](record::GapReason reason) { metrics_.count_gap(reason); }};
  std::uint64_t lag = 0;
  for (auto it = streams_.begin(); it != streams_.end();) {
    ProcessStream& stream = it->second.stream;
    stream.advance(sinks, on_space);
    tell(it->second);
    lag += stream.received().offset - std::min(stream.committed().offset, stream.received().offset);
    it = stream.has_ended() ? streams_.erase(it) : std::next(it);
  }
  metrics_.lag.set(static_cast<std::int64_t>(lag));
  metrics_.streams.set(static_cast<std::int64_t>(streams_.size()));
}

std::optional<base::MonoNanos> RelayTable::next_deadline() const {
  std::optional<base::MonoNanos> next;
  for (const auto& [key, followed] : streams_) {
    if (followed.owner != 0 || followed.released) continue;
    const base::MonoNanos due = followed.left + options_.lost_after_ns;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

RelayTable::Barrier RelayTable::begin_barrier(std::uint64_t id) {
  Barrier barrier{.id = id, .asked = {}, .targets = {}};
  for (auto& [connection_id, connection] : connections_) {
    if (!connection.greeted) continue;
    connection.peer->send(encode(FromEngine(RelayBarrier{id})));
    barrier.asked.insert(connection_id);
  }
  for (const auto& [key, followed] : streams_)
    if (followed.owner == 0) barrier.targets.emplace_back(key, followed.stream.received());
  return barrier;
}

std::vector<std::pair<RelayConnection, std::uint64_t>> RelayTable::take_answers() {
  return std::exchange(answers_, {});
}

void RelayTable::answered(Barrier& barrier, RelayConnection relay) const {
  if (barrier.asked.erase(relay) == 0) return;
  for (const auto& [key, followed] : streams_)
    if (followed.owner == relay) barrier.targets.emplace_back(key, followed.stream.received());
}

bool RelayTable::is_worth_waiting(const Barrier& barrier) const {
  if (std::ranges::any_of(barrier.asked, [this](RelayConnection id) { return connections_.contains(id); })) return true;
  const base::MonoNanos now = ports_.clock.mono();
  const auto comes_back = [&](const auto& entry) {
    const Followed& followed = entry.second;
    return followed.owner == 0 && !followed.ending && now - followed.left < options_.barrier_patience_ns;
  };
  if (std::ranges::any_of(streams_, comes_back)) return true;
  return std::ranges::any_of(barrier.targets, [this](const auto& target) {
    const auto it = streams_.find(target.first);
    return it != streams_.end() && it->second.stream.committed().offset < target.second.offset;
  });
}

std::vector<std::string> RelayTable::missing(const Barrier& barrier) const {
  std::vector<std::string> missing;
  for (const RelayConnection id : barrier.asked) {
    const auto it = connections_.find(id);
    if (it != connections_.end())
      missing.push_back(fmt::format("the relay of run {} did not answer", base::to_printable(it->second.hello.run)));
  }
  for (const auto& [key, followed] : streams_) {
    const bool away = followed.owner == 0 && !followed.ending;
    if (away) missing.push_back(fmt::format("{}: its relay is not connected", name_of(followed)));
  }
  for (const auto& [key, target] : barrier.targets) {
    const auto it = streams_.find(key);
    if (it != streams_.end() && it->second.stream.committed().offset < target.offset)
      missing.push_back(fmt::format("{}: received but not committed", name_of(it->second)));
  }
  return missing;
}

std::string RelayTable::name_of(const Followed& followed) {
  const auto& labels = followed.stream.stream()->labels;
  return base::to_printable(fmt::format("{} of {}", labels.get("stream"), labels.get("service")));
}

SourceHealth RelayTable::health() const {
  SourceHealth health;
  health.name = "process";
  health.streams = streams_.size();
  std::vector<std::string> away;
  for (const auto& [key, followed] : streams_) {
    health.lag_bytes += followed.stream.received().offset - std::min(followed.stream.committed().offset, followed.stream.received().offset);
    if (followed.owner == 0 && !followed.ending) away.push_back(name_of(followed));
  }
  health.healthy = away.empty();
  if (!away.empty()) health.detail = fmt::format("{} (and {} more): the relay is not connected", away[0], away.size() - 1);
  return health;
}

}  // namespace telltale::sources
