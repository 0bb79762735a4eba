#include "api/ws/session.h"

#include <algorithm>

namespace telltale::api {

namespace {

constexpr std::size_t step_bytes = 256 * 1024;  // encoded, of one step
constexpr std::size_t scan_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_commands = 64;  // messages of a client that wait
constexpr unsigned short internal_error = 1011;
constexpr unsigned short policy_violation = 1008;
constexpr unsigned short try_again_later = 1013;

}  // namespace

Sequence LiveContext::now() const {
  return std::max(hub.newest(), initial_sequence > 0 ? initial_sequence - 1 : 0);
}

LiveSession::LiveSession(const LiveContext& context, SessionStart start) : context_(context) {
  begin(std::move(start));
}

void LiveSession::begin(SessionStart start) {
  base::MutexLock lock(mutex_);
  query_ = std::move(start.query);
  after_ = start.after;
  tail_ = start.tail;
  from_store_ = start.resumed;
  slow_ = false;
  mode_ = Mode::catching;
}

// --- the net thread

void LiveSession::open(const std::shared_ptr<net::WsConnection>& connection) {
  context_.subscribers.add(1);
  {
    base::MutexLock lock(mutex_);
    connection_ = connection;
  }
  schedule();
}

void LiveSession::close() {
  context_.subscribers.add(-1);
  base::MutexLock lock(mutex_);
  closed_ = true;
  interrupt_ = true;
  connection_.reset();
  commands_.clear();
}

void LiveSession::drained() {
  {
    base::MutexLock lock(mutex_);
    if (mode_ != Mode::paused || connection_ == nullptr || over_limit(0)) return;
    mode_ = Mode::catching;
  }
  schedule();
}

void LiveSession::receive(std::string_view text) {
  const base::UnixNanos now = context_.clock.wall();
  const auto message = parse_client_message(text);
  if (!message) return send_text(error_message(now, message.error()));
  switch (message->kind) {
    case ClientMessageKind::ping:
      return send_text(pong_message(now));
    case ClientMessageKind::analysis_request:
      return send_text(
          error_message(now, {base::ErrorCode::query_unsupported, "analysis is not part of this version", {}}, message->request_id));
    case ClientMessageKind::subscribe:
      return command([this, message = *message] { subscribe(message); });
    case ClientMessageKind::unsubscribe:
      return command([this] { unsubscribe(); });
  }
}

// --- steps on the executor

void LiveSession::command(std::function<void()> work) {
  std::shared_ptr<net::WsConnection> flooded;
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    if (commands_.size() < max_commands) {
      commands_.push_back(std::move(work));
      interrupt_ = true;
    } else {
      flooded = connection_;
    }
  }
  if (flooded != nullptr) return flooded->close(policy_violation, "too many messages wait");
  schedule();
}

void LiveSession::schedule() {
  std::shared_ptr<net::WsConnection> connection;
  {
    base::MutexLock lock(mutex_);
    if (scheduled_ || closed_) return;
    scheduled_ = true;
    connection = connection_;
  }
  if (context_.queries.post([self = shared_from_this()] { self->run(); })) return;
  {
    base::MutexLock lock(mutex_);
    scheduled_ = false;
  }
  if (connection != nullptr) connection->close(try_again_later, "the engine is busy");
}

void LiveSession::run() {
  std::function<void()> work;
  Step step;
  bool has_step = false;
  {
    base::MutexLock lock(mutex_);
    if (!closed_ && !commands_.empty()) {
      work = std::move(commands_.front());
      commands_.pop_front();
    } else {
      has_step = make_step(step);
    }
    if (!closed_) interrupt_ = !commands_.empty();
  }
  if (work) work();
  if (has_step) catch_up(step);
  bool more = false;
  {
    base::MutexLock lock(mutex_);
    scheduled_ = false;
    more = !closed_ && (!commands_.empty() || mode_ == Mode::catching);
  }
  if (more) schedule();
}

bool LiveSession::make_step(Step& step) {
  if (closed_ || connection_ == nullptr || mode_ != Mode::catching) return false;
  if (over_limit(0)) {
    pause();
    if (mode_ == Mode::paused) return false;
  }
  step = {connection_, query_, after_, tail_, from_store_, slow_};
  return true;
}

void LiveSession::catch_up(const Step& step) {
  if (step.tail > 0) return send_tail(step);
  if (step.from_store) return read_store(step, ~Sequence{0});
  if (!read_ring(step)) go_live(step);
}

// False: the ring holds nothing newer.
bool LiveSession::read_ring(const Step& step) {
  const live::ReadResult read = context_.hub.read(step.after, step_bytes);
  if (read.missed && step.slow) return skip_to_newest(step), true;
  if (read.missed) return read_store(step, read.missed_to), true;
  if (read.batches.empty()) return false;
  FrameEncoder encoder;
  for (const auto& batch : read.batches) encoder.add(batch, *step.query.predicate, step.after, read.next);
  send(*step.connection, encoder.take());
  advance(read.next);
  return true;
}

void LiveSession::skip_to_newest(const Step& step) {
  const Sequence newest = context_.hub.newest();
  send_gap(*step.connection, newest - step.after, newest, "this reader was too slow");
  advance(newest);
}

void LiveSession::go_live(const Step& step) {
  {
    base::MutexLock lock(mutex_);
    if (closed_) return;
    mode_ = Mode::live;
    slow_ = false;
  }
  if (context_.broadcaster.join(shared_from_this(), step.query, step.after)) return;
  base::MutexLock lock(mutex_);
  mode_ = Mode::catching;
  slow_ = step.slow;
}

