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

Roles& Roles::add(Role role) {
  bits_ |= bit(role);
  return *this;
}

bool Roles::allow(Role needed) const {
  return has(Role::admin) || has(needed) || (needed == Role::viewer && has(Role::analyst));
}

std::string Roles::names() const {
  std::string out;
  for (std::size_t i = 0; i < role_names.size(); ++i) {
    if (has(static_cast<Role>(i))) out.append(out.empty() ? "" : ",").append(role_names[i]);
  }
  return out;
}

std::optional<Roles> parse_roles(std::string_view names) {
  std::optional<Roles> out;
  while (true) {
    const std::size_t end = names.find(',');
    const auto role = parse_role(names.substr(0, end));
    if (!role) return std::nullopt;
    if (out)
      out->add(*role);
    else
      out = Roles(*role);
    if (end == std::string_view::npos) return out;
    names.remove_prefix(end + 1);
  }
}

EngineToken::EngineToken(std::string token, const TokenChecker* others) : token_(std::move(token)), others_(others) {}

base::Result<Principal> EngineToken::check(std::string_view token) const {
  if (!token_.empty() && base::equals_in_constant_time(token, token_)) return Principal{"engine", Role::admin};
  if (others_ != nullptr) return others_->check(token);
  return base::fail(base::ErrorCode::unauthorized, "the token is not known to this engine");
}

}  // namespace telltale::api
