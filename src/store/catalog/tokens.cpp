#include "store/catalog/tokens.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"

namespace telltale::store {
namespace {

using base::ErrorCode;

constexpr std::array<std::string_view, 4> role_names = {"viewer", "analyst", "ingester", "admin"};
constexpr std::string_view token_prefix = "tt_";
constexpr std::size_t token_bytes = 32;
constexpr std::size_t token_letters = 43;  // of base64url without padding
constexpr std::size_t id_bytes = 4;
constexpr std::size_t max_name_bytes = 100;
constexpr std::string_view columns = "id, name, role, scope, created, last_used, revoked";

base::Status check_name(std::string_view name) {
  const bool has_controls = base::to_printable(name) != name || name.find('\t') != std::string_view::npos;
  if (!name.empty() && name.size() <= max_name_bytes && !has_controls) return {};
  return base::fail(
      ErrorCode::invalid_argument,
      fmt::format("the token's name '{}' is not allowed", base::to_printable(base::to_valid_utf8(name.substr(0, max_name_bytes)))),
      fmt::format("Use 1 to {} bytes without control characters.", max_name_bytes));
}

std::string random_token(base::Random& random) {
  std::array<std::uint8_t, token_bytes> bytes{};
  random.fill(bytes);
  return std::string(token_prefix) + base::base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// The columns from `first` on. Nothing for a role that this version does not know: it allows nothing.
std::optional<TokenInfo> read_row(const Statement& row, int first) {
  auto roles = parse_token_roles(row.text(first + 2));
  if (!roles) return std::nullopt;
  TokenInfo info;
  info.id = row.text(first);
  info.name = row.text(first + 1);
  info.roles = std::move(*roles);
  info.scope = row.text(first + 3);
  info.created = row.integer(first + 4);
  info.last_used = row.integer(first + 5);
  info.revoked = row.integer(first + 6) != 0;
  return info;
}

}  // namespace

std::optional<std::string> parse_token_roles(std::string_view names) {
  std::array<bool, role_names.size()> has{};
  while (true) {
    const std::size_t end = names.find(',');
    const auto* const role = std::ranges::find(role_names, base::trim(names.substr(0, end)));
    if (role == role_names.end()) return std::nullopt;
    has[static_cast<std::size_t>(role - role_names.begin())] = true;
    if (end == std::string_view::npos) break;
    names.remove_prefix(end + 1);
  }
  std::string out;
  for (std::size_t i = 0; i < role_names.size(); ++i) {
    if (has[i]) out.append(out.empty() ? "" : ",").append(role_names[i]);
  }
  return out;
}

bool looks_like_token(std::string_view text) {
  return text.size() == token_prefix.size() + token_letters && text.starts_with(token_prefix);
}

std::string token_hash(std::string_view token) {
  return base::sha256_hex(token);
}

base::Result<NewToken> TokenTable::create(std::string_view name, std::string_view roles, std::string_view scope) {
  if (auto checked = check_name(name); !checked) return base::pass(checked);
  auto known = parse_token_roles(roles);
  if (!known) {
    return base::fail(ErrorCode::invalid_argument, fmt::format("'{}' is no role", base::to_printable(base::to_valid_utf8(roles))),
                      "Roles are viewer, analyst, ingester and admin; a token may have several, with commas.");
  }
  NewToken token;
  token.token = random_token(random_);
  token.info.id = base::random_hex(random_, id_bytes);
  token.info.name = name;
  token.info.roles = std::move(*known);
  token.info.scope = scope;
  token.info.created = clock_.wall();
  auto insert = database_.prepare("INSERT INTO tokens (id, name, role, scope, created, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (!insert) return base::pass(insert);
  insert->bind(1, token.info.id);
  insert->bind(2, name);
  insert->bind(3, token.info.roles);
  insert->bind(4, scope);
  insert->bind(5, token.info.created);
  insert->bind(6, token_hash(token.token));
  if (auto done = insert->run(); !done) return base::pass(done);
  return token;
}

base::Result<std::vector<TokenInfo>> TokenTable::list() {
  auto select = database_.prepare(fmt::format("SELECT {} FROM tokens ORDER BY number", columns));
  if (!select) return base::pass(select);
  std::vector<TokenInfo> out;
  for (;;) {
    auto row = select->step();
    if (!row) return base::pass(row);
    if (!*row) return out;
    if (auto info = read_row(*select, 0)) out.push_back(std::move(*info));
  }
}

base::Status TokenTable::revoke(std::string_view id) {
  auto update = database_.prepare("UPDATE tokens SET revoked = ?2 WHERE id = ?1 AND revoked = 0");
  if (!update) return base::pass(update);
  update->bind(1, id);
  update->bind(2, clock_.wall());
  if (auto done = update->run(); !done) return done;
  if (database_.changes() > 0) return {};
  return base::fail(ErrorCode::not_found, fmt::format("no valid token has the id '{}'", base::to_printable(base::to_valid_utf8(id))),
                    "See `telltale token list` for the ids.");
}

base::Result<TokensByHash> TokenTable::valid() {
  auto select = database_.prepare(fmt::format("SELECT hash, {} FROM tokens WHERE revoked = 0", columns));
  if (!select) return base::pass(select);
  TokensByHash out;
  for (;;) {
    auto row = select->step();
    if (!row) return base::pass(row);
    if (!*row) return out;
    if (auto info = read_row(*select, 1)) out.emplace(select->text(0), std::move(*info));
  }
}

base::Status TokenTable::set_last_used(std::string_view id, UnixNanos time) {
  auto update = database_.prepare("UPDATE tokens SET last_used = max(last_used, ?2) WHERE id = ?1");
  if (!update) return base::pass(update);
  update->bind(1, id);
  update->bind(2, time);
  return update->run();
}

}  // namespace telltale::store
