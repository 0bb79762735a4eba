#include "cli/run_events.h"

#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "app/run_client.h"
#include "base/text.h"

namespace telltale::cli {

runs::Event make_event(const Context& context, std::string id, runs::EventBody body) {
  return app::make_event(context.clock, std::move(id), std::move(body));
}

base::Result<boost::json::object> send_events(Remote& engine, const std::string& run, const std::vector<runs::Event>& events) {
  const auto response =
      engine.post(fmt::format("/api/v1/runs/{}/events", net::url_encode(run)), app::events_request(events), app::answer_timeout_ns);
  if (!response) return std::unexpected(response.error());
  auto answer = app::object_of(*response);
  if (!answer) return base::pass(answer);
  for (const auto& warning : app::array_of(*answer, "warnings")) {
    if (warning.is_string()) note(fmt::format("warning: {}", base::to_printable(std::string_view(warning.get_string()))));
  }
  return answer;
}

}  // namespace telltale::cli
