#include "cli/run_events.h"

#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/answer.h"

namespace telltale::cli {

runs::Event make_event(const Context& context, std::string id, runs::EventBody body) {
  runs::Event event;
  event.id = std::move(id);
  event.time = context.clock.wall();
  event.mono_ns = context.clock.mono();
  event.body = std::move(body);
  return event;
}

base::Result<boost::json::object> send_events(Remote& engine, const std::string& run, const std::vector<runs::Event>& events) {
  std::string body = "{\"events\":[";
  for (const runs::Event& event : events) {
    if (body.back() != '[') body += ',';
    runs::append_event(body, event);
  }
  body += "]}";
  const auto response = engine.post(fmt::format("/api/v1/runs/{}/events", net::url_encode(run)), body, answer_timeout_ns);
  if (!response) return std::unexpected(response.error());
  auto answer = object_of(*response);
  if (!answer) return base::pass(answer);
  for (const auto& warning : array_of(*answer, "warnings")) {
    if (warning.is_string()) note(fmt::format("warning: {}", base::to_printable(std::string_view(warning.get_string()))));
  }
  return answer;
}

}  // namespace telltale::cli
