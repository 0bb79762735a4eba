#include "net/http/client_exchange.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "net/http/body_reader.h"
#include "net/http/response_head.h"

namespace telltale::net {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::uint64_t max_body_bytes = 256 * 1024 * 1024;

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

std::unexpected<base::Error> unreadable(std::string_view why) {
  return fail(ErrorCode::connection_lost, fmt::format("the server's answer cannot be read: {}", why));
}

// Waits for a whole head and takes it from the input.
base::Result<ResponseHead> read_head(ClientConnection& connection, bool head_only, base::MonoNanos deadline) {
  while (true) {
    auto head = take_response_head(connection.input(), head_only);
    if (!head) return base::pass(head);
    if (*head) return std::move(**head);
    auto more = connection.read(deadline);
    if (!more) return base::pass(more);
    if (!*more) return fail(ErrorCode::connection_lost, "the server closed the connection before its answer was whole");
  }
}

base::Status read_body(ClientConnection& connection, BodyReader& body, base::MonoNanos deadline) {
  while (true) {
    std::string_view rest = connection.input();
    BodyReader::State state = body.take(rest);
    connection.input().erase(0, connection.input().size() - rest.size());
    if (state == BodyReader::State::need_more) {
      auto more = connection.read(deadline);
      if (!more) return base::pass(more);
      if (*more) continue;
      state = body.end_of_stream();
      if (state == BodyReader::State::malformed) {
        return fail(ErrorCode::connection_lost, "the server closed the connection before its answer was whole");
      }
    }
    if (state == BodyReader::State::complete) return {};
    return unreadable(state == BodyReader::State::too_large ? "its body is too large" : "a chunk of its body is not valid");
  }
}

}  // namespace

base::Result<std::string> request_head(const Url& url, std::string_view method, const Headers& headers, std::size_t body_bytes) {
  if (holds_control(url.target) || url.target.find(' ') != std::string::npos || holds_control(method) || holds_control(url.host)) {
    return fail(ErrorCode::invalid_argument, "the request's target holds a space or a control character", "Percent-encode it.");
  }
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, url.target, authority_of(url));
  for (const auto& [name, value] : headers) {
    if (holds_control(name) || holds_control(value) || name.empty()) {
      return fail(ErrorCode::invalid_argument, fmt::format("the header '{}' cannot be sent", base::to_printable(name)));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (body_bytes > 0 || method == "POST" || method == "PUT") head += fmt::format("Content-Length: {}\r\n", body_bytes);
  return head;
}

base::Result<Response> read_response(ClientConnection& connection, bool head_only, base::MonoNanos deadline) {
  while (true) {
    auto head = read_head(connection, head_only, deadline);
    if (!head) return base::pass(head);
    if (head->status < 200 && head->status != 101) continue;
    BodyReader body(head->framing, max_body_bytes);
    auto status = read_body(connection, body, deadline);
    if (!status) return base::pass(status);
    Response response;
    response.status = head->status;
    response.content_type = std::move(head->content_type);
    response.headers = std::move(head->headers);
    response.body = std::move(body.body());
    return response;
  }
}

base::Result<Response> http_request(const Url& url, std::string_view method, const Headers& headers, std::string_view body,
                                    std::int64_t timeout_ns) {
  const base::MonoNanos deadline = deadline_after(timeout_ns);
  auto head = request_head(url, method, headers, body.size());
  if (!head) return base::pass(head);
  head->append("Connection: close\r\n\r\n");
  auto connection = ClientConnection::open(url, deadline);
  if (!connection) return base::pass(connection);
  auto written = (*connection)->write(*head, deadline);
  if (written) written = (*connection)->write(body, deadline);
  // A server that refuses the body answers before it has read all of it: its answer is worth more than the broken write.
  auto response = read_response(**connection, method == "HEAD", deadline);
  if (!response && !written) return base::pass(written);
  return response;
}

}  // namespace telltale::net
