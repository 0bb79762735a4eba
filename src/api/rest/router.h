// Which handler answers a path and a method.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/token_checker.h"
#include "net/http/http.h"

namespace telltale::api {

class RestContext;

// One request on its way to its answer. shared: the net thread that made it and the task that answers it.
struct Call {
  net::Request request;
  net::Responder respond;
  std::vector<std::string> captured;  // what stood for {…} in the path, in order
  bool trusted = false;               // the caller may see details (only /health is answered without)
};
using CallRef = std::shared_ptr<Call>;

// Runs on the net thread: quick, or it posts to an executor.
using Handler = void (*)(const RestContext& context, const CallRef& call);

enum class Exposure : std::uint8_t {
  role,      // needs a token with the route's role
  health,    // a loopback peer without a token gets the status alone
  exporter,  // a loopback peer needs no token on the metrics port
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // segments; {name} stands for any one segment
  Role role = Role::viewer;
  Handler handler = nullptr;
  Exposure exposure = Exposure::role;
};

struct RouteMatch {
  const Route* route = nullptr;  // null: no such path, or (with `allowed`) another method
  std::vector<std::string> captured;
  std::string allowed;  // for the header Allow; empty: no such path
};

RouteMatch find_route(const std::vector<Route>& routes, std::string_view method, std::string_view path);

}  // namespace telltale::api
