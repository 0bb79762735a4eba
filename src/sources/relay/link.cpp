#include "sources/relay/link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace telltale::sources {

using base::ErrorCode;
using base::Status;

namespace {

constexpr std::int64_t first_retry_ns = 50 * base::nanos_per_millisecond;
constexpr std::int64_t longest_retry_ns = 2 * base::nanos_per_second;
constexpr std::int64_t look_ns = base::nanos_per_second;

}  // namespace

void Link::run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] {
    base::MutexLock lock(mutex_);
    if (owned_ != nullptr) owned_->interrupt();
    woken_.notify_all();
  });
  while (!stop.stop_requested()) {
    auto done = connect();
    if (done) done = serve(stop);
    set_client(nullptr);
    if (stop.stop_requested()) return;
    if (!done) ports_.on_state(&done.error());
    wait_before_retry(stop);
  }
}

void Link::wake() {
  if (!sleeping_.exchange(false)) return;
  base::MutexLock lock(mutex_);
  if (owned_ != nullptr) owned_->interrupt();
}

void Link::set_client(std::unique_ptr<net::WsClient> client) {
  base::MutexLock lock(mutex_);
  owned_ = std::move(client);
  client_ = owned_.get();
}

// Soon at first, for an engine that was killed is mostly started again at once.
void Link::wait_before_retry(const std::stop_token& stop) {
  retry_ns_ = std::clamp(2 * retry_ns_, first_retry_ns, longest_retry_ns);
  const base::MonoNanos until = ports_.clock.mono() + retry_ns_;
  base::MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    const std::int64_t left = until - ports_.clock.mono();
    if (left <= 0) return;
    woken_.wait_for(mutex_, std::chrono::nanoseconds(left));
  }
}

Status Link::connect() {
  const auto target = ports_.find_engine();
  if (!target) return std::unexpected(target.error());
  auto url = net::parse_url(target->url);
  if (!url) return base::pass(url);
  url->scheme = url->scheme == "https" ? "wss" : "ws";
  url->target = std::string(relay_path);
  net::Headers headers;
  if (!target->token.empty()) headers.emplace_back("authorization", "Bearer " + target->token);
  auto client = net::WsClient::connect(*url, headers, options_.connect_ns);
  if (!client) return base::pass(client);
  set_client(std::move(*client));
  announced_.clear();
  barriers_.clear();
  window_ = 0;
  last_heard_ = ports_.clock.mono();
  ports_.spool.begin_connection();
  return client_->send(encode(FromRelay(RelayHello{options_.relay, options_.run, options_.host})));
}

Status Link::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    // Before looking: what comes up after the look wakes.
    sleeping_ = true;
    if (auto sent = send_all(); !sent) return sent;
    if (auto received = receive(); !received) return received;
  }
  return {};
}

Status Link::send_all() {
  if (window_ == 0) return {};
  if (auto announced = announce(); !announced) return announced;
  while (const auto message = ports_.spool.next(window_, ports_.clock.mono(), ports_.clock.wall()))
    if (auto sent = client_->send_binary(*message); !sent) return sent;
  while (const auto end = ports_.spool.next_end())
    if (auto sent = client_->send(encode(FromRelay(*end))); !sent) return sent;
  while (const auto release = ports_.spool.next_release())
    if (auto sent = client_->send(encode(FromRelay(*release))); !sent) return sent;
  return answer_barriers();
}

Status Link::announce() {
  for (const auto& place : ports_.spool.places()) {
    if (!announced_.insert(place.stream).second) continue;
    auto name = ports_.name_of(place.stream);
    const RelayStream stream{place.stream, std::move(name.key), std::move(name.labels), place.from, place.acknowledged};
    if (auto sent = client_->send(encode(FromRelay(stream))); !sent) return sent;
  }
  return {};
}

Status Link::answer_barriers() {
  for (auto it = barriers_.begin(); it != barriers_.end();) {
    if (!it->targets) it->targets = ports_.known_bytes();
    if (it->targets && !it->order && ports_.has_handled(*it->targets)) it->order = ports_.spool.order();
    if (!it->order || !ports_.spool.is_sent(*it->order)) {
      ++it;
      continue;
    }
    if (auto sent = client_->send(encode(FromRelay(RelayBarrierDone{it->id}))); !sent) return sent;
    it = barriers_.erase(it);
  }
  return {};
}

Status Link::receive() {
  const auto message = client_->receive(look_ns);
  if (!message) {
    if (message.error().code == ErrorCode::cancelled) return {};
    if (message.error().code != ErrorCode::timeout) return std::unexpected(message.error());
    const bool silent = ports_.clock.mono() - last_heard_ > options_.silence_ns && (window_ == 0 || !ports_.spool.is_stored());
    if (silent)
      return base::fail(ErrorCode::timeout, fmt::format("the engine said nothing for {} s", options_.silence_ns / base::nanos_per_second));
    return {};
  }
  if (!*message) return base::fail(ErrorCode::connection_lost, "the engine closed the connection");
  last_heard_ = ports_.clock.mono();
  return take(**message);
}

Status Link::take(std::string_view text) {
  const auto message = decode_from_engine(text);
  // What a newer engine says beside.
  if (!message && message.error().code == ErrorCode::websocket_message) return {};
  if (!message) return std::unexpected(message.error());
  std::visit([this](const auto& said) { take(said); }, *message);
  return {};
}

void Link::take(const RelayWelcome& welcome) {
  window_ = std::max<std::uint64_t>(welcome.window, 1);
  ports_.max_line_bytes = std::clamp<std::uint64_t>(welcome.max_line_bytes, 1, relay_max_line_bytes);
  retry_ns_ = 0;
  ports_.on_state(nullptr);
}

void Link::take(const RelayPosition& position) {
  ports_.spool.rewind(position.number, position.at);
}

void Link::take(const RelayCommitted& committed) {
  ports_.spool.committed(committed.number, committed.at);
  ports_.progress.set_stored(committed.number, committed.at);
  ports_.on_news();
}

void Link::take(const RelayEnded& ended) {
  ports_.spool.ended(ended.number);
  ports_.on_news();
}

void Link::take(const RelayBarrier& barrier) {
  barriers_.push_back({barrier.id, std::nullopt, std::nullopt});
}

}  // namespace telltale::sources
