#include "api/rest/tally_cache.h"

#include <algorithm>
#include <optional>

namespace telltale::api {

namespace {
constexpr std::size_t max_kept = 32;
}

std::optional<TallyCache::Kept> TallyCache::find(const std::string& run) {
  base::MutexLock lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.run == run; });
  if (found == kept_.end()) return std::nullopt;
  kept_.splice(kept_.begin(), kept_, found);
  return kept_.front();
}

void TallyCache::keep(Kept kept) {
  base::MutexLock lock(mutex_);
  std::erase_if(kept_, [&](const Kept& one) { return one.run == kept.run; });
  kept_.push_front(std::move(kept));
  if (kept_.size() > max_kept) kept_.pop_back();
}

// Neither an event nor a record of the run came since.
base::Result<bool> TallyCache::is_current(const Kept& kept, record::Sequence next_sequence) const {
  if (kept.version != registry_.version()) return false;
  if (kept.next_sequence == next_sequence) return true;
  bool is_new = false;
  runs::RunScan rest;
  rest.run = kept.run;
  rest.from_sequence = kept.next_sequence;
  const auto scanned = runs::scan_run(registry_, attributor_, reader_, rest, [&](const runs::RunRecord&) {
    is_new = true;
    return store::ScanStep::stop;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return !is_new;
}

base::Result<TallyRef> TallyCache::tally(const runs::Run& run) {
  // Asked before the records are read: what comes meanwhile may be counted already, and is looked at once more.
  const std::uint64_t version = registry_.version();
  const record::Sequence next_sequence = reader_.stats().next_sequence;
  if (auto kept = find(run.id)) {
    const auto current = is_current(*kept, next_sequence);
    if (!current) return std::unexpected(current.error());
    if (*current) {
      kept->next_sequence = next_sequence;
      TallyRef known = kept->tally;
      keep(*std::move(kept));
      return known;
    }
  }
  runs::TallyOptions options;
  options.max_error_groups = 0;
  auto counted = runs::tally(registry_, attributor_, reader_, run.id, options);
  if (!counted) return base::pass(counted);
  auto result = std::make_shared<const runs::RunTally>(*std::move(counted));
  if (run.state == runs::RunState::finished) keep({run.id, version, next_sequence, result});
  return result;
}

}  // namespace telltale::api
