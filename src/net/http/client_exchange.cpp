#include "net/http/client_exchange.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"
#include "net/http/body_reader.h"

namespace telltale::net {

namespace http = boost::beast::http;
using base::ErrorCode;
using base::fail;
using HeaderParser = http::response_parser<http::empty_body>;

namespace {

constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr std::uint64_t max_body_bytes = 256 * 1024 * 1024;

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

constexpr std::string_view header_end = "\r\n\r\n";

std::unexpected<base::Error> unreadable(std::string_view why) {
  return fail(ErrorCode::connection_lost, fmt::format("the server's answer cannot be read: {}", why));
}

// Waits for a whole header and takes it from the input.
base::Status read_header(ClientConnection& connection, HeaderParser& parser, base::MonoNanos deadline) {
  std::string& input = connection.input();
  std::size_t end = std::string::npos;
  while ((end = input.find(header_end)) == std::string::npos) {
    if (input.size() > max_header_bytes) return unreadable("its headers are too large");
    auto more = connection.read(deadline);
    if (!more) return base::pass(more);
    if (!*more) return fail(ErrorCode::connection_lost, "the server closed the connection before its answer was whole");
  }
  const std::size_t size = end + header_end.size();
  parser.header_limit(static_cast<std::uint32_t>(size) + 1);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(input.data(), size), error);
  if (error || !parser.is_header_done() || taken != size) return unreadable(error ? error.message() : "its headers end early");
  input.erase(0, size);
  return {};
}

BodyFraming framing_of(const HeaderParser& parser, bool head_only) {
  const unsigned status = parser.get().result_int();
  if (head_only || status < 200 || status == 204 || status == 304) return {};
  if (parser.chunked()) return {BodyFraming::Kind::chunked, 0};
  const auto length = parser.content_length();
  return length ? BodyFraming{BodyFraming::Kind::length, *length} : BodyFraming{BodyFraming::Kind::to_end, 0};
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

Response to_response(const http::response<http::empty_body>& message, std::string body) {
  Response response;
  response.status = static_cast<int>(message.result_int());
  response.content_type = view(message[http::field::content_type]);
  for (const auto& field : message) response.headers.emplace_back(base::to_lower(view(field.name_string())), view(field.value()));
  response.body = std::move(body);
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
    HeaderParser parser;
    auto status = read_header(connection, parser, deadline);
    if (!status) return base::pass(status);
    const unsigned code = parser.get().result_int();
    if (code < 200 && code != 101) continue;
    BodyReader body(framing_of(parser, head_only), max_body_bytes);
    status = read_body(connection, body, deadline);
    if (!status) return base::pass(status);
    return to_response(parser.get(), std::move(body.body()));
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
