// telltale tail: the live stream of a running engine.
#include <csignal>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"

namespace telltale::cli {

namespace {

constexpr std::int64_t connect_timeout_ns = 5 * base::nanos_per_second;
constexpr std::int64_t look_interval_ns = 200 * base::nanos_per_millisecond;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

struct TailOptions {
  std::string query = "{}";
  std::string after;
  std::uint64_t limit = 0;  // 0: without end
  std::uint64_t last = 0;
};

// "time service LEVEL line" of a standard entry; service messages (they have a type) go to standard error.
bool show_message(const std::string& message, bool json) {
  boost::system::error_code error;
  const auto value = boost::json::parse(message, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) {
    note(fmt::format("telltale: the engine sent a message that is no JSON object: {}", base::to_printable(message.substr(0, 200))));
    return false;
  }
  if (object->contains("type")) {
    note(fmt::format("-- {}", base::to_printable(app::text_of(*object, "content"))));
    return false;
  }
  if (json) {
    print(message + "\n");
    return true;
  }
  const auto line = object->contains("line") ? app::text_of(*object, "line") : app::text_of(*object, "content");
  print(fmt::format("{} {} {} {}\n", app::text_of(*object, "timestamp"), base::to_printable(app::text_of(*object, "service_name")),
                    app::text_of(*object, "level"), base::to_printable(line)));
  return true;
}

int follow(net::WsClient& client, const TailOptions& options, bool json) {
  std::uint64_t shown = 0;
  while (interrupted == 0 && (options.limit == 0 || shown < options.limit)) {
    auto message = client.receive(look_interval_ns);
    if (!message) {
      if (message.error().code == base::ErrorCode::timeout) continue;
      return report(message.error());
    }
    if (!*message) {
      note("-- the engine closed the stream");
      return exit_good;
    }
    if (show_message(**message, json)) ++shown;
  }
  return exit_good;
}

int run_tail(Context& context, const TailOptions& options) {
  auto engine = find_engine(context);
  if (!engine) return report(engine.error());
  net::Url url = (*engine)->url();
  url.scheme = url.scheme == "https" ? "wss" : "ws";
  url.target = "/stream?query=" + net::url_encode(options.query);
  if (!options.after.empty()) url.target += "&after=" + net::url_encode(options.after);
  if (options.last > 0) url.target += fmt::format("&tail={}", options.last);
  auto client = net::WsClient::connect(url, (*engine)->headers(), connect_timeout_ns);
  if (!client) return report(client.error());
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return follow(**client, options, context.options.json);
}

}  // namespace

void add_tail(Command program, Context& context) {
  auto command = program.subcommand("tail", "Show lines live as the running engine captures them; Ctrl-C ends it");
  auto options = std::make_shared<TailOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("query", options->query, "LogQL, as for query").show_default();
  command.option("--last", options->last, "First show so many of the newest lines").range(0, 100000);
  command.option("--after", options->after, "Resume after this cursor or sequence");
  command.option("--limit", options->limit, "End after so many lines");
  command.on_run([&context, options] { context.exit_code = run_tail(context, *options); });
}

}  // namespace telltale::cli
