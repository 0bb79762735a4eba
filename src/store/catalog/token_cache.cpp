#include "store/catalog/token_cache.h"

#include <utility>

namespace telltale::store {

void TokenCache::replace(TokensByHash tokens) {
  base::MutexLock lock(mutex_);
  tokens_ = std::move(tokens);
}

// What is compared is the hash, so that the time of a comparison says nothing of a token that is valid.
std::optional<TokenInfo> TokenCache::check(std::string_view token, UnixNanos now) {
  if (!looks_like_token(token)) return std::nullopt;
  const std::string hash = token_hash(token);
  base::MutexLock lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end()) return std::nullopt;
  uses_[found->second.id] = now;
  return found->second;
}

std::map<std::string, UnixNanos> TokenCache::take_uses() {
  base::MutexLock lock(mutex_);
  return std::exchange(uses_, {});
}

}  // namespace telltale::store
