#include "net/http/response_writer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>
#include <boost/beast/http/status.hpp>

#include "base/text.h"

namespace telltale::net {

namespace {

constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || token_marks.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

// Framing belongs to the server alone.
bool is_framing(std::string_view name) {
  constexpr std::array<std::string_view, 5> framing = {"content-length", "transfer-encoding", "connection", "content-type", "date"};
  const std::string lower = base::to_lower(name);
  return std::find(framing.begin(), framing.end(), lower) != framing.end();
}

std::string_view reason_of(int status) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {reason.data(), reason.size()};
}

}  // namespace

bool status_without_body(int status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

std::string http_date(std::int64_t unix_seconds) {
  constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                     months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string response_head(const Response& response, const ResponseFraming& framing, std::string* dropped) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nX-Content-Type-Options: nosniff\r\n", response.status,
                                 reason_of(response.status), framing.date);
  if (!framing.keep_alive) {
    head += "Connection: close\r\n";
  } else if (framing.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  if (!status_without_body(response.status)) {
    if (!response.content_type.empty() && is_value(response.content_type))
      head += fmt::format("Content-Type: {}\r\n", response.content_type);
    head += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_value(value) && !is_framing(name)) {
      head.append(name).append(": ").append(value).append("\r\n");
    } else if (dropped != nullptr && dropped->empty()) {
      *dropped = base::to_printable(name);
    }
  }
  head += "\r\n";
  return head;
}

}  // namespace telltale::net
