#include "api/rest/router.h"

#include <gtest/gtest.h>

namespace telltale::api {
namespace {

const std::vector<Route> routes = {
    {"GET", "/health"},         {"GET", "/api/v1/labels"}, {"GET", "/api/v1/labels/{name}/values"},
    {"POST", "/api/v1/things"}, {"GET", "/api/v1/things"},
};

TEST(Router, FindsByPathAndMethod) {
  EXPECT_EQ(find_route(routes, "GET", "/health").route, &routes[0]);
  EXPECT_EQ(find_route(routes, "POST", "/api/v1/things").route, &routes[3]);
  const RouteMatch match = find_route(routes, "GET", "/api/v1/labels/a b/values");
  ASSERT_EQ(match.route, &routes[2]);
  EXPECT_EQ(match.captured, std::vector<std::string>{"a b"});
}

TEST(Router, NamesTheMethodsThatAreAllowed) {
  const RouteMatch match = find_route(routes, "DELETE", "/api/v1/things");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, "POST, GET");
}

TEST(Router, KnowsNoOtherPaths) {
  for (const char* path :
       {"", "/", "/healt", "/health/", "/healthy", "/api/v1/labels//values", "/api/v1/labels/x", "/api/v1/labels/x/values/y", "*"}) {
    const RouteMatch match = find_route(routes, "GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allowed, "") << path;
  }
}

}  // namespace
}  // namespace telltale::api
