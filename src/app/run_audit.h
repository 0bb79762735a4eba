// runs::audit over this program's store and files, for the engine and for commands without one.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "runs/audit/audit.h"
#include "runs/registry/registry.h"
#include "sources/reread/file_origin_reader.h"
#include "store/engine/store.h"

namespace telltale::app {

// Thread-safe. References outlive it.
class RunAudit {
 public:
  // `barrier`: waits until what was written is stored, as long as it is given; empty: nothing is waited for.
  RunAudit(base::Files& files, const base::Clock& clock, const runs::Registry& registry, const store::StoreReader& reader,
           const base::KeyedHasher& hasher, std::uint64_t max_line_bytes, std::function<void(std::int64_t timeout_ns)> barrier);

  base::Result<runs::AuditReport> run(const std::string& run, runs::AuditOptions options) const;
  // Audits that run end soon, and say that they were cancelled; so does any that begins later.
  void stop() { stop_.request_stop(); }

 private:
  const base::Clock& clock_;
  const runs::Registry& registry_;
  const store::StoreReader& reader_;
  const base::KeyedHasher& hasher_;
  const sources::FileOriginReader origins_;
  const std::uint64_t max_line_bytes_;
  const std::function<void(std::int64_t)> barrier_;
  std::stop_source stop_;
};

}  // namespace telltale::app
