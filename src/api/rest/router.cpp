#include "api/rest/router.h"

#include <algorithm>

namespace telltale::api {
namespace {

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& captured) {
  captured.clear();
  for (;;) {
    const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view segment = path.substr(0, path_end);
    if (wanted.starts_with("/{")) {
      if (segment.size() < 2) return false;
      captured.emplace_back(segment.substr(1));
    } else if (wanted != segment) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
  }
}

}  // namespace

RouteMatch find_route(const std::vector<Route>& routes, std::string_view method, std::string_view path) {
  RouteMatch match;
  std::vector<std::string> captured;
  for (const Route& route : routes) {
    if (path.empty() || !matches(route.pattern, path, captured)) continue;
    if (route.method == method) {
      match.route = &route;
      match.captured = std::move(captured);
      return match;
    }
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
  }
  return match;
}

}  // namespace telltale::api
