// Reads one pipe to its end, whatever becomes of what it read: the program that writes never waits for an engine.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/mutex.h"
#include "sources/relay/pipe_lines.h"
#include "sources/relay/progress.h"
#include "sources/relay/spool.h"

namespace telltale::sources {

struct StreamReaderOptions {
  std::uint32_t number = 0;
  bool resumed = false;  // the pipe was another relay's before
  StreamPlace begin;
  std::optional<base::MonoNanos> dry;  // when the pipe is known to have been empty
  std::string ready_text;              // on_ready is called once when a line holds it; empty: never
};

// What it does with what it read. All outlive it; called on its thread.
struct StreamReaderPorts {
  const base::Clock& clock;
  Spool& spool;
  Progress& progress;
  const std::atomic<std::uint64_t>& max_line_bytes;
  std::function<void()> on_bytes;       // something was handled
  std::function<void()> on_ready;       // ready_text was seen
  std::function<void()> on_passed_off;  // nobody reads what is passed through: the pipe is closed
  std::function<void()> on_end;         // nothing follows
};

// run() is its thread's body; all else from any thread.
class StreamReader {
 public:
  // `through`: everything is written there too, unchanged and before the next is read, as if the program had it itself; may be empty.
  StreamReader(StreamReaderOptions options, StreamReaderPorts ports, base::Descriptor pipe, base::Descriptor through);

  // Returns at the pipe's end, or soon after `stop` became readable.
  void run(int stop);

  // Bytes that were read, or lie in the pipe, now.
  std::uint64_t known_bytes() TT_EXCLUDES(mutex_);
  // All of them are in the spool (a line without its end is not), or passed over its end.
  bool has_handled(std::uint64_t bytes) const { return handled_ >= bytes || ended_; }
  // All of them were written to `through` too, where there is one.
  bool has_passed_on(std::uint64_t bytes) const { return passed_on_ >= bytes || ended_; }
  bool has_ended() const { return ended_; }
  // errno of what kept some of it from being passed through; 0: nothing did.
  int through_failure() const { return through_failure_; }
  // The newest lines, oldest first, cut where they are long.
  std::vector<std::string> last_lines() const TT_EXCLUDES(mutex_);

 private:
  struct Got {
    std::string_view bytes;
    bool is_end = false;
  };
  bool take_over() TT_EXCLUDES(mutex_);
  std::size_t bytes_in_pipe() const;
  Got read_some() TT_EXCLUDES(mutex_);
  void handle(std::string_view bytes);
  void look_at(const PipeBlock& block) TT_EXCLUDES(mutex_);
  bool pass_through(std::string_view bytes);
  void pass_off();
  void note_if_empty();
  void finish();

  const StreamReaderOptions options_;
  const StreamReaderPorts ports_;
  base::Descriptor pipe_;  // closed under the mutex
  base::Descriptor through_;
  PipeLines lines_;
  std::vector<PipeBlock> blocks_;
  std::optional<base::MonoNanos> dry_;
  base::MonoNanos read_at_ = 0;
  bool ready_ = false;
  std::atomic<std::uint64_t> handled_;
  std::atomic<std::uint64_t> passed_on_;
  std::atomic<bool> ended_{false};
  std::atomic<int> through_failure_{0};

  mutable base::Mutex mutex_;
  std::uint64_t read_bytes_ TT_GUARDED_BY(mutex_);
  std::deque<std::string> last_lines_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::sources
