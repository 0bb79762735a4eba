// HttpClient of client.h over a ClientConnection.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "net/http/client_exchange.h"

namespace telltale::net {

using base::ErrorCode;

namespace {

// Methods whose repetition changes nothing (RFC 9110 section 9.2.2).
bool is_repeatable(std::string_view method) {
  constexpr std::array<std::string_view, 4> repeatable = {"GET", "HEAD", "PUT", "DELETE"};
  return std::find(repeatable.begin(), repeatable.end(), method) != repeatable.end();
}

bool says_close(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return header.first == "connection" && base::to_lower(header.second).find("close") != std::string::npos;
  });
}

class KeepAliveClient final : public HttpClient {
 public:
  explicit KeepAliveClient(Url url) : url_(std::move(url)) {}

  base::Result<Response> request(std::string_view method, std::string_view target, const Headers& headers, std::string_view body,
                                 std::int64_t timeout_ns) override {
    const base::MonoNanos deadline = deadline_after(timeout_ns);
    url_.target = target;
    auto head = request_head(url_, method, headers, body.size());
    if (!head) return base::pass(head);
    head->append("\r\n");
    const bool used = connected();
    auto response = exchange(*head, body, method == "HEAD", deadline);
    if (response || !used || response.error().code != ErrorCode::connection_lost || !is_repeatable(method)) return response;
    return exchange(*head, body, method == "HEAD", deadline);
  }

  bool connected() override { return connection_ != nullptr && connection_->silent(); }
  std::uint64_t connections() const override { return connections_; }

 private:
  base::Status connect(base::MonoNanos deadline) {
    if (connected()) return {};
    connection_.reset();
    auto connection = ClientConnection::open(url_, deadline);
    if (!connection) return base::pass(connection);
    connection_ = std::move(*connection);
    ++connections_;
    return {};
  }

  base::Result<Response> exchange(std::string_view head, std::string_view body, bool head_only, base::MonoNanos deadline) {
    if (auto ready = connect(deadline); !ready) return base::pass(ready);
    // What goes wrong from here on leaves a connection of which nobody knows what comes next: it is kept only after a good end.
    auto connection = std::move(connection_);
    auto written = connection->write(head, deadline);
    if (written) written = connection->write(body, deadline);
    // A server that refuses the body answers before it has read all of it: its answer is worth more than the broken write.
    auto response = read_response(*connection, head_only, deadline);
    if (!response && !written) return base::pass(written);
    if (response && written && !says_close(*response)) connection_ = std::move(connection);
    return response;
  }

  Url url_;
  std::unique_ptr<ClientConnection> connection_;
  std::uint64_t connections_ = 0;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::create(const Url& url) {
  return std::make_unique<KeepAliveClient>(url);
}

}  // namespace telltale::net
