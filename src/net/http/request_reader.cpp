#include "net/http/request_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"
#include "net/http/target.h"

namespace telltale::net {

namespace http = boost::beast::http;
using base::ErrorCode;
using HeaderParser = http::request_parser<http::empty_body>;

namespace {

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::size_t count_fields(const http::fields& fields, http::field name) {
  const auto [first, last] = fields.equal_range(name);
  return static_cast<std::size_t>(std::distance(first, last));
}

// Methods are tokens; all that are in use are made of these.
bool is_method_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

base::Status malformed(std::string why) {
  return base::fail(ErrorCode::malformed_request, std::move(why));
}

// What lets two readers of the same bytes see different requests is refused (RFC 9112 sections 3.2, 5.2, 6.1 and 11.2).
base::Status check_framing(std::string_view raw, const http::request<http::empty_body>& message) {
  if (raw.find("\r\n ") != std::string_view::npos || raw.find("\r\n\t") != std::string_view::npos) {
    return malformed("a header of the request is folded over several lines");
  }
  const std::size_t encodings = count_fields(message, http::field::transfer_encoding);
  const std::size_t lengths = count_fields(message, http::field::content_length);
  if (encodings > 0 && lengths > 0) return malformed("the request has both Content-Length and Transfer-Encoding");
  if (lengths > 1 || encodings > 1) return malformed("the request says its length more than once");
  const std::string_view encoding = view(message[http::field::transfer_encoding]);
  if (encodings == 1 && (message.version() == 10 || !base::equals_ignoring_case(encoding, "chunked"))) {
    return malformed("the request has a Transfer-Encoding other than chunked");
  }
  const std::size_t hosts = count_fields(message, http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() == 11)) return malformed("the request needs exactly one Host header");
  return {};
}

base::Status fill_request(const http::request<http::empty_body>& message, Request& request) {
  request.method = view(message.method_string());
  request.target = view(message.target());
  auto target = parse_target(request.target);
  if (!target) return base::pass(target);
  if (target->path == "*" && request.method != "OPTIONS") return malformed("the target '*' is for OPTIONS only");
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  for (const auto& field : message) request.headers.emplace_back(base::to_lower(view(field.name_string())), view(field.value()));
  if (target->authority.empty()) return {};
  // The absolute form's authority replaces Host (RFC 9112 section 3.2.2).
  for (auto& [name, value] : request.headers) {
    if (name == "host") value = target->authority;
  }
  return {};
}

BodyFraming framing_of(const HeaderParser& parser) {
  if (parser.chunked()) return {BodyFraming::Kind::chunked, 0};
  const auto length = parser.content_length();
  return length ? BodyFraming{BodyFraming::Kind::length, *length} : BodyFraming{};
}

}  // namespace

RequestReader::State RequestReader::fail(base::Error error) {
  failed_ = true;
  keep_alive_ = false;
  error_ = std::move(error);
  return State::failed;
}

RequestReader::State RequestReader::fail_malformed(std::string_view why) {
  return fail({ErrorCode::malformed_request, fmt::format("the request cannot be read as HTTP/1.1: {}", why), {}});
}

// Empty lines before a request are ignored (RFC 9112 section 2.2).
void RequestReader::skip_empty_lines() {
  std::size_t count = 0;
  while (std::string_view(input_).substr(count).starts_with("\r\n")) count += 2;
  input_.erase(0, count);
}

RequestReader::State RequestReader::advance() {
  if (failed_) return State::failed;
  if (!body_) {
    skip_empty_lines();
    if (input_.empty() || input_ == "\r") return State::need_more;
    if (!parse_header()) return failed_ ? State::failed : State::need_more;
  }
  return read_body();
}

// The end of the header in input_, 0 when it is not there yet. What is plainly no HTTP/1.x is refused as soon as its first byte or line
// shows it, so that a client that waits for us is answered.
std::size_t RequestReader::find_header_end() {
  const auto limit = static_cast<std::size_t>(limits_.max_header_bytes);
  const std::string_view seen = std::string_view(input_).substr(0, limit);
  const std::size_t line_end = seen.find('\n');
  const std::string_view line = seen.substr(0, std::min(line_end, seen.size()));
  const bool wrong_line = line_end != std::string_view::npos && !line.ends_with(" HTTP/1.1\r") && !line.ends_with(" HTTP/1.0\r");
  if (wrong_line || !is_method_letter(seen.front())) {
    fail_malformed("the first line is not METHOD TARGET HTTP/1.1");
    return 0;
  }
  const std::size_t end = seen.find("\r\n\r\n", scanned_);
  if (end != std::string_view::npos) return end + 4;
  scanned_ = seen.size() < 3 ? 0 : seen.size() - 3;
  if (input_.size() >= limit) {
    fail({ErrorCode::header_too_large, fmt::format("the request's headers are larger than {} bytes", limits_.max_header_bytes), {}});
  }
  return 0;
}

// The parser gets the whole header at once: given pieces, it finds faults at different times for different pieces.
bool RequestReader::parse_header() {
  const std::size_t size = find_header_end();
  if (size == 0) return false;
  HeaderParser parser;
  parser.header_limit(static_cast<std::uint32_t>(size) + 1);  // ours was kept already
  parser.body_limit(boost::none);                             // BodyReader keeps it
  boost::system::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(input_.data(), size), error);
  if (error || !parser.is_header_done() || taken != size) {
    fail_malformed(error ? error.message() : "the headers end early");
    return false;
  }
  auto status = check_framing(std::string_view(input_).substr(0, size), parser.get());
  if (status) status = fill_request(parser.get(), request_);
  if (!status) {
    fail(std::move(status.error()));
    return false;
  }
  http_1_0_ = parser.get().version() == 10;
  keep_alive_ = parser.keep_alive();
  wants_continue_ = !http_1_0_ && base::equals_ignoring_case(request_.header("expect"), "100-continue");
  body_.emplace(framing_of(parser), limits_.max_body_bytes);
  input_.erase(0, size);
  scanned_ = 0;
  return true;
}

RequestReader::State RequestReader::read_body() {
  std::string_view rest = input_;
  const BodyReader::State state = body_->take(rest);
  input_.erase(0, input_.size() - rest.size());
  switch (state) {
    case BodyReader::State::need_more:
      return State::need_more;
    case BodyReader::State::complete:
      return State::complete;
    case BodyReader::State::too_large:
      return fail({ErrorCode::body_too_large, fmt::format("the request's body is larger than {} bytes", limits_.max_body_bytes), {}});
    case BodyReader::State::malformed:
      break;
  }
  return fail_malformed("a chunk of the body is not valid");
}

bool RequestReader::take_continue() {
  if (!body_) return false;
  const bool wanted = std::exchange(wants_continue_, false);
  return wanted && input_.empty() && body_->body().empty();
}

Request RequestReader::take() {
  request_.body = std::move(body_->body());
  body_.reset();
  wants_continue_ = false;
  return std::exchange(request_, Request{});
}

std::string RequestReader::take_rest() {
  return std::exchange(input_, std::string());
}

}  // namespace telltale::net
