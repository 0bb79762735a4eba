#include "net/http/http_session.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "net/http/responder.h"
#include "net/http/upgrade.h"
#include "telemetry/log.h"

namespace telltale::net {

using base::ErrorCode;

namespace {
// After the last answer the client may still be sending: closing at once would make its kernel throw the answer away.
constexpr std::int64_t linger_ns = 2 * base::nanos_per_second;
constexpr std::size_t max_discarded_bytes = 16 * 1024 * 1024;
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

std::uint64_t next_connection() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

HttpSession::HttpSession(ServerContext& context, std::unique_ptr<Stream> stream)
    : context_(context),
      connection_(next_connection()),
      stream_(std::move(stream)),
      reader_(RequestLimits{context.limits.max_header_bytes, context.limits.max_body_bytes}),
      deadline_(context.loop->context()) {}

void HttpSession::start() {
  context_.sessions.add(shared_from_this());
  context_.connections.add(1);
  set_deadline(context_.limits.request_timeout_ns);
  stream_->handshake([self = shared_from_this()](IoError error) { self->on_handshake(error); });
}

void HttpSession::refuse(base::Error error) {
  refusal_ = std::make_unique<base::Error>(std::move(error));
  start();
}

void HttpSession::on_handshake(IoError error) {
  if (phase_ == Phase::finished) return;
  if (error) return linger();
  if (refusal_) return answer_error(*refusal_);
  phase_ = Phase::idle;
  set_deadline(context_.limits.idle_timeout_ns);
  next_request();
}

void HttpSession::next_request() {
  const RequestReader::State state = reader_.advance();
  if (state == RequestReader::State::complete) return handle(reader_.take());
  if (state == RequestReader::State::failed) return answer_error(reader_.error());
  wait_for_bytes();
}

void HttpSession::wait_for_bytes() {
  if (context_.stopping && !reader_.started()) return finish();
  if (phase_ == Phase::idle && reader_.started()) {
    phase_ = Phase::receiving;
    set_deadline(context_.limits.request_timeout_ns);
  }
  if (reader_.take_continue()) return send_continue();
  read();
}

void HttpSession::read() {
  if (std::exchange(reading_, true)) return;
  stream_->read([self = shared_from_this()](IoError error, std::string_view bytes) { self->on_read(error, bytes); });
}

void HttpSession::on_read(IoError error, std::string_view bytes) {
  reading_ = false;
  if (phase_ == Phase::lingering) return on_lingering(error, bytes);
  // A read that was under way when its request was given up: what it brings is no longer wanted.
  if (phase_ != Phase::idle && phase_ != Phase::receiving) return;
  if (error) return finish();
  reader_.append(bytes);
  next_request();
}

void HttpSession::send_continue() {
  sending_continue_ = true;
  head_ = continue_line;
  body_.clear();
  written_ = 0;
  write();
}

void HttpSession::handle(Request request) {
  phase_ = Phase::handling;
  deadline_.cancel();
  keep_alive_ = reader_.keep_alive();
  head_only_ = request.method == "HEAD";
  request.remote = stream_->remote();
  request.local_port = stream_->local_port();
  request.tls = stream_->tls();
  request.connection = connection_;
  known_ = true;
  try {
    if (wants_upgrade(request)) return begin_upgrade(request);
    call_application(std::move(request));
  } catch (const std::exception& problem_text) {
    // The responder may have been dropped on the way and have answered.
    telemetry::log(telemetry::LogLevel::error, "net", "handling a request threw: {}", problem_text.what());
    if (phase_ == Phase::handling) answer(problem({ErrorCode::internal, "handling the request failed", {}}));
  }
}

void HttpSession::call_application(Request request) {
  auto deliver = [weak = weak_from_this()](Response response) {
    if (const auto self = weak.lock()) self->answer(std::move(response));
  };
  context_.application.handle(std::move(request), make_responder(context_.loop, std::move(deliver)));
}

void HttpSession::begin_upgrade(const Request& request) {
  if (auto refused = check_upgrade(request)) return answer(std::move(*refused));
  UpgradeDecision decision = context_.application.upgrade(request);
  if (auto* refused = std::get_if<Response>(&decision)) return answer(std::move(*refused));
  if (!std::get<std::unique_ptr<WsHandler>>(decision)) {
    return answer(problem({ErrorCode::internal, "the upgrade was neither taken nor refused", {}}));
  }
  become_websocket(request, std::move(std::get<std::unique_ptr<WsHandler>>(decision)));
}

void HttpSession::become_websocket(const Request& request, std::unique_ptr<WsHandler> handler) {
  context_.requests.count(101);
  phase_ = Phase::writing;
  set_deadline(context_.limits.idle_timeout_ns);
  head_ = upgrade_head(request, handler->subprotocol(), context_.date.now());
  upgraded_ = std::move(handler);
  body_.clear();
  written_ = 0;
  write();
}

void HttpSession::hand_over() {
  deadline_.cancel();
  phase_ = Phase::finished;
  const auto self = shared_from_this();
  context_.connections.add(-1);
  say_closed();
  auto session = std::make_shared<WsSession>(context_.loop, context_.ws, std::move(stream_), std::move(upgraded_));
  session->start(reader_.take_rest());
  if (context_.stopping) session->shutdown();
  context_.sessions.remove(this);
}

void HttpSession::answer_error(const base::Error& error) {
  keep_alive_ = false;
  head_only_ = false;
  phase_ = Phase::handling;
  answer(problem(error));
}

void HttpSession::answer(Response response) {
  if (phase_ != Phase::handling) return;
  phase_ = Phase::writing;
  if (response.status < 200 || response.status > 599) {
    telemetry::log(telemetry::LogLevel::error, "net", "an answer has the status {}", response.status);
    response = problem({ErrorCode::internal, "the request was answered with a status that cannot be sent", {}});
  }
  context_.requests.count(response.status);
  keep_idle_ = keep_idle_ || response.keep_idle;
  if (context_.stopping) keep_alive_ = false;
  if (peer_gone_) return context_.loop->post([self = shared_from_this()] { self->sent(); });
  std::string dropped;
  head_ = response_head(response, ResponseFraming{keep_alive_, reader_.http_1_0(), context_.date.now()}, &dropped);
  if (!dropped.empty()) telemetry::log(telemetry::LogLevel::error, "net", "an answer's header '{}' cannot be sent", dropped);
  body_ = head_only_ || status_without_body(response.status) ? std::string() : std::move(response.body);
  written_ = 0;
  write();
}

// Each piece of progress has its own deadline: a client may read slowly, but not stop.
void HttpSession::write() {
  if (phase_ == Phase::writing) set_deadline(context_.limits.idle_timeout_ns);
  std::array<std::string_view, 2> pieces = {head_, body_};
  const std::size_t of_head = std::min(written_, head_.size());
  pieces[0].remove_prefix(of_head);
  pieces[1].remove_prefix(written_ - of_head);
  stream_->write_some(pieces, [self = shared_from_this()](IoError error, std::size_t bytes) { self->on_written(error, bytes); });
}

void HttpSession::on_written(IoError error, std::size_t bytes) {
  if (phase_ == Phase::finished) return;
  if (error) return go_on_without_answers();
  written_ += bytes;
  if (written_ < head_.size() + body_.size()) return write();
  sent();
}

// A client that crashed leaves requests that it had written but whose answers it will never read: its last words count.
void HttpSession::go_on_without_answers() {
  if (phase_ != Phase::writing || upgraded_) return finish();
  peer_gone_ = true;
  sent();
}

void HttpSession::sent() {
  if (phase_ == Phase::finished) return;
  head_.clear();
  body_ = std::string();
  if (std::exchange(sending_continue_, false)) return read();
  if (upgraded_) return hand_over();
  if (!keep_alive_ || context_.stopping) return linger();
  phase_ = Phase::idle;
  if (keep_idle_) {
    deadline_.cancel();
  } else {
    set_deadline(context_.limits.idle_timeout_ns);
  }
  next_request();
}

void HttpSession::linger() {
  phase_ = Phase::lingering;
  say_closed();
  set_deadline(linger_ns);
  stream_->shutdown_send([self = shared_from_this()](IoError) {
    if (self->phase_ == Phase::lingering) self->read();
  });
}

void HttpSession::on_lingering(IoError error, std::string_view bytes) {
  discarded_ += bytes.size();
  if (error || discarded_ > max_discarded_bytes) return finish();
  read();
}

void HttpSession::set_deadline(std::int64_t after_ns) {
  deadline_.set(after_ns, [self = shared_from_this()] { self->on_deadline(); });
}

void HttpSession::on_deadline() {
  if (phase_ != Phase::receiving || sending_continue_) return finish();
  answer_error({ErrorCode::request_timeout,
                fmt::format("the request did not arrive within {} ms", context_.limits.request_timeout_ns / base::nanos_per_millisecond),
                {}});
}

void HttpSession::shutdown() {
  if (phase_ == Phase::idle && !reader_.started()) finish();
}

void HttpSession::say_closed() {
  if (std::exchange(known_, false) && !context_.stopping) context_.application.connection_closed(connection_);
}

void HttpSession::finish() {
  if (phase_ == Phase::finished) return;
  phase_ = Phase::finished;
  const auto self = shared_from_this();  // the registry's is about to go
  deadline_.cancel();
  stream_->close();
  upgraded_.reset();
  context_.connections.add(-1);
  say_closed();
  context_.sessions.remove(this);
}

}  // namespace telltale::net
