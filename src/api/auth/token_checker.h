// Who a token belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace telltale::api {

// viewer reads; analyst reads and asks for analysis; ingester only pushes; admin may do everything.
enum class Role : std::uint8_t { viewer, analyst, ingester, admin };
std::string_view role_name(Role role);
std::optional<Role> parse_role(std::string_view name);

// One or several: a test runner pushes what it does and reads what was logged meanwhile.
class Roles {
 public:
  Roles(Role role) : bits_(bit(role)) {}
  Roles& add(Role role);
  bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  // Whether their holder may do what `needed` is asked for.
  bool allow(Role needed) const;
  // "viewer,ingester"
  std::string names() const;
  friend bool operator==(const Roles&, const Roles&) = default;

 private:
  static std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(role)); }
  std::uint8_t bits_;
};
// What names() writes. Nothing when one of them is none.
std::optional<Roles> parse_roles(std::string_view names);

struct Principal {
  std::string name;
  Roles roles = Role::viewer;
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
