#include "api/auth/token_checker.h"

#include <array>

#include "base/text.h"

namespace telltale::api {
namespace {
constexpr std::array<std::string_view, 4> role_names = {"viewer", "analyst", "ingester", "admin"};
}

std::string_view role_name(Role role) {
  return role_names[static_cast<std::size_t>(role)];
}

std::optional<Role> parse_role(std::string_view name) {
  for (std::size_t i = 0; i < role_names.size(); ++i) {
    if (role_names[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

bool role_allows(Role has, Role needed) {
  return has == Role::admin || has == needed || (has == Role::analyst && needed == Role::viewer);
}

EngineToken::EngineToken(std::string token, const TokenChecker* others) : token_(std::move(token)), others_(others) {}

base::Result<Principal> EngineToken::check(std::string_view token) const {
  if (!token_.empty() && base::equals_in_constant_time(token, token_)) return Principal{"engine", Role::admin};
  if (others_ != nullptr) return others_->check(token);
  return base::fail(base::ErrorCode::unauthorized, "the token is not known to this engine");
}

}  // namespace telltale::api
