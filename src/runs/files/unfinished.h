// The note in the store that a run's files are not final yet: an engine that ends before they are finds it at its next start.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "record/ports.h"

namespace telltale::runs {

// Runs whose files were not final when the engine ended; of all positions of the store.
std::vector<std::string> unfinished_files_of(const std::vector<record::Position>& positions);

// Thread-safe.
class UnfinishedFiles {
 public:
  // Without a sink nothing is noted.
  explicit UnfinishedFiles(record::BatchSink* sink) : sink_(sink) {}

  // Committed at the latest with what is pushed next, where the store has space.
  void set(const std::string& run, bool unfinished) TT_EXCLUDES(mutex_);
  // Tries again what the store had no space for. False: there still is something.
  bool retry() TT_EXCLUDES(mutex_);

 private:
  record::BatchSink* const sink_;
  base::Mutex mutex_;
  std::map<std::string, bool> waiting_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::runs