void LiveSession::send_tail(const Step& step) {
  query::QueryRequest request;
  request.predicate = step.query.predicate;
  request.after = step.after + 1;
  request.limit = step.tail;
  request.newest_first = true;
  const auto answer = query::run(context_.store, context_.clock, request);
  if (!answer) return fail(*step.connection, answer.error());
  FrameEncoder encoder;
  for (auto row = answer->rows.rbegin(); row != answer->rows.rend(); ++row) encoder.add(row->view());
  send(*step.connection, encoder.take());
  base::MutexLock lock(mutex_);
  tail_ = 0;
}

// One step through the store, up to the sequence `to`.
void LiveSession::read_store(const Step& step, Sequence to) {
  const Sequence kept = context_.store.stats().first_sequence;
  Sequence done = step.after;
  if (step.after > 0 && kept > step.after + 1 && kept <= to) {
    send_gap(*step.connection, kept - step.after - 1, kept - 1, "retention removed them");
    done = kept - 1;
  }
  FrameEncoder encoder;
  std::size_t visited = 0;
  bool finished = true;
  const auto may_match = [&](const record::Stream& stream) { return !interrupt_ && step.query.predicate->may_match(stream); };
  const auto visit = [&](const CommittedBatchRef& batch) {
    if (interrupt_) return store::ScanStep::stop;
    encoder.add(batch, *step.query.predicate, done, to);
    done = std::max(done, std::min(to, batch->last_sequence()));
    visited += batch->batch.text.size();
    finished = encoder.bytes() < step_bytes && visited < scan_bytes;
    return finished ? store::ScanStep::go_on : store::ScanStep::stop;
  };
  const auto status = context_.store.scan({.from_sequence = done + 1, .to_sequence = to}, may_match, visit);
  if (!status) return fail(*step.connection, status.error());
  send(*step.connection, encoder.take());
  finished = finished && !interrupt_;
  if (finished && to != ~Sequence{0}) done = to;
  advance(done);
  base::MutexLock lock(mutex_);
  if (finished) from_store_ = false;
}

void LiveSession::subscribe(const ClientMessage& message) {
  auto query = compile_live_query(message.query, context_.labels);
  if (!query) return send_text(error_message(context_.clock.wall(), query.error()));
  SessionStart start{*std::move(query), context_.now(), false, 0};
  if (!message.after.empty()) {
    auto after = resume_point(context_.store, message.after);
    if (!after) return send_text(error_message(context_.clock.wall(), after.error()));
    start.after = *after;
    start.resumed = true;
  }
  context_.broadcaster.leave(*this);
  send_text(subscribed_message(context_.clock.wall(), start.query.text, start.after));
  begin(std::move(start));
}

void LiveSession::unsubscribe() {
  context_.broadcaster.leave(*this);
  {
    base::MutexLock lock(mutex_);
    mode_ = Mode::off;
  }
  send_text(unsubscribed_message(context_.clock.wall()));
}

// --- the broadcaster's thread

bool LiveSession::deliver(const Delivery& delivery) {
  std::shared_ptr<net::WsConnection> connection;
  EncodedFrames encoded = delivery.encoded;
  {
    base::MutexLock lock(mutex_);
    if (closed_ || mode_ != Mode::live || connection_ == nullptr) return false;
    if (delivery.last <= after_) return true;
    if (delivery.first > after_ + 1) {  // the broadcaster itself was too late: the store has what the ring has not
      mode_ = Mode::catching;
    } else if (encoded.frames != nullptr && over_limit(encoded.frames->size())) {
      slow_ = true;
      pause();
    } else {
      if (after_ >= delivery.first) {
        FrameEncoder encoder;
        for (const auto& batch : delivery.batches) encoder.add(batch, *query_.predicate, after_, delivery.last);
        encoded = encoder.take();
      }
      after_ = delivery.last;
      connection = connection_;
    }
  }
  if (connection == nullptr) {
    schedule();
    return false;
  }
  send(*connection, encoded);
  return true;
}

// --- small parts

// A reader with nothing queued can always be sent something, however large.
bool LiveSession::over_limit(std::size_t more) const {
  const std::size_t queued = connection_->queued_bytes();
  return queued > 0 && queued + more > context_.queue_bytes;
}

// The queue may have been emptied before the mode was set, and drained() would not come again.
void LiveSession::pause() {
  mode_ = Mode::paused;
  if (!over_limit(0)) mode_ = Mode::catching;
}

void LiveSession::advance(Sequence after) {
  base::MutexLock lock(mutex_);
  after_ = after;
}

void LiveSession::send(net::WsConnection& connection, const EncodedFrames& encoded) {
  if (encoded.frames == nullptr) return;
  context_.sent_records.add(encoded.records);
  connection.send_frames(encoded.frames);
}

void LiveSession::send_gap(net::WsConnection& connection, std::uint64_t dropped, Sequence after, std::string_view reason) {
  context_.dropped_records.add(dropped);
  connection.send_text(gap_message(context_.clock.wall(), dropped, after, reason));
}

void LiveSession::send_text(std::string_view text) {
  std::shared_ptr<net::WsConnection> connection;
  {
    base::MutexLock lock(mutex_);
    connection = connection_;
  }
  if (connection != nullptr) connection->send_text(text);
}

void LiveSession::fail(net::WsConnection& connection, const base::Error& error) {
  {
    base::MutexLock lock(mutex_);
    mode_ = Mode::off;
  }
  connection.send_text(error_message(context_.clock.wall(), error));
  connection.close(internal_error, "the stream cannot go on");
}

}  // namespace telltale::api
