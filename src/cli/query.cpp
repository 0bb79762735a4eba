// telltale query: what was captured, from a running engine or from the data folder.
#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/time_range.h"
#include "query/exec/query.h"
#include "record/wire.h"

namespace telltale::cli {

namespace {

constexpr std::int64_t answer_timeout_ns = 60 * base::nanos_per_second;

struct QueryOptions {
  std::string query = "{}";
  std::string since;
  std::string until;
  std::string cursor;
  std::size_t limit = 100;
  bool oldest_first = false;
  bool count = false;
};

struct TimeRange {
  base::UnixNanos from = INT64_MIN;
  base::UnixNanos to = INT64_MAX;
};

base::Result<TimeRange> time_range(const QueryOptions& options, base::UnixNanos now) {
  TimeRange range;
  if (!options.since.empty()) {
    const auto from = parse_time(options.since, now);
    if (!from) return std::unexpected(from.error());
    range.from = *from;
  }
  if (!options.until.empty()) {
    const auto to = parse_time(options.until, now);
    if (!to) return std::unexpected(to.error());
    range.to = *to;
  }
  return range;
}

std::string count_text(const query::CountAnswer& answer, bool json) {
  if (json) return fmt::format("{{\"records\":{},\"errors\":{},\"gaps\":{}}}\n", answer.records, answer.errors, answer.gaps);
  return fmt::format("{} records, {} with errors, {} gaps\n", answer.records, answer.errors, answer.gaps);
}

base::Result<query::CountAnswer> read_count(std::string_view body) {
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return base::fail(base::ErrorCode::internal, "the engine's count is no JSON object");
  const auto number = [&](std::string_view key) -> std::uint64_t {
    const auto* member = object->if_contains(key);
    return member != nullptr && member->is_number() ? member->to_number<std::uint64_t>() : 0;
  };
  return query::CountAnswer{number("records"), number("errors"), number("gaps")};
}

void say_more(std::string_view cursor) {
  note(fmt::format("There is more: --cursor {}", cursor));
}

// --- from the data folder

base::Result<query::QueryRequest> offline_request(const store::StoreReader& reader, const QueryOptions& options, base::UnixNanos now) {
  query::QueryRequest request;
  auto predicate = query::compile(options.query, nullptr);
  if (!predicate) return base::pass(predicate);
  request.predicate = std::move(*predicate);
  const auto range = time_range(options, now);
  if (!range) return std::unexpected(range.error());
  request.from_time = range->from;
  request.to_time = range->to;
  request.limit = options.limit;
  request.newest_first = !options.oldest_first;
  if (!options.cursor.empty()) {
    const auto sequence = reader.read_cursor(options.cursor);
    if (!sequence) return std::unexpected(sequence.error());
    request.after = *sequence;
  }
  return request;
}

base::Status query_offline(Context& context, const store::StoreReader& reader, const QueryOptions& options) {
  const auto request = offline_request(reader, options, context.clock.wall());
  if (!request) return std::unexpected(request.error());
  if (options.count) {
    const auto answer = query::count(reader, context.clock, *request);
    if (!answer) return std::unexpected(answer.error());
    print(count_text(*answer, context.options.json));
    return {};
  }
  const auto answer = query::run(reader, context.clock, *request);
  if (!answer) return std::unexpected(answer.error());
  std::string out;
  for (const auto& row : answer->rows) {
    if (context.options.json) {
      record::append_wire_entry(out, row.view());
    } else {
      record::append_plain_line(out, row.view());
    }
    out += '\n';
  }
  print(out);
  if (answer->next) say_more(reader.cursor(*answer->next));
  return {};
}

// --- from an engine

std::string remote_target(const QueryOptions& options, const TimeRange& range, bool json) {
  std::string target = fmt::format("/api/v1/{}?query={}", options.count ? "count" : "query", net::url_encode(options.query));
  if (range.from != INT64_MIN) target += fmt::format("&start={}", range.from);
  if (range.to != INT64_MAX) target += fmt::format("&end={}", range.to);
  if (options.count) return target;
  target += fmt::format("&limit={}&direction={}&format={}", options.limit, options.oldest_first ? "forward" : "backward",
                        json ? "ndjson" : "text");
  if (!options.cursor.empty()) target += "&cursor=" + net::url_encode(options.cursor);
  return target;
}

base::Status query_remote(Context& context, const Remote& engine, const QueryOptions& options) {
  const auto range = time_range(options, context.clock.wall());
  if (!range) return std::unexpected(range.error());
  const auto response = engine.get(remote_target(options, *range, context.options.json), answer_timeout_ns);
  if (!response) return std::unexpected(response.error());
  if (options.count && !context.options.json) {
    const auto answer = read_count(response->body);
    if (!answer) return std::unexpected(answer.error());
    print(count_text(*answer, false));
    return {};
  }
  print(response->body);
  for (const auto& [name, value] : response->headers) {
    if (base::equals_ignoring_case(name, "telltale-next-cursor")) say_more(value);
  }
  return {};
}

int run_query(Context& context, const QueryOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  const auto* engine = std::get_if<Remote>(&*endpoint);
  const auto done =
      engine != nullptr ? query_remote(context, *engine, options) : query_offline(context, *std::get<Offline>(*endpoint), options);
  return done ? exit_good : report(done.error());
}

}  // namespace

void add_query(Command program, Context& context) {
  auto command = program.subcommand("query", "Show captured lines, from the running engine or, without one, from the data folder");
  auto options = std::make_shared<QueryOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("query", options->query, "LogQL: {service=\"api\", severity>=\"warn\"} |= \"text\"").show_default();
  command.option("--since", options->since, "From: a duration back (15m) or a time (2026-11-21T08:30:00Z)");
  command.option("--until", options->until, "To: the same");
  command.option("--limit", options->limit, "At most so many lines").range(1, 5000).show_default();
  command.option("--cursor", options->cursor, "Go on where the answer before ended");
  command.flag("--oldest-first", options->oldest_first, "Order by age; default: newest first");
  command.flag("--count", options->count, "Only how many there are");
  command.on_run([&context, options] { context.exit_code = run_query(context, *options); });
}

}  // namespace telltale::cli
