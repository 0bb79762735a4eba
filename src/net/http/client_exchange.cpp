#include "net/http/client_exchange.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace telltale::net {

namespace http = boost::beast::http;
using base::ErrorCode;
using base::fail;
using Parser = http::response_parser<http::string_body>;

namespace {

constexpr std::uint32_t max_header_bytes = 64 * 1024;
constexpr std::uint64_t max_body_bytes = 256 * 1024 * 1024;

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Feeds what there is, then waits for more, until the answer is whole.
base::Status parse_whole(ClientConnection& connection, Parser& parser, base::MonoNanos deadline) {
  std::string& input = connection.input();
  bool more = true;
  while (!parser.is_done()) {
    boost::system::error_code error;
    if (more) {
      input.erase(0, parser.put(boost::asio::buffer(input), error));
    } else if (parser.got_some()) {
      parser.put_eof(error);
    }
    if (!more && (error || !parser.is_done())) {
      return fail(ErrorCode::connection_lost, "the server closed the connection before its answer was whole");
    }
    if (error && error != http::error::need_more) {
      return fail(ErrorCode::connection_lost, fmt::format("the server's answer cannot be read: {}", error.message()));
    }
    if (parser.is_done()) break;
    auto read = connection.read(deadline);
    if (!read) return base::pass(read);
    more = *read;
  }
  return {};
}

Response to_response(http::response<http::string_body>&& message) {
  Response response;
  response.status = static_cast<int>(message.result_int());
  response.content_type = view(message[http::field::content_type]);
  for (const auto& field : message) response.headers.emplace_back(base::to_lower(view(field.name_string())), view(field.value()));
  response.body = std::move(message.body());
  return response;
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
    Parser parser;
    parser.header_limit(max_header_bytes);
    parser.body_limit(max_body_bytes);
    parser.eager(true);
    parser.skip(head_only);
    auto status = parse_whole(connection, parser, deadline);
    if (!status) return base::pass(status);
    const unsigned code = parser.get().result_int();
    if (code >= 200 || code == 101) return to_response(parser.release());
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
