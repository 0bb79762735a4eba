// The valid tokens in memory, for checks on the net thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "store/catalog/catalog.h"
#include "store/catalog/tokens.h"

namespace telltale::store {

// Thread-safe.
class TokenCache {
 public:
  void replace(TokensByHash tokens) TT_EXCLUDES(mutex_);
  // Notes the use at `now`.
  std::optional<TokenInfo> check(std::string_view token, UnixNanos now) TT_EXCLUDES(mutex_);
  // Ids used since the last call, and when.
  std::map<std::string, UnixNanos> take_uses() TT_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  TokensByHash tokens_ TT_GUARDED_BY(mutex_);
  std::map<std::string, UnixNanos> uses_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::store
