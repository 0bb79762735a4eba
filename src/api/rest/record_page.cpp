#include "api/rest/record_page.h"

#include "api/wire/parameters.h"
#include "base/text.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::uint64_t default_limit = 100;
constexpr std::uint64_t max_limit = 10'000;

}  // namespace

base::Status read_times(const net::Request& request, query::QueryRequest& query) {
  const auto from = time_parameter(request, "start", query.from_time);
  if (!from) return std::unexpected(from.error());
  const auto to = time_parameter(request, "end", query.to_time);
  if (!to) return std::unexpected(to.error());
  if (*from > *to) return fail(ErrorCode::invalid_argument, "start is after end", "Exchange them.");
  query.from_time = *from;
  query.to_time = *to;
  return {};
}

base::Status read_page(const net::Request& request, const store::StoreReader& store, query::QueryRequest& query) {
  const auto limit = number_parameter(request, "limit", default_limit, 1, max_limit);
  if (!limit) return std::unexpected(limit.error());
  query.limit = *limit;
  const std::string_view direction = request.parameter("direction").value_or("backward");
  if (direction != "backward" && direction != "forward") {
    return fail(ErrorCode::invalid_argument, "direction '" + base::to_printable(direction.substr(0, 100)) + "' is not known",
                "Use backward or forward.");
  }
  query.newest_first = direction == "backward";
  const std::string_view cursor = request.parameter("cursor").value_or(std::string_view());
  if (cursor.empty()) return {};
  const auto sequence = store.read_cursor(cursor);
  if (!sequence) return std::unexpected(sequence.error());
  query.after = *sequence;
  return {};
}

void append_page_end(std::string& out, const store::StoreReader& store, const query::QueryAnswer& answer) {
  out += "],\"next_cursor\":";
  if (answer.next) {
    base::append_json_string(out, store.cursor(*answer.next));
  } else {
    out += "null";
  }
  out += ",\"scanned_records\":" + std::to_string(answer.scanned_records);
  out += ",\"scanned_bytes\":" + std::to_string(answer.scanned_bytes) + "}";
}

}  // namespace telltale::api
