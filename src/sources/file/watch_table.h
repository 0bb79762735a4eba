// Files that are watched for a time: asked for by callers, served by the reader's thread, counted by who asked for the same.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/mutex.h"
#include "config/config.h"
#include "sources/file/tailer.h"

namespace telltale::sources {

class WatchTable {
 public:
  // Of callers. `wake` ends the reader's wait. Same patterns, service, labels and start: the same watch, counted. source_invalid; cancelled
  // when the reader does not run.
  base::Result<Watched> watch(config::FileSource source, bool resume, std::int64_t timeout_ns, const std::function<void()>& wake)
      TT_EXCLUDES(mutex_);
  void unwatch(WatchId id, const std::function<void()>& wake) TT_EXCLUDES(mutex_);

  // Of the reader. True: sources came or went, so names are to be looked at.
  bool serve(Tailer& tailer) TT_EXCLUDES(mutex_);
  // After a scan.
  void settle(const Tailer& tailer) TT_EXCLUDES(mutex_);
  void open() TT_EXCLUDES(mutex_);
  void close() TT_EXCLUDES(mutex_);

 private:
  // One for each name.
  struct Entry {
    config::FileSource source;
    bool resume = false;
    std::uint64_t users = 0;
    std::optional<std::size_t> slot;  // the tailer's; nothing while it waits for the reader, or was refused
    bool asked = false;               // the reader is to bring it into accordance with `users`
    bool effective = false;
    std::optional<base::Error> refused;
  };
  bool is_decided(const std::string& name) const TT_REQUIRES(mutex_);

  base::Mutex mutex_;
  base::Condition changed_;
  bool running_ TT_GUARDED_BY(mutex_) = false;
  WatchId next_id_ TT_GUARDED_BY(mutex_) = 1;
  std::map<WatchId, std::string> names_ TT_GUARDED_BY(mutex_);
  std::map<std::string, Entry> entries_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::sources
