// What every kind of source offers to the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace telltale::sources {

struct SourceHealth {
  std::string name;
  bool healthy = true;
  std::string detail;  // why it is not, with the remedy
  std::uint64_t streams = 0;
  std::uint64_t lag_bytes = 0;  // known to exist, not yet committed
};

struct BarrierReport {
  bool complete = true;
  std::vector<std::string> missing;  // what was not delivered in time, for people
};

// Thread-safe. start once, stop once.
class Source {
 public:
  virtual ~Source() = default;
  virtual base::Status start() = 0;
  // Stops reading and waits for its threads; positions stay as committed.
  virtual void stop() = 0;
  virtual SourceHealth health() const = 0;
  // Returns when all that existed at the call has been read and committed, or the time is over. Blocks: not for the net thread.
  virtual BarrierReport barrier(std::int64_t timeout_ns) = 0;
};

}  // namespace telltale::sources
