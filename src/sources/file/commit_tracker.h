// Who knows what was pushed and what the store has committed of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "record/batch.h"
#include "telemetry/metrics.h"

namespace telltale::sources {

// One entry for each origin, named by its position key; a position's version tells how far the store is. Thread-safe.
class CommitTracker {
 public:
  // The gauge shows known bytes that are not committed.
  explicit CommitTracker(telemetry::Gauge& lag) : lag_(lag) {}

  struct Target {
    std::string key;
    std::uint64_t version = 0;
  };

  // Reader's side. `committed` is what the store had at start.
  void add(const std::string& key, const std::string& path, std::uint64_t version, std::uint64_t committed) TT_EXCLUDES(mutex_);
  void set_size(const std::string& key, std::uint64_t size) TT_EXCLUDES(mutex_);
  void pushed(const std::string& key, std::uint64_t version) TT_EXCLUDES(mutex_);
  // Nothing more comes: the entry goes when all that was pushed is committed.
  void end(const std::string& key) TT_EXCLUDES(mutex_);
  // Nothing that was pushed is missing in the store.
  bool is_settled(const std::string& key) const TT_EXCLUDES(mutex_);
  // All that was pushed and is not committed yet.
  std::vector<Target> unsettled() const TT_EXCLUDES(mutex_);

  // The store's side. An empty value (the position is forgotten) ends the entry.
  void committed(const record::Position& position) TT_EXCLUDES(mutex_);

  // Waits until all targets are committed; false when the time is over. Then `missing` names them.
  bool wait(const std::vector<Target>& targets, std::int64_t timeout_ns, std::vector<std::string>& missing) TT_EXCLUDES(mutex_);
  std::uint64_t lag_bytes() const TT_EXCLUDES(mutex_);

 private:
  struct Entry {
    std::string path;
    std::uint64_t pushed = 0;
    std::uint64_t committed = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;  // committed
    bool ended = false;
    std::uint64_t lag() const { return size > offset ? size - offset : 0; }
  };
  void erase_if_done(const std::string& key) TT_REQUIRES(mutex_);
  template <class Change>
  void change(const std::string& key, Change change) TT_REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  base::Condition committed_;
  std::map<std::string, Entry, std::less<>> entries_ TT_GUARDED_BY(mutex_);
  std::uint64_t total_lag_ TT_GUARDED_BY(mutex_) = 0;
  telemetry::Gauge& lag_;
};

}  // namespace telltale::sources
