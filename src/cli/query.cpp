// telltale query: what was captured, from a running engine or from the data folder.
#include <fmt/format.h>

#include "app/answer.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"

namespace telltale::cli {

namespace {

// A duration back from `now` ("15m"), or an RFC 3339 time.
base::Result<base::UnixNanos> parse_time(const std::string& text, base::UnixNanos now) {
  if (const auto time = base::parse_rfc3339(text)) return *time;
  const auto duration = base::parse_duration(text);
  if (duration) return now - *duration;
  return base::fail(base::ErrorCode::invalid_argument, fmt::format("'{}' is no time", text),
                    "Give a duration back from now, such as 15m or 1h30m, or a time such as 2026-11-21T08:30:00Z.");
}

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

base::Result<std::string> count_text(const net::Response& response) {
  const auto answer = app::object_of(response);
  if (!answer) return std::unexpected(answer.error());
  return fmt::format("{} records, {} with errors, {} gaps\n", app::count_of(*answer, "records"), app::count_of(*answer, "errors"),
                     app::count_of(*answer, "gaps"));
}

std::string target_of(const QueryOptions& options, const TimeRange& range, bool json) {
  std::string target = fmt::format("/api/v1/{}?query={}", options.count ? "count" : "query", net::url_encode(options.query));
  if (range.from != INT64_MIN) target += fmt::format("&start={}", range.from);
  if (range.to != INT64_MAX) target += fmt::format("&end={}", range.to);
  if (options.count) return target;
  target += fmt::format("&limit={}&direction={}&format={}", options.limit, options.oldest_first ? "forward" : "backward",
                        json ? "ndjson" : "text");
  if (!options.cursor.empty()) target += "&cursor=" + net::url_encode(options.cursor);
  return target;
}

base::Status ask(Context& context, Endpoint& endpoint, const QueryOptions& options) {
  const auto range = time_range(options, context.clock.wall());
  if (!range) return std::unexpected(range.error());
  const auto response = endpoint.get(target_of(options, *range, context.options.json), app::answer_timeout_ns);
  if (!response) return std::unexpected(response.error());
  if (options.count && !context.options.json) {
    const auto text = count_text(*response);
    if (!text) return std::unexpected(text.error());
    print(*text);
    return {};
  }
  print(response->body);
  if (const auto cursor = app::header_of(*response, "telltale-next-cursor"); !cursor.empty())
    note(fmt::format("There is more: --cursor {}", cursor));
  return {};
}

int run_query(Context& context, const QueryOptions& options) {
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  const auto done = ask(context, **endpoint, options);
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
