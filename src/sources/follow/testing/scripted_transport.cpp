// The engine's side of a scripted server: what a transport of a real one looks like.
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "sources/follow/testing/memory_transport.h"
#include "sources/follow/testing/scripted_server.h"

namespace telltale::sources::testing {

namespace {

constexpr std::int64_t answer_within_ns = 10 * base::nanos_per_second;

std::string_view header(const net::Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

class Adaptor final : public net::StreamHandler {
 public:
  explicit Adaptor(std::shared_ptr<FollowHandler> handler) : handler_(std::move(handler)) {}

  void on_head(int status, const net::Headers& headers) override {
    status_ = status;
    if (status != 200) return;
    FollowAnswer answer;
    answer.instance = header(headers, "x-instance");
    answer.previous = header(headers, "x-previous");
    answer.ended = header(headers, "x-ended") == "1";
    const std::string_view time = header(headers, "x-time");
    std::from_chars(time.data(), time.data() + time.size(), answer.server_time);
    handler_->answered(std::move(answer));
  }
  bool on_bytes(std::string_view bytes) override { return status_ != 200 || handler_->bytes(bytes); }
  void on_end(base::Status status) override {
    FollowEnd end;
    if (!status) {
      end.error = std::move(status.error());
    } else if (status_ == 410) {
      end = {FollowEnd::Kind::gone, {base::ErrorCode::not_found, "the server has no such log any more", {}}};
    } else if (status_ == 200 || status_ == 204) {
      end.kind = FollowEnd::Kind::clean;
    } else {
      end.error = {base::ErrorCode::connection_lost, fmt::format("the server answered {}", status_), {}};
    }
    handler_->closed(std::move(end));
  }

 private:
  const std::shared_ptr<FollowHandler> handler_;  // second owner: the stream that is followed
  int status_ = 0;
};

class Connection final : public FollowConnection {
 public:
  explicit Connection(std::unique_ptr<net::ResponseStream> stream) : stream_(std::move(stream)) {}
  void pause(bool paused) override { stream_->pause(paused); }

 private:
  const std::unique_ptr<net::ResponseStream> stream_;
};

}  // namespace

std::unique_ptr<FollowConnection> ScriptedTransport::open(const FollowRequest& request, std::shared_ptr<FollowHandler> handler) {
  const net::Url url{"http", "127.0.0.1", port_,
                     fmt::format("/logs/{}?instance={}&finished={}&since={}&follow={}", log_, net::url_encode(request.instance),
                                 request.finished ? 1 : 0, request.since / base::nanos_per_second, request.follow ? 1 : 0)};
  return std::make_unique<Connection>(client_.get(url, {}, answer_within_ns, std::make_shared<Adaptor>(std::move(handler))));
}

std::unique_ptr<PartParser> ScriptedTransport::make_parser(std::size_t max_line_bytes) {
  return make_scripted_parser(format_, max_line_bytes);
}

}  // namespace telltale::sources::testing
