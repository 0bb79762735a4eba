// What tells the file reader that something changed in a folder. A hint only: the reader's sweep finds what events do not tell.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace telltale::sources {

// What happened since the last wait.
struct WatchEvents {
  std::vector<std::string> modified;  // paths of files that were written to, as folder/name of the watched folder
  bool names_changed = false;         // something was created, moved or deleted, or events were lost: look at all names again
  bool empty() const { return modified.empty() && !names_changed; }
  void clear() {
    modified.clear();
    names_changed = false;
  }
};

// watch_* and wait are called by one thread; wake by any.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // Events for all names in the folder. Doing it again is cheap and does no harm. An error (no more watches, a file system without
  // events) means that only the sweep sees changes there.
  virtual base::Status watch_folder(const std::string& path) = 0;
  // Where `path` is a symbolic link: writes to what it points at are reported as writes to `path`. Nothing otherwise.
  virtual base::Status watch_link(const std::string& path) = 0;
  // Waits for an event, wake() or the end of the time; appends to `out`. A negative time does not end.
  virtual void wait(std::int64_t timeout_ns, WatchEvents& out) = 0;
  // Waits without listening, so that many small writes are read together; wake() ends it.
  virtual void rest(std::int64_t time_ns) = 0;
  // Ends the present or next wait or rest.
  virtual void wake() = 0;
  // Why there are no events at all, for people; empty: there are.
  virtual std::string limitation() const { return {}; }
};

// Linux inotify, with an eventfd to wake it. Fails when the user's limit of instances is reached (fs.inotify.max_user_instances).
base::Result<std::unique_ptr<Watcher>> make_inotify_watcher();
// No events at all: waits and wakes only. `why` is its limitation().
std::unique_ptr<Watcher> make_sleeping_watcher(std::string why = {});

}  // namespace telltale::sources
