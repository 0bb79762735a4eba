// What a relay keeps of its streams until an engine has stored it: bounded memory, from which the oldest goes when nobody takes anything.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "sources/relay/pipe_lines.h"

namespace telltale::sources {

// Thread-safe. Streams are called by their number.
class Spool {
 public:
  explicit Spool(std::uint64_t capacity) : capacity_(capacity) {}

  void add(std::uint32_t stream, const StreamPlace& begin, const StreamPlace& acknowledged) TT_EXCLUDES(mutex_);
  // Never waits. Over the capacity the oldest blocks of all streams go, of which the newest always stays; whoever gets the next one sees
  // that some are missing. What was sent before it went still counts as on its way: it is lost only if its engine is, too.
  void push(std::uint32_t stream, PipeBlock block) TT_EXCLUDES(mutex_);
  void end(std::uint32_t stream, const StreamPlace& at) TT_EXCLUDES(mutex_);

  // A new connection: nothing was sent on it. rewind() tells what the engine has of each stream.
  void begin_connection() TT_EXCLUDES(mutex_);
  void rewind(std::uint32_t stream, const StreamPlace& at) TT_EXCLUDES(mutex_);
  // The oldest block that was not sent yet, as a message, when no more than `window` is on its way; `now` for its age. Only of streams
  // that were rewound.
  std::optional<std::string> next(std::uint64_t window, base::MonoNanos now, base::UnixNanos wall) TT_EXCLUDES(mutex_);
  // A stream whose end is to be said now; once a connection.
  std::optional<RelayEnd> next_end() TT_EXCLUDES(mutex_);
  // A stream whose end was said and of which all is stored; once a connection.
  std::optional<RelayRelease> next_release() TT_EXCLUDES(mutex_);
  void committed(std::uint32_t stream, const StreamPlace& at) TT_EXCLUDES(mutex_);
  void ended(std::uint32_t stream) TT_EXCLUDES(mutex_);

  // For the message that names a stream to an engine.
  struct Place {
    std::uint32_t stream = 0;
    StreamPlace from;  // the first that is kept
    StreamPlace acknowledged;
  };
  std::vector<Place> places() const TT_EXCLUDES(mutex_);
  // What is pushed from now on has this number or a higher one.
  std::uint64_t order() const TT_EXCLUDES(mutex_);
  // All with lower numbers is sent.
  bool is_sent(std::uint64_t order) const TT_EXCLUDES(mutex_);
  // All with lower numbers is stored.
  bool is_stored(std::uint64_t order) const TT_EXCLUDES(mutex_);
  // All is, and the ends of streams are.
  bool is_stored() const TT_EXCLUDES(mutex_);
  struct Totals {
    std::uint64_t kept_lines = 0;     // not stored yet
    std::uint64_t dropped_lines = 0;  // for want of room
  };
  Totals totals() const TT_EXCLUDES(mutex_);

 private:
  struct Entry {
    std::uint64_t order = 0;  // over all streams
    PipeBlock block;
  };
  // What was sent and is not kept any more, although it is not stored.
  struct Unkept {
    std::uint64_t order = 0;
    StreamPlace to;
    std::uint64_t lines = 0;
    std::uint64_t cost = 0;
  };
  struct Stream {
    StreamPlace newest;  // behind the last block
    StreamPlace acknowledged;
    std::deque<Unkept> unkept;  // older than the entries; no more than a window of it
    std::deque<Entry> entries;  // not stored
    std::size_t sent = 0;       // of them, from the front
    bool rewound = false;
    std::optional<StreamPlace> end;
    bool end_sent = false;
    bool release_sent = false;
  };
  void drop_oldest() TT_REQUIRES(mutex_);
  void store_front(Stream& stream) TT_REQUIRES(mutex_);

  const std::uint64_t capacity_;
  mutable base::Mutex mutex_;
  std::map<std::uint32_t, Stream> streams_ TT_GUARDED_BY(mutex_);
  std::uint64_t next_order_ TT_GUARDED_BY(mutex_) = 0;
  std::uint64_t size_ TT_GUARDED_BY(mutex_) = 0;
  std::uint64_t in_flight_ TT_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_lines_ TT_GUARDED_BY(mutex_) = 0;
};

}  // namespace telltale::sources
