// Reads pipes in this process when no relay can: what programs write is passed through and forgotten.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/task_group.h"
#include "sources/relay/progress.h"
#include "sources/relay/spool.h"
#include "sources/relay/stream_reader.h"

namespace telltale::sources {

// Who writes into a stream, and how it is named.
struct RelayedStream {
  std::string service;
  std::string stream;   // stdout stderr process
  std::string process;  // service command
  std::string ready_text = {};
};

// Called on its threads.
struct LocalDrainPorts {
  const base::Clock& clock;
  std::function<void(std::uint32_t stream)> on_ready;
  std::function<void(std::uint32_t stream)> on_closed;  // nobody reads what it is passed to
  std::function<void(std::uint32_t stream)> on_end;
};

// One thread a stream. Not thread-safe.
class LocalDrain {
 public:
  static base::Result<std::unique_ptr<LocalDrain>> make(LocalDrainPorts ports);
  ~LocalDrain();

  void add(std::uint32_t number, const RelayedStream& about, base::Descriptor pipe, base::Descriptor through);
  std::vector<std::string> tail(const std::string& service) const;
  // Of every stream by its number: bytes that were read or lie in its pipe now.
  std::map<std::uint32_t, std::uint64_t> known_bytes() const;
  bool has_passed_on(const std::map<std::uint32_t, std::uint64_t>& bytes) const;
  int through_failure() const;

 private:
  LocalDrain(LocalDrainPorts ports, Progress progress);

  struct Held {
    RelayedStream about;
    std::unique_ptr<StreamReader> reader;
  };
  const LocalDrainPorts ports_;
  Progress progress_;
  Spool spool_;
  std::atomic<std::uint64_t> max_line_bytes_;
  base::Descriptor stop_;
  std::map<std::uint32_t, Held> streams_;
  base::TaskGroup tasks_;
};

}  // namespace telltale::sources
