#include "api/rest/rest_context.h"

namespace telltale::api {

RestContext::RestContext(ApiDependencies dependencies)
    : parts_(std::move(dependencies)),
      started_(parts_.clock.wall()),
      started_mono_(parts_.clock.mono()),
      tallies_(parts_.registry, parts_.attributor, parts_.store) {}

std::optional<PortRole> RestContext::role_of(std::uint16_t port) const {
  for (const ListenerInfo& listener : parts_.listeners()) {
    if (listener.port == port) return listener.role;
  }
  return std::nullopt;
}

void RestContext::answer_on(Executor& executor, const CallRef& call, std::function<base::Result<net::Response>()> work) const {
  const bool taken = executor.post([call, work = std::move(work)] {
    auto result = work();
    if (!result) return answer(call, result.error());
    answer(call, *std::move(result));
  });
  if (!taken) answer_overloaded(call);
}

void answer_overloaded(const CallRef& call) {
  answer(call, base::Error{base::ErrorCode::overloaded, "the engine has as many requests as it can work on", {}});
}

void answer(const CallRef& call, net::Response response) {
  call->respond(std::move(response));
}

void answer(const CallRef& call, const base::Error& error) {
  call->respond(net::problem(error));
}

net::Response json_response(std::string body) {
  body.push_back('\n');
  net::Response response;
  response.body = std::move(body);
  return response;
}

}  // namespace telltale::api
