// For tests: what an application asks others for.
#pragma once

#include <functional>

#include "api/rest/application.h"

namespace telltale::api::testing {

// Does at once what it is given.
class InlineExecutor final : public Executor {
 public:
  bool post(std::function<void()> task) override {
    if (refuses) return false;
    task();
    return true;
  }
  bool refuses = false;
};

// A token's text is the roles that it has; "scoped" is limited to some streams.
class RoleTokens final : public TokenChecker {
 public:
  base::Result<Principal> check(std::string_view token) const override {
    if (const auto roles = parse_roles(token)) return Principal{"somebody", *roles};
    if (token == "scoped") return base::fail(base::ErrorCode::forbidden, "the token is limited to {service=\"api\"}", "Use another.");
    return base::fail(base::ErrorCode::unauthorized, "the token is not known to this engine");
  }
};

}  // namespace telltale::api::testing
