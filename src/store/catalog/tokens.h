// The table of tokens. A token is shown once, when it is made; the catalog keeps its SHA-256 alone, which is enough as the token is 256
// random bits.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "store/catalog/catalog.h"
#include "store/catalog/sqlite.h"

namespace telltale::store {

// What the table holds under the hash of a token.
using TokensByHash = std::map<std::string, TokenInfo, std::less<>>;

// One thread at a time.
class TokenTable {
 public:
  TokenTable(Database& database, const base::Clock& clock, base::Random& random) : database_(database), clock_(clock), random_(random) {}

  // invalid_argument: the name is empty, longer than 100 bytes or holds control characters; there is no such role.
  base::Result<NewToken> create(std::string_view name, std::string_view roles, std::string_view scope);
  // All that ever were, oldest first.
  base::Result<std::vector<TokenInfo>> list();
  // not_found: no valid token has this id.
  base::Status revoke(std::string_view id);
  base::Result<TokensByHash> valid();
  base::Status set_last_used(std::string_view id, UnixNanos time);

 private:
  Database& database_;
  const base::Clock& clock_;
  base::Random& random_;
};

// SHA-256 in hexadecimal.
std::string token_hash(std::string_view token);
// Whether text has the form of a token at all.
bool looks_like_token(std::string_view text);

}  // namespace telltale::store
