// Who a token belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace telltale::api {

// viewer reads; analyst reads and asks for analysis; ingester only pushes (and may wait at a barrier); admin may do everything.
enum class Role : std::uint8_t { viewer, analyst, ingester, admin };
std::string_view role_name(Role role);
std::optional<Role> parse_role(std::string_view name);
// Whether somebody with role `has` may do what `needed` is asked for.
bool role_allows(Role has, Role needed);

struct Principal {
  std::string name;
  Role role = Role::viewer;
};

// Asked on the net thread for every request: quick, no disk. Compares in constant time. Thread-safe.
class TokenChecker {
 public:
  virtual ~TokenChecker() = default;
  // unauthorized for a token that is not known; forbidden, with the reason, for one that is and yet opens nothing here.
  virtual base::Result<Principal> check(std::string_view token) const = 0;
};

// The engine's own token (DATA/engine.json or server.token): its holder is the admin "engine". `others` (may be null) is asked for any
// other token and outlives this.
class EngineToken final : public TokenChecker {
 public:
  explicit EngineToken(std::string token, const TokenChecker* others = nullptr);
  base::Result<Principal> check(std::string_view token) const override;

 private:
  const std::string token_;
  const TokenChecker* const others_;
};

}  // namespace telltale::api
