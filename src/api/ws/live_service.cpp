#include "api/ws/live_service.h"

#include <string>

#include "api/wire/parameters.h"

namespace telltale::api {
namespace {

// What net/ holds of a session.
class LiveHandler final : public net::WsHandler {
 public:
  LiveHandler(std::shared_ptr<LiveSession> session, std::string protocol) : session_(std::move(session)), protocol_(std::move(protocol)) {}
  void on_open(const std::shared_ptr<net::WsConnection>& connection) override { session_->open(connection); }
  void on_text(std::string_view message) override { session_->receive(message); }
  void on_drained() override { session_->drained(); }
  void on_close() override { session_->close(); }
  std::string subprotocol() const override { return protocol_; }

 private:
  const std::shared_ptr<LiveSession> session_;  // shared: see LiveSession
  const std::string protocol_;
};

}  // namespace

LiveService::LiveService(const store::StoreReader& store, live::Hub& hub, const base::Clock& clock, const record::ComputedLabels* labels,
                         Executor& queries, telemetry::Metrics& metrics, const LiveSettings& settings)
    : settings_(settings),
      broadcaster_(hub, clock),
      context_{store,
               hub,
               clock,
               labels,
               queries,
               broadcaster_,
               store.stats().next_sequence,
               settings.queue_bytes,
               metrics.gauge("telltale_live_subscribers", "Open live streams."),
               metrics.counter("telltale_live_sent_records_total", "Records sent to live streams, once for each stream."),
               metrics.counter("telltale_live_dropped_records_total", "Records that slow or late live streams were not sent.")} {}

base::Result<SessionStart> LiveService::read_start(const net::Request& request) const {
  if (auto known = check_parameters(request, {"query", "after", "tail", "token"}); !known) return std::unexpected(known.error());
  auto query = compile_live_query(request.parameter("query").value_or(std::string_view()), context_.labels);
  if (!query) return base::pass(query);
  SessionStart start{*std::move(query), context_.now(), false, 0};
  const std::string_view after = request.parameter("after").value_or(std::string_view());
  const auto tail = number_parameter(request, "tail", 0, 0, settings_.max_tail_records);
  if (!tail) return std::unexpected(tail.error());
  start.tail = *tail;
  if (after.empty()) return start;
  if (start.tail > 0) return base::fail(base::ErrorCode::invalid_argument, "after and tail exclude each other", "Give one of them.");
  const auto sequence = resume_point(context_.store, after);
  if (!sequence) return std::unexpected(sequence.error());
  start.after = *sequence;
  start.resumed = true;
  return start;
}

net::UpgradeDecision LiveService::open(const net::Request& request, std::string_view protocol) {
  auto start = read_start(request);
  if (!start) return net::problem(start.error());
  return std::make_unique<LiveHandler>(std::make_shared<LiveSession>(context_, *std::move(start)), std::string(protocol));
}

}  // namespace telltale::api
