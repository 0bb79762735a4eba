// Barriers of a FollowStream: a second request, without following, says what there is.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "sources/follow/follow_stream.h"

namespace telltale::sources {

void FollowStream::begin_barrier(std::uint64_t id) {
  Probe& probe = probes_[id];
  probe.begun = ports_.clock.mono();
  probe.complete = left_ || gone_;
  if (!probe.complete) ask(probe);
}

void FollowStream::ask(Probe& probe) {
  const FollowCursor& cursor = delivery_.cursor();
  probe.instance = cursor.instance;
  probe.answer.reset();
  probe.said.clear();
  probe.again.reset();
  probe.builder.emplace(ports_.hasher, 0);
  probe.builder->restart(cursor.last);
  probe.parser = target_.transport->make_parser(options_.max_line_bytes);
  probe.connection_number = ++last_number_;
  FollowRequest request;
  request.instance = cursor.instance;
  request.finished = cursor.finished;
  request.since = cursor.instance.empty() ? target_.begin - target_.begin % base::nanos_per_second : cursor.finished ? 0 : cursor.start;
  request.follow = false;
  probe.intake = std::make_shared<FollowIntake>(options_.input_bytes);
  probe.connection = target_.transport->open(request, make_handler_(probe.connection_number, probe.intake));
}

void FollowStream::take_probe(Probe& probe, Told& told) {
  const auto take_part = [&](const Part& part) {
    const auto line = probe.builder->add(part);
    if (line && (delivery_.cursor().lines > 0 || line->time >= target_.begin)) probe.said.push_back(line->mark);
  };
  if (auto* answer = std::get_if<FollowAnswer>(&told.what)) {
    probe.answer = *answer;
  } else if (auto* bytes = std::get_if<std::string>(&told.what)) {
    probe.intake->take(bytes->size());
    if (probe.intake->was_stopped()) probe.connection->pause(false);
    const auto status = probe.parser->feed(*bytes, take_part);
    if (!status) probe.failure = status.error().message();
    if (probe.said.size() > 2 * options_.most_marks) probe.failure = "there are too many lines that were not read yet";
  } else {
    const FollowEnd& end = std::get<FollowEnd>(told.what);
    const base::MonoNanos now = ports_.clock.mono();
    probe.complete = end.kind != FollowEnd::Kind::cut;
    if (!probe.complete && now - probe.begun < options_.barrier_patience_ns)
      probe.again = now + options_.retry_least_ns;
    else if (!probe.complete)
      probe.failure = end.error.message();
  }
  if (probe.failure.empty() && !probe.complete && !probe.again) return;
  probe.connection.reset();
  probe.connection_number = 0;
}

// What was said and not handed on by now.
void FollowStream::compare(Probe& probe) {
  const FollowCursor& cursor = delivery_.cursor();
  if (probe.answer && probe.answer->instance != cursor.instance) {
    // The stream went on to another instance: then this one was dealt with. Or it has not come to it yet.
    probe.compared = probe.answer->instance == probe.instance;
    return;
  }
  probe.compared = true;
  MarkCounts here = delivery_.window().counts();
  for (const LineMark& mark : probe.said) {
    const base::UnixNanos time = mark.ms * base::nanos_per_millisecond;
    if (here.take(mark) || time < cursor.start || time <= cursor.uncovered) continue;
    probe.missing.add(mark);
  }
  probe.said = {};
}

FollowStream::BarrierState FollowStream::barrier(std::uint64_t id) {
  const auto it = probes_.find(id);
  if (it == probes_.end()) return BarrierState::reached;
  Probe& probe = it->second;
  if (!probe.failure.empty()) return BarrierState::failed;
  if (probe.again && ports_.clock.mono() >= *probe.again) ask(probe);
  if (probe.complete && !probe.compared) compare(probe);
  if (!probe.compared || !probe.missing.empty()) return BarrierState::waiting;
  if (!probe.version) probe.version = delivery_.version();
  if (delivery_.committed_version() >= *probe.version) return BarrierState::reached;
  // Nobody waits at a barrier for what may follow the last lines.
  if (!delivery_.blocked() && !std::exchange(probe.flushed, true)) ports_.blocks.flush();
  return BarrierState::waiting;
}

std::string FollowStream::barrier_problem(std::uint64_t id) const {
  const auto it = probes_.find(id);
  if (it == probes_.end()) return {};
  const Probe& probe = it->second;
  const auto name = base::to_printable(target_.key);
  if (!probe.failure.empty()) return fmt::format("{}: {}", name, probe.failure);
  if (!probe.complete) return fmt::format("{}: the server did not say in time what there is", name);
  if (!probe.compared || !probe.missing.empty()) return fmt::format("{}: lines that exist did not arrive yet", name);
  return fmt::format("{}: received but not committed", name);
}

}  // namespace telltale::sources
