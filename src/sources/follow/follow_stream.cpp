#include "sources/follow/follow_stream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "telemetry/log.h"

namespace telltale::sources {

using base::MonoNanos;
using base::UnixNanos;
using record::GapReason;

namespace {

UnixNanos whole_seconds(UnixNanos time) {
  return time - time % base::nanos_per_second;
}

DeliveryLimits delivery_limits(const FollowOptions& options) {
  return {{options.overlap_ns, options.most_marks, options.chunk_marks}, options.block_bytes, 4 * options.block_bytes};
}

}  // namespace

FollowStream::FollowStream(const FollowOptions& options, const FollowStreamPorts& ports, FollowTarget target,
                           const FollowDelivery::Stored& stored, FollowHandlerMaker make_handler)
    : options_(options),
      ports_(ports),
      target_(std::move(target)),
      make_handler_(std::move(make_handler)),
      delivery_(target_.key, target_.stream, delivery_limits(options), {ports.blocks, ports.batches, ports.clock, ports.metrics}, stored),
      builder_(ports.hasher, options.max_line_bytes),
      retry_(ports.random, options.retry_least_ns, options.retry_most_ns) {}

void FollowStream::received(Told told) {
  if (told.connection == connection_number_) {
    heard_ = ports_.clock.mono();
    input_.push_back(std::move(told));
    return pause_if_needed();
  }
  for (auto& [id, probe] : probes_)
    if (probe.connection_number == told.connection) return take_probe(probe, told);
}

void FollowStream::advance(const std::function<void()>& on_space) {
  do {
    take_input();
    if (!left_) look_at_time();
    delivery_.close_block(!input_.empty());
    delivery_.advance(on_space);
  } while (!input_.empty() && !delivery_.full());
  pause_if_needed();
}

void FollowStream::take_input() {
  while (!input_.empty() && !delivery_.full()) {
    Told told = std::move(input_.front());
    input_.pop_front();
    if (told.connection != connection_number_) continue;
    if (auto* bytes = std::get_if<std::string>(&told.what)) intake_->take(bytes->size());
    std::visit([this](auto& what) { take(what); }, told.what);
  }
}

// A server that cannot get rid of its lines passes over some when its files are rotated: after a while the connection is given up, and the
// next one tells what is missing. What was received by then is still taken.
void FollowStream::pause_if_needed() {
  if (connection_ == nullptr) return;
  if (intake_->was_stopped() && !paused_) paused_ = ports_.clock.mono();
  if (paused_ && intake_->waiting() <= options_.input_bytes / 2) {
    paused_.reset();
    heard_ = ports_.clock.mono();
    connection_->pause(false);
  }
}

void FollowStream::open() {
  const FollowCursor& cursor = delivery_.cursor();
  FollowRequest request;
  request.instance = cursor.instance;
  request.finished = cursor.finished;
  request.since = cursor.instance.empty() ? whole_seconds(target_.begin) : cursor.finished ? 0 : cursor.start;
  if (!cause_.empty()) ports_.metrics.count_reconnect(cause_);
  retry_at_.reset();
  builder_.restart(cursor.last);
  parser_ = target_.transport->make_parser(options_.max_line_bytes);
  handed_on_ = false;
  opened_ = heard_ = ports_.clock.mono();
  connection_number_ = ++last_number_;
  intake_ = std::make_shared<FollowIntake>(options_.input_bytes);
  connection_ = target_.transport->open(request, make_handler_(connection_number_, intake_));
}

void FollowStream::take(FollowAnswer& answer) {
  answer_ = answer;
  problem_.clear();
  if (clock_went_back(answer)) return;
  const FollowCursor& cursor = delivery_.cursor();
  if (cursor.finished && cursor.instance == answer.instance) return retry("waiting", false);
  follow_instance(answer);
  resume_ = {};
  resume_.here = delivery_.window().counts();
  resume_.checked = delivery_.window().empty();
  resume_.until = std::max(cursor.last, cursor.highest) + options_.overlap_ns;
}

// A server that filters by `since` would hide what it writes from now on.
bool FollowStream::clock_went_back(const FollowAnswer& answer) {
  const FollowCursor& cursor = delivery_.cursor();
  const bool asked = !cursor.finished && cursor.instance == answer.instance && cursor.start != 0;
  if (!asked || answer.server_time == 0 || answer.server_time + base::nanos_per_second >= cursor.start) return false;
  delivery_.move_start_back(whole_seconds(answer.server_time) - options_.overlap_ns);
  retry("clock", true);
  return true;
}

void FollowStream::follow_instance(const FollowAnswer& answer) {
  const FollowCursor& cursor = delivery_.cursor();
  if (cursor.instance == answer.instance) return;
  if (cursor.instance.empty()) {
    delivery_.begin_instance(answer.instance, whole_seconds(target_.begin));
    return delivery_.add_cursor();
  }
  const bool complete = cursor.finished && answer.previous == cursor.instance;
  const UnixNanos last = cursor.last;
  delivery_.begin_instance(answer.instance, 0);
  if (complete) return delivery_.add_cursor();
  const UnixNanos now = std::max({ports_.clock.wall(), answer.server_time + base::nanos_per_second, last});
  delivery_.add_gap(GapReason::source_restarted, last - options_.overlap_ns, now + options_.overlap_ns,
                    "what was followed was started anew, and the server does not have all that was written before");
}

void FollowStream::take(std::string& bytes) {
  const auto status = parser_->feed(bytes, [this](const Part& part) { on_part(part); });
  if (!status) {
    problem_ = status.error().message();
    retry("malformed", false);
  }
}

void FollowStream::on_part(const Part& part) {
  if (auto line = builder_.add(part)) on_line(std::move(*line));
}

// The server still has what was handed on last, so it has all that came after it. What it said before this is older where marks are
// missing; where none are, it is new, for servers do not always keep the order of two channels.
void FollowStream::on_repeated() {
  if (std::exchange(resume_.checked, true)) return;
  std::deque<FollowLine> held = std::exchange(resume_.held, {});
  if (delivery_.cursor().uncovered != 0) return ports_.metrics.duplicates.add(held.size());
  for (FollowLine& line : held) hand_on(std::move(line));
}

void FollowStream::on_line(FollowLine line) {
  if (resume_.here.take(line.mark)) {
    ports_.metrics.duplicates.add();
    return on_repeated();
  }
  if (delivery_.cursor().lines == 0 && line.time < target_.begin) return;
  if (!resume_.checked) {
    resume_.held_bytes += line.text.size();
    if (line.time <= resume_.until && resume_.held_bytes <= options_.held_bytes) {
      return resume_.held.push_back(std::move(line));
    }
    release_held(line.time);
  }
  hand_on(std::move(line));
}

void FollowStream::release_held(UnixNanos first_time) {
  std::deque<FollowLine> held = std::exchange(resume_.held, {});
  state_rotated(held.empty() ? first_time : held.front().time);
  for (FollowLine& line : held) hand_on(std::move(line));
}

// Nothing that was handed on is there any more: what came directly after it may be gone too.
void FollowStream::state_rotated(UnixNanos first_time) {
  resume_.checked = true;
  const FollowCursor& cursor = delivery_.cursor();
  if (cursor.stated != 0 && first_time <= cursor.stated) return;
  const UnixNanos from = std::max(cursor.last, cursor.stated);
  delivery_.set_stated(std::max(first_time, from));
  delivery_.add_gap(GapReason::rotated_away, std::min(from, first_time) - options_.overlap_ns,
                    std::max(from, first_time) + options_.overlap_ns,
                    "the server's oldest line is younger than the last one that was read from it");
}

void FollowStream::hand_on(FollowLine line) {
  if (line.time > resume_.until) resume_.here.clear();
  handed_on_ = true;
  for (auto& [id, probe] : probes_) probe.missing.take(line.mark);
  const UnixNanos now = ports_.clock.wall();
  ports_.metrics.delay.set((now - line.last_time) / base::nanos_per_millisecond);
  delivery_.add(std::move(line), builder_.begun(), now);
}

void FollowStream::take(FollowEnd& end) {
  if (end.kind == FollowEnd::Kind::gone) {
    const FollowCursor& cursor = delivery_.cursor();
    if (!cursor.finished && !cursor.instance.empty()) {
      const UnixNanos last = cursor.last;
      delivery_.finish_instance();
      delivery_.add_gap(GapReason::deleted_before_read, last - options_.overlap_ns,
                        std::max(ports_.clock.wall(), last) + options_.overlap_ns, "what was followed was removed on its server");
    }
    drop_connection();
    gone_ = true;
    problem_ = end.error.message();
    return;
  }
  if (end.kind == FollowEnd::Kind::cut) {
    if (!end.error.cause.empty()) problem_ = end.error.message();
    return retry(std::exchange(slow_, false) ? "slow" : "cut", false);
  }
  if (answer_ && answer_->ended) return end_instance();
  retry(answer_ ? "closed" : "waiting", false);
}

void FollowStream::end_instance() {
  parser_->finish([this](const Part& part) { on_part(part); });
  for (FollowLine& line : builder_.finish()) on_line(std::move(line));
  const UnixNanos now = ports_.clock.wall();
  if (!resume_.checked) release_held(now);
  delivery_.finish_instance();
  delivery_.add_cursor();
  retry("ended", true);
}

void FollowStream::drop_connection() {
  connection_.reset();
  connection_number_ = 0;
  answer_.reset();
  paused_.reset();
  resume_ = {};
}

void FollowStream::retry(const std::string& cause, bool at_once) {
  const MonoNanos now = ports_.clock.mono();
  const bool was_good = answer_ && (handed_on_ || now - opened_ >= options_.steady_ns);
  if (problem_.empty() && !at_once) problem_ = fmt::format("the connection ended ({}) and is made anew", cause);
  drop_connection();
  cause_ = cause;
  if (was_good) retry_.reset();
  retry_at_ = at_once ? now : now + retry_.next_wait();
}

void FollowStream::look_at_time() {
  const MonoNanos now = ports_.clock.mono();
  if (connection_ != nullptr && input_.empty()) {
    if (answer_ && !resume_.checked) {
      if (!resume_.held.empty() && now - heard_ >= options_.held_ns) {
        release_held(0);
      } else if (resume_.held.empty() && now - heard_ >= options_.replay_silence_ns) {
        resume_.checked = true;
        if (delivery_.cursor().stated == 0) state_rotated(ports_.clock.wall());
      }
    }
    if (now - heard_ >= options_.silence_ns) return retry("silent", true);
    if (answer_ && now - opened_ >= options_.max_age_ns) return retry("age", true);
  }
  if (paused_ && now - *paused_ >= options_.pause_ns) {
    connection_.reset();
    paused_.reset();
    slow_ = true;
    const base::Error why{base::ErrorCode::timeout, "lines came faster than they can be stored", {}};
    input_.push_back({connection_number_, FollowEnd{FollowEnd::Kind::cut, why}});
  }
  if (retry_at_ && now >= *retry_at_ && !gone_) open();
}

std::optional<MonoNanos> FollowStream::next_deadline() const {
  if (left_ || gone_) return std::nullopt;
  if (retry_at_) return retry_at_;
  if (paused_) return *paused_ + options_.pause_ns;
  MonoNanos next = heard_ + options_.silence_ns;
  if (answer_) next = std::min(next, opened_ + options_.max_age_ns);
  if (answer_ && !resume_.checked) next = std::min(next, heard_ + (resume_.held.empty() ? options_.replay_silence_ns : options_.held_ns));
  return next;
}

void FollowStream::leave(bool forget) {
  if (std::exchange(left_, true)) return;
  retry_at_.reset();
  while (!input_.empty()) {
    Told told = std::move(input_.front());
    input_.pop_front();
    if (auto* bytes = std::get_if<std::string>(&told.what); bytes != nullptr && told.connection == connection_number_) take(*bytes);
  }
  retry_at_.reset();
  drop_connection();
  delivery_.close_block(false);
  forget_ = forget;
  if (forget) delivery_.add_end();
}

bool FollowStream::is_settled() const {
  return input_.empty() && resume_.held.empty() && !delivery_.blocked() && delivery_.is_settled();
}

}  // namespace telltale::sources
