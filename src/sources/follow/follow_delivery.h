// One follow stream's way to the pipeline and the store: blocks of lines, gaps and cursors, in order, and what of them is committed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "record/gap.h"
#include "record/ports.h"
#include "sources/follow/follow_cursor.h"
#include "sources/follow/follow_metrics.h"
#include "sources/follow/line_builder.h"
#include "sources/follow/line_window.h"

namespace telltale::sources {

struct DeliveryLimits {
  WindowLimits window;
  std::size_t block_bytes = 0;
  std::size_t queue_bytes = 0;  // full() beyond it
};

// Synchronous; one thread.
class FollowDelivery {
 public:
  // What a line changes in a cursor.
  struct LinePlace {
    base::UnixNanos start = 0;
    base::UnixNanos last = 0;
    base::UnixNanos highest = 0;
    base::UnixNanos uncovered = 0;
    std::vector<LineSpan> spans;
    LineMark mark;
  };
  // All outlive it.
  struct Sinks {
    record::BlockSink& blocks;   // the pipeline
    record::BatchSink& batches;  // the store: gaps, chunks of marks
    const base::Clock& clock;
    FollowMetrics& metrics;
  };
  // What the store has of a stream.
  struct Stored {
    FollowCursor cursor;
    std::vector<LineWindow::Chunk> chunks;  // ascending; also such as the cursor does not name, which are forgotten
  };

  FollowDelivery(std::string key, record::StreamRef stream, const DeliveryLimits& limits, const Sinks& sinks, const Stored& stored);

  // With all that was added. Its marks are in window().
  const FollowCursor& cursor() const { return cursor_; }
  const LineWindow& window() const { return window_; }

  // A line is handed on. `begun`: see LineWindow::add.
  void add(FollowLine line, base::UnixNanos begun, base::UnixNanos observed);
  // Nothing more comes for now.
  void close_block(bool more_follows);
  // Lines may be missing here. Their bounds are times of the server.
  void add_gap(record::GapReason reason, base::UnixNanos from, base::UnixNanos to, std::string detail);
  // Another instance's lines follow.
  void begin_instance(const std::string& instance, base::UnixNanos start);
  // All of the instance's lines are here.
  void finish_instance();
  // Gaps of what is before this time were stated.
  void set_stated(base::UnixNanos until);
  // The next request asks from here; marks do not cover what lies before.
  void move_start_back(base::UnixNanos start);
  // Its position is stored although no line follows.
  void add_cursor();
  // The stream is not followed any more and its position is forgotten.
  void add_end();

  // Lines should not be added now.
  bool full() const { return queued_ > limits_.queue_bytes; }
  bool blocked() const { return !items_.empty(); }
  // Hands on what can be; when it waits for space, `on_space` is called once from any thread when there may be some.
  void advance(const std::function<void()>& on_space);
  // The store has committed this position of the stream.
  void committed(const record::Position& position);

  std::uint64_t version() const { return cursor_.version; }
  std::uint64_t committed_version() const { return committed_.version; }
  bool is_settled() const { return committed_.version >= pushed_; }
  bool has_ended() const { return ended_ && spare_chunks_.empty(); }
  std::uint64_t lag_bytes() const { return cursor_.bytes - std::min(cursor_.bytes, committed_.bytes); }

 private:
  struct Block {
    record::RawBlock block;
    std::uint64_t version = 0;
    std::size_t cost = 0;
  };
  struct Missing {
    record::Gap gap;
    record::Position position;
    std::uint64_t version = 0;
  };
  struct Place {
    record::Position position;
    std::uint64_t version = 0;
  };
  using Item = std::variant<Block, Missing, Place>;
  enum class Step : std::uint8_t { done, no_space, not_settled };

  void begin_block();
  void store_chunks();
  void forget_chunks();
  record::Position position();
  Step push(Block& item, const std::function<void()>& on_space);
  Step push(Missing& item, const std::function<void()>& on_space);
  Step push(Place& item, const std::function<void()>& on_space);
  Step push_block(record::RawBlock& block, const std::function<void()>& on_space);
  Step push_batch(record::Batch& batch, const std::function<void()>& on_space);
  bool settle();
  record::Batch chunk_batch(std::uint64_t number, std::string value) const;

  const std::string key_;
  const record::StreamRef stream_;
  const DeliveryLimits limits_;
  const Sinks sinks_;
  FollowCursor cursor_;
  LineWindow window_;
  FollowProgress committed_;
  std::uint64_t pushed_ = 0;              // version
  std::uint64_t known_chunks_ = 0;        // chunks below are in the store, forgotten or in spare_chunks_
  std::set<std::uint64_t> spare_chunks_;  // stored, and to be forgotten
  std::deque<Item> items_;
  std::size_t queued_ = 0;
  bool flushed_ = false;  // for the item in front
  bool ended_ = false;

  // The block that is being filled.
  struct Open {
    record::RawBlock block;
    FollowCursor before;            // with its loose marks
    std::vector<LinePlace> places;  // behind each line
  };
  std::optional<Open> open_;
};

}  // namespace telltale::sources
