// What the records of runs come to, counted once: a run that is finished is counted again only when something came that may change it.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/mutex.h"
#include "runs/attribution/attributor.h"
#include "runs/registry/registry.h"
#include "runs/summary/tally.h"
#include "store/engine/store.h"

namespace telltale::api {

using TallyRef = std::shared_ptr<const runs::RunTally>;  // shared: the cache and the answers that are being made

// Thread-safe; what it is made of outlives it.
class TallyCache {
 public:
  TallyCache(const runs::Registry& registry, const runs::Attributor& attributor, const store::StoreReader& reader)
      : registry_(registry), attributor_(attributor), reader_(reader) {}

  // May read the run's records, for as long as that takes. Errors of runs::tally.
  base::Result<TallyRef> tally(const runs::Run& run) TT_EXCLUDES(mutex_);

 private:
  struct Kept {
    std::string run;
    std::uint64_t version = 0;           // of the registry, when it was counted
    record::Sequence next_sequence = 0;  // records below are counted, or are none of the run's
    TallyRef tally;
  };

  std::optional<Kept> find(const std::string& run) TT_EXCLUDES(mutex_);
  void keep(Kept kept) TT_EXCLUDES(mutex_);
  base::Result<bool> is_current(const Kept& kept, record::Sequence next_sequence) const;

  const runs::Registry& registry_;
  const runs::Attributor& attributor_;
  const store::StoreReader& reader_;
  base::Mutex mutex_;
  std::list<Kept> kept_ TT_GUARDED_BY(mutex_);  // used last first
};

}  // namespace telltale::api
