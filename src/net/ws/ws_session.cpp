#include "net/ws/ws_session.h"

#include <array>
#include <utility>

#include "base/clock.h"

namespace telltale::net {

namespace {
constexpr int max_unanswered_pings = 2;
// For the peer's close frame after ours, and for its end of stream after that.
constexpr std::int64_t close_wait_ns = 5 * base::nanos_per_second;
constexpr std::int64_t linger_ns = 2 * base::nanos_per_second;
constexpr std::size_t compact_after = 256;
}  // namespace

WsSession::WsSession(const std::shared_ptr<IoLoop>& loop, const WsContext& context, std::unique_ptr<Stream> stream,
                     std::unique_ptr<WsHandler> handler)
    : context_(context),
      stream_(std::move(stream)),
      handler_(std::move(handler)),
      channel_(std::make_shared<WsChannel>(loop)),
      reader_(WsRole::server, context.max_message_bytes),
      ping_timer_(loop->context()),
      close_timer_(loop->context()) {}

void WsSession::start(std::string_view early) {
  context_.registry.add(shared_from_this());
  context_.connections.add(1);
  channel_->attach(weak_from_this());
  set_ping();
  handler_->on_open(channel_);
  if (!early.empty()) take_input(early);
  read();
}

void WsSession::shutdown() {
  channel_->close(ws_close::going_away, "the engine stops");
}

void WsSession::read() {
  if (finished_) return;
  stream_->read([self = shared_from_this()](IoError error, std::string_view bytes) { self->on_read(error, bytes); });
}

void WsSession::on_read(IoError error, std::string_view bytes) {
  if (finished_) return;
  if (error) return finish();
  take_input(bytes);
  read();
}

void WsSession::take_input(std::string_view bytes) {
  if (!bytes.empty()) unanswered_pings_ = 0;
  while (!finished_ && (phase_ == Phase::open || phase_ == Phase::closing)) {
    const WsEvent event = reader_.next(bytes);
    if (event.kind == WsEvent::Kind::need_more) break;
    on_event(event);
  }
  if (pong_due_) pump();
}

void WsSession::on_event(const WsEvent& event) {
  switch (event.kind) {
    case WsEvent::Kind::text:
      if (phase_ == Phase::open) handler_->on_text(event.payload);
      break;
    case WsEvent::Kind::binary:
      if (phase_ == Phase::open && !handler_->on_binary(event.payload)) {
        leave(ws_close::unsupported_data, "only text messages are understood");
      }
      break;
    case WsEvent::Kind::ping:
      pong_.assign(event.payload);
      pong_due_ = true;
      break;
    case WsEvent::Kind::close:
      on_peer_close(event);
      break;
    case WsEvent::Kind::error:
      leave(event.code, event.payload);
      break;
    case WsEvent::Kind::pong:
    case WsEvent::Kind::need_more:
      break;
  }
}

void WsSession::on_peer_close(const WsEvent& event) {
  leave(event.code == ws_close::no_code ? ws_close::normal : event.code, {});
}

// Says a last word now: what is queued is dropped, except for the rest of a buffer that is partly sent. Where our close frame is queued
// already, that is the last word.
void WsSession::leave(std::uint16_t code, std::string_view reason) {
  const bool said = phase_ == Phase::closing;
  phase_ = Phase::leaving;
  if (!said) {
    channel_->close(code, reason);  // from here on nothing is queued behind the close frame
    drop_queue();
    queue_close(code, reason);
  }
  close_timer_.set(close_wait_ns, [self = shared_from_this()] { self->finish(); });
  pump();
}

void WsSession::drop_queue() {
  channel_->take(outbox_);
  // While a write is under way its buffers must stay; they end at a frame's border.
  const std::size_t keep = writing_ ? head_ + Stream::max_pieces : head_ + (head_offset_ > 0 ? 1 : 0);
  while (outbox_.size() > keep) {
    channel_->taken(outbox_.back()->size());
    outbox_.pop_back();
  }
}

void WsSession::queue_close(std::uint16_t code, std::string_view reason) {
  auto frame = std::make_shared<std::string>();
  append_ws_frame(*frame, WsOpcode::close, ws_close_payload(code, reason));
  channel_->added(frame->size());
  outbox_.push_back(std::move(frame));
}

// Before all that waits, but never inside a buffer that is partly sent (that may be the middle of a frame), nor behind a close frame.
void WsSession::queue_control() {
  if (!ping_due_ && !pong_due_) return;
  std::string frames;
  if (ping_due_) append_ws_frame(frames, WsOpcode::ping, {});
  if (pong_due_) append_ws_frame(frames, WsOpcode::pong, pong_);
  ping_due_ = false;
  pong_due_ = false;
  const std::size_t place = head_ + (head_offset_ > 0 ? 1 : 0);
  if (phase_ != Phase::open && (phase_ != Phase::closing || place >= outbox_.size())) return;
  channel_->added(frames.size());
  outbox_.insert(outbox_.begin() + static_cast<std::ptrdiff_t>(place), std::make_shared<const std::string>(std::move(frames)));
}

void WsSession::pump() {
  if (finished_ || writing_ || phase_ == Phase::lingering) return;
  const auto close = channel_->take(outbox_);
  queue_control();
  if (close && phase_ == Phase::open) {
    phase_ = Phase::closing;
    queue_close(close->code, close->reason);
  }
  if (head_ == outbox_.size()) return all_sent();
  write();
}

void WsSession::write() {
  std::array<std::string_view, Stream::max_pieces> pieces;
  std::size_t count = 0;
  for (std::size_t i = head_; i < outbox_.size() && count < pieces.size(); ++i) pieces[count++] = *outbox_[i];
  pieces[0].remove_prefix(head_offset_);
  writing_ = true;
  stream_->write_some(std::span(pieces.data(), count),
                      [self = shared_from_this()](IoError error, std::size_t bytes) { self->on_written(error, bytes); });
}

void WsSession::on_written(IoError error, std::size_t bytes) {
  writing_ = false;
  if (finished_) return;
  if (error) return finish();
  advance(bytes);
  channel_->taken(bytes);
  context_.sent_bytes.add(bytes);
  if (phase_ == Phase::open && channel_->queued_bytes() < context_.max_queued_bytes / 2) handler_->on_drained();
  pump();
}

void WsSession::advance(std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t left = outbox_[head_]->size() - head_offset_;
    if (bytes < left) {
      head_offset_ += bytes;
      break;
    }
    bytes -= left;
    head_offset_ = 0;
    outbox_[head_++].reset();
  }
  if (head_ == outbox_.size() || head_ >= compact_after) {
    outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void WsSession::all_sent() {
  if (phase_ == Phase::leaving) return linger();
  if (phase_ != Phase::closing || awaits_close_) return;
  // Our close frame is out; the peer answers with its own.
  awaits_close_ = true;
  ping_timer_.cancel();
  close_timer_.set(close_wait_ns, [self = shared_from_this()] { self->finish(); });
}

void WsSession::linger() {
  phase_ = Phase::lingering;
  ping_timer_.cancel();
  close_timer_.set(linger_ns, [self = shared_from_this()] { self->finish(); });
  // The read under way sees the peer's end of stream; a failure to shut down shows there too.
  stream_->shutdown_send([self = shared_from_this()](IoError) {});
}

void WsSession::set_ping() {
  ping_timer_.set(context_.ping_interval_ns, [self = shared_from_this()] { self->on_ping_time(); });
}

void WsSession::on_ping_time() {
  if (finished_) return;
  if (unanswered_pings_ >= max_unanswered_pings) return finish();
  ++unanswered_pings_;
  ping_due_ = true;
  set_ping();
  pump();
}

void WsSession::finish() {
  if (finished_) return;
  finished_ = true;
  const auto self = shared_from_this();  // the registry's is about to go
  ping_timer_.cancel();
  close_timer_.cancel();
  stream_->close();
  channel_->end();
  context_.connections.add(-1);
  handler_->on_close();
  handler_.reset();
  context_.registry.remove(this);
}

}  // namespace telltale::net
