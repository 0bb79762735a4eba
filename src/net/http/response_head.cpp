#include "net/http/response_head.h"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"

namespace telltale::net {

namespace http = boost::beast::http;
using HeaderParser = http::response_parser<http::empty_body>;

namespace {

constexpr std::size_t max_header_bytes = 64 * 1024;
constexpr std::string_view header_end = "\r\n\r\n";

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::unexpected<base::Error> unreadable(std::string_view why) {
  return base::fail(base::ErrorCode::connection_lost, fmt::format("the server's answer cannot be read: {}", why));
}

BodyFraming framing_of(const HeaderParser& parser, bool head_only) {
  const unsigned status = parser.get().result_int();
  if (head_only || status < 200 || status == 204 || status == 304) return {};
  if (parser.chunked()) return {BodyFraming::Kind::chunked, 0};
  const auto length = parser.content_length();
  return length ? BodyFraming{BodyFraming::Kind::length, *length} : BodyFraming{BodyFraming::Kind::to_end, 0};
}

}  // namespace

base::Result<std::optional<ResponseHead>> take_response_head(std::string& input, bool head_only) {
  const std::size_t end = input.find(header_end);
  if (end == std::string::npos) {
    if (input.size() > max_header_bytes) return unreadable("its headers are too large");
    return std::nullopt;
  }
  const std::size_t size = end + header_end.size();
  HeaderParser parser;
  parser.header_limit(static_cast<std::uint32_t>(size) + 1);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(input.data(), size), error);
  if (error || !parser.is_header_done() || taken != size) return unreadable(error ? error.message() : "its headers end early");
  input.erase(0, size);
  ResponseHead head;
  head.status = static_cast<int>(parser.get().result_int());
  head.content_type = view(parser.get()[http::field::content_type]);
  for (const auto& field : parser.get()) head.headers.emplace_back(base::to_lower(view(field.name_string())), view(field.value()));
  head.framing = framing_of(parser, head_only);
  return head;
}

}  // namespace telltale::net
