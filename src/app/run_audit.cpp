#include "app/run_audit.h"

#include <algorithm>
#include <utility>

namespace telltale::app {

namespace {

constexpr std::int64_t most_barrier_ns = 2 * base::nanos_per_second;

}  // namespace

RunAudit::RunAudit(base::Files& files, const base::Clock& clock, const runs::Registry& registry, const store::StoreReader& reader,
                   const base::KeyedHasher& hasher, std::uint64_t max_line_bytes, std::function<void(std::int64_t timeout_ns)> barrier)
    : clock_(clock),
      registry_(registry),
      reader_(reader),
      hasher_(hasher),
      origins_(files, hasher),
      max_line_bytes_(max_line_bytes),
      barrier_(std::move(barrier)) {}

// What was written and is on its way is no loss.
base::Result<runs::AuditReport> RunAudit::run(const std::string& run, runs::AuditOptions options) const {
  const base::MonoNanos end = clock_.mono() + options.timeout_ns;
  if (barrier_) barrier_(std::min(options.timeout_ns / 2, most_barrier_ns));
  options.timeout_ns = std::max<std::int64_t>(end - clock_.mono(), 1);
  options.max_line_bytes = max_line_bytes_;
  return runs::audit({.clock = clock_, .registry = registry_, .reader = reader_, .origins = origins_, .hasher = hasher_}, run, options,
                     stop_.get_token());
}

}  // namespace telltale::app
