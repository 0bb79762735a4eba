// The one function template of the registry's inside.
#pragma once

#include <string>

#include "base/text.h"
#include "runs/registry/registry_impl.h"

namespace telltale::runs {

template <class Use>
base::Status Registry::Impl::with_run(std::string_view id, Use&& use) {
  {
    base::MutexLock lock(mutex_);
    if (Entry* const entry = find(id)) return use(*entry), base::Status();
  }
  const auto known = find_known(id);
  if (!known) return std::unexpected(known.error());
  if (*known) {
    auto loaded = load(**known);
    if (!loaded) return base::pass(loaded);
    if ((*loaded)->ledger.has_started()) {
      base::MutexLock lock(mutex_);
      Entry* const meanwhile = find(id);
      use(meanwhile != nullptr ? *meanwhile : shelve(std::move(*loaded)));
      return {};
    }
  }
  return base::fail(base::ErrorCode::run_not_found, "there is no run '" + base::to_printable(id.substr(0, 100)) + "'");
}

}  // namespace telltale::runs
