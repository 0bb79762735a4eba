// What a scripted server keeps, and how it answers: the double of the logs of a container engine. Without any socket; see
// scripted_server.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "sources/follow/transport.h"

namespace telltale::sources::testing {

enum class WireFormat : std::uint8_t { lines, frames };  // of timed_parts.h

struct ScriptedHabits {
  WireFormat format = WireFormat::lines;
  bool filters_each = true;             // by `since`, as the kubelet does; else from the first line that is in time on, as dockerd does
  bool skips_when_rotated = false;      // a reader that is behind passes over what was rotated away, without a word
  std::size_t split_bytes = 16 * 1024;  // frames: longer lines are sent in parts
};

// Thread-safe. Lines stand in the order of writing, whatever their times are.
class ScriptedLog {
 public:
  explicit ScriptedLog(ScriptedHabits habits = {}) : habits_(habits) {}

  // Into the present instance.
  void write(base::UnixNanos time, std::string text, std::uint8_t channel = 1) TT_EXCLUDES(mutex_);
  // All but the newest `keep` entries are gone for new requests (an entry is a line, or a part of a long one).
  void rotate(std::size_t keep) TT_EXCLUDES(mutex_);
  // The present instance has ended.
  void end() TT_EXCLUDES(mutex_);
  // And another one begins; of the ended ones only the newest `generations` can still be asked for.
  void restart(std::size_t generations = 1) TT_EXCLUDES(mutex_);
  // There is nothing any more.
  void remove() TT_EXCLUDES(mutex_);
  // The server's clock, told in answers; 0: it tells none.
  void set_server_time(base::UnixNanos time) TT_EXCLUDES(mutex_);

  // Called after each change, on the thread that made it. Set before the log is used by several threads.
  std::function<void()> on_change;

  // One answer as it goes over the wire.
  class Reader {
   public:
    // Appends the next entries' bytes until `out` has at least `bytes`; false: there are no more now.
    bool read(std::string& out, std::size_t bytes);
    // It has come to the end of the answer: nothing will follow.
    bool at_end() const;
    const FollowAnswer& answer() const { return answer_; }

   private:
    friend class ScriptedLog;
    const ScriptedLog* log_ = nullptr;
    FollowAnswer answer_;
    FollowRequest request_;
    std::size_t instance_ = 0;
    std::size_t next_ = 0;
    std::size_t until_ = SIZE_MAX;
    bool passed_ = false;  // a line that is in time
  };
  struct Outcome {
    std::optional<Reader> reader;  // nothing: there are no lines to ask for
    bool gone = false;
  };
  // The log outlives the reader.
  Outcome answer(const FollowRequest& request) const TT_EXCLUDES(mutex_);

  std::string instance() const TT_EXCLUDES(mutex_);
  // Entries of the present instance that can still be asked for: [first, second).
  std::pair<std::size_t, std::size_t> kept() const TT_EXCLUDES(mutex_);
  const ScriptedHabits& habits() const { return habits_; }

 private:
  void changed() const {
    if (on_change) on_change();
  }
  struct Entry {
    base::UnixNanos time = 0;
    std::uint8_t channel = 0;
    std::string text;
    bool ends_line = true;
  };
  struct Instance {
    std::vector<Entry> entries;
    std::size_t first_kept = 0;
    bool ended = false;
    bool available = true;
  };
  static std::string name_of(std::size_t instance) { return "instance-" + std::to_string(instance + 1); }
  std::optional<std::size_t> find(const FollowRequest& request) const TT_REQUIRES(mutex_);
  void encode(std::string& out, const Entry& entry) const;

  const ScriptedHabits habits_;
  mutable base::Mutex mutex_;
  std::vector<Instance> instances_ TT_GUARDED_BY(mutex_) = std::vector<Instance>(1);
  base::UnixNanos server_time_ TT_GUARDED_BY(mutex_) = 0;
  bool removed_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::sources::testing
