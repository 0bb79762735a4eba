#include "api/rest/application.h"

#include <string>

#include "api/auth/access.h"
#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/ws/live_service.h"
#include "api/ws/relay_handler.h"

namespace telltale::api {

using base::Error;
using base::ErrorCode;

namespace {

net::Response refusal(const Error& error) {
  net::Response response = net::problem(error);
  if (error.code == ErrorCode::unauthorized) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool is_live_path(std::string_view path) {
  return path == "/" || path == "/stream";
}

class RestApplication final : public net::Application {
 public:
  explicit RestApplication(ApiDependencies dependencies)
      : context_(std::move(dependencies)),
        access_(settings().allowed_hosts, settings().allowed_origins, settings().require_token, context_.parts().tokens),
        live_(context_.parts().store, context_.parts().hub, context_.parts().clock, &context_.parts().attributor, context_.parts().queries,
              context_.parts().metrics, {settings().max_tail_records, settings().live_queue_bytes}) {}

  void handle(net::Request request, net::Responder respond) override;
  net::UpgradeDecision upgrade(const net::Request& request) override;
  void connection_closed(std::uint64_t connection) override { context_.parts().registry.connection_closed(connection); }

 private:
  const ApiSettings& settings() const { return context_.parts().settings; }
  net::Responder with_headers(const net::Request& request, net::Responder respond) const;
  bool preflight(const net::Request& request, const net::Responder& respond) const;
  bool reachable(const Route& route, std::uint16_t port) const;
  base::Status admit(const Route& route, Call& call) const;

  const RestContext context_;
  const Access access_;
  LiveService live_;
};

// Answers are for the one who asked: not for caches, and not for pages of other sites unless these are allowed.
net::Responder RestApplication::with_headers(const net::Request& request, net::Responder respond) const {
  std::string origin(access_.allowed_foreign_origin(request).value_or(std::string_view()));
  return [respond = std::move(respond), origin = std::move(origin)](net::Response response) {
    response.headers.emplace_back("Cache-Control", "no-store");
    if (!origin.empty()) {
      response.headers.emplace_back("Access-Control-Allow-Origin", origin);
      response.headers.emplace_back("Access-Control-Expose-Headers", "Telltale-Next-Cursor");
      response.headers.emplace_back("Vary", "Origin");
    }
    respond(std::move(response));
  };
}

// What a browser asks before it sends a token from an allowed page (the Fetch standard, CORS-preflight).
bool RestApplication::preflight(const net::Request& request, const net::Responder& respond) const {
  if (request.method != "OPTIONS" || !access_.allowed_foreign_origin(request)) return false;
  net::Response response;
  response.status = 204;
  response.content_type.clear();
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  respond(std::move(response));
  return true;
}

bool RestApplication::reachable(const Route& route, std::uint16_t port) const {
  return context_.role_of(port) != PortRole::metrics || route.exposure != Exposure::role;
}

base::Status RestApplication::admit(const Route& route, Call& call) const {
  const auto principal = access_.authenticate(call.request, TokenPlaces::header);
  if (principal && principal->roles.allow(route.role)) {
    call.trusted = true;
    return {};
  }
  const bool near = is_loopback_peer(call.request.remote);
  if (near && route.exposure == Exposure::health) return {};
  if (near && route.exposure == Exposure::exporter && context_.role_of(call.request.local_port) == PortRole::metrics) return {};
  if (!principal) return std::unexpected(principal.error());
  return base::fail(ErrorCode::forbidden, "'" + principal->name + "' is " + principal->roles.names() + "; this needs the role " +
                                              std::string(role_name(route.role)));
}

void RestApplication::handle(net::Request request, net::Responder respond) {
  respond = with_headers(request, std::move(respond));
  if (const auto site = access_.check_site(request); !site) return respond(refusal(site.error()));
  if (preflight(request, respond)) return;
  // HEAD is a GET whose body net/ leaves out.
  RouteMatch match = find_route(all_routes(), request.method == "HEAD" ? "GET" : request.method, request.path);
  if (match.route == nullptr && !match.allowed.empty()) {
    net::Response response = refusal({ErrorCode::method_not_allowed, request.method + " is not allowed on " + request.path, {}});
    response.headers.emplace_back("Allow", match.allowed);
    return respond(std::move(response));
  }
  if (match.route == nullptr || !reachable(*match.route, request.local_port)) {
    return respond(refusal({ErrorCode::route_not_found, "there is nothing at " + request.path, {}}));
  }
  const auto call = std::make_shared<Call>(Call{std::move(request), std::move(respond), std::move(match.captured), false});
  if (const auto admitted = admit(*match.route, *call); !admitted) return call->respond(refusal(admitted.error()));
  match.route->handler(context_, call);
}

net::UpgradeDecision RestApplication::upgrade(const net::Request& request) {
  if (const auto site = access_.check_site(request); !site) return refusal(site.error());
  const bool relay = request.path == sources::relay_path && context_.parts().processes != nullptr;
  if ((!relay && !is_live_path(request.path)) || context_.role_of(request.local_port) == PortRole::metrics) {
    return refusal({ErrorCode::route_not_found, "there is no WebSocket at " + request.path, "Use / or /stream."});
  }
  // A page cannot set the header: a relay, which writes, is none.
  const auto principal = access_.authenticate(request, relay ? TokenPlaces::header : TokenPlaces::header_protocol_or_query);
  if (!principal) return refusal(principal.error());
  const Role needed = relay ? Role::ingester : Role::viewer;
  if (!principal->roles.allow(needed)) {
    return refusal(
        {ErrorCode::forbidden,
         "'" + principal->name + "' may not " + (relay ? "write" : "read") + "; this needs the role " + std::string(role_name(needed)),
         {}});
  }
  if (relay) return make_relay_handler(*context_.parts().processes);
  return live_.open(request, chosen_protocol(request));
}

}  // namespace

std::unique_ptr<net::Application> make_application(ApiDependencies dependencies) {
  return std::make_unique<RestApplication>(std::move(dependencies));
}

}  // namespace telltale::api
