// POST /api/v1/runs/{run}/events.
#include <string>

#include "api/auth/access.h"
#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/json_output.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "runs/registry/registry.h"

namespace telltale::api {

using base::Result;

namespace {

net::Response applied_response(const runs::Applied& applied) {
  std::string body;
  JsonObject object(body);
  object.number("accepted", applied.accepted);
  object.number("duplicates", applied.duplicates);
  object.time("time", applied.time);
  object.text("output", runs::name_of(applied.output));
  append_json_array(object.key("warnings"), applied.warnings, [&](const std::string& warning) { base::append_json_string(body, warning); });
  object.end();
  net::Response response = json_response(std::move(body));
  // It may own tests now, and a debugger may hold one for as long as it likes.
  response.keep_idle = true;
  return response;
}

Result<net::Response> apply_events(runs::Registry& registry, const Call& call) {
  auto events = runs::parse_events(call.request.body);
  if (!events) return base::pass(events);
  const runs::Peer peer{call.request.connection, is_loopback_peer(call.request.remote)};
  const auto applied = registry.apply(call.captured[0], *std::move(events), peer);
  if (!applied) return std::unexpected(applied.error());
  return applied_response(*applied);
}

}  // namespace

void handle_events(const RestContext& context, const CallRef& call) {
  if (const auto known = check_parameters(call->request, {}); !known) return answer(call, known.error());
  runs::Registry& registry = context.parts().registry;
  context.answer_on(context.parts().events, call, [&registry, call] { return apply_events(registry, *call); });
}

}  // namespace telltale::api
