// One stream of a relay as the engine has it: what was received and not taken by the pipeline yet, in order, with what is missing stated.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "record/gap.h"
#include "record/ports.h"
#include "sources/process/process_position.h"
#include "sources/process/relay_message.h"

namespace telltale::sources {

// Synchronous; one thread.
class ProcessStream {
 public:
  // All outlive it.
  struct Sinks {
    record::BlockSink& blocks;   // the pipeline
    record::BatchSink& batches;  // the store: gap records
    const base::Clock& clock;
    std::function<void(record::GapReason)> on_gap;
  };

  ProcessStream(std::string key, record::StreamRef stream, StreamPlace committed);

  const std::string& key() const { return key_; }
  const record::StreamRef& stream() const { return stream_; }
  // Whatever is said next begins here, or after a gap.
  const StreamPlace& received() const { return received_; }
  const StreamPlace& committed() const { return committed_; }
  // What waits here, in relay_cost().
  std::uint64_t queued() const { return queued_; }

  // A connection sent lines that end behind received(). What lies between is a gap; whole lines that are here already are left out. False:
  // they begin in the middle of a line.
  bool receive(record::RawBlock block, StreamPlace from, const StreamPlace& to, record::GapReason reason);
  // A connection said that it ends here.
  void end(const StreamPlace& at, record::GapReason reason);
  // After end(): nobody will ask for it again.
  void release();
  // Nobody will say more: an unknown number of lines may be missing.
  void give_up(std::string detail);
  // It goes on at a later place, which is nobody's loss: what lies between is with another store.
  void skip_to(const StreamPlace& at);

  // Hands on what can be. False: it waits for space, and `on_space` is called once from any thread when there may be some.
  bool advance(const Sinks& sinks, const std::function<void()>& on_space);
  // The store has it up to there.
  void commit(const StreamPlace& at);
  // The store has its end: nothing is left to do.
  void commit_end() { ended_ = true; }
  bool has_ended() const { return ended_; }
  bool is_settled() const { return committed_.offset >= pushed_.offset; }

 private:
  struct Block {
    record::RawBlock block;
    std::uint64_t cost = 0;
  };
  struct Missing {
    record::Gap gap;
    StreamPlace to;
  };
  struct Rest {};  // no lines follow: those that wait for more need not
  struct End {};
  using Item = std::variant<Block, Missing, Rest, End>;
  enum class Step : std::uint8_t { done, no_space, not_settled };

  void add_gap(const StreamPlace& to, base::UnixNanos until, record::GapReason reason);
  Step push(Block& item, const Sinks& sinks, const std::function<void()>& on_space);
  Step push(Missing& item, const Sinks& sinks, const std::function<void()>& on_space);
  Step push(Rest& item, const Sinks& sinks, const std::function<void()>& on_space);
  Step push(End& item, const Sinks& sinks, const std::function<void()>& on_space);
  bool settle(const Sinks& sinks);

  const std::string key_;
  const record::StreamRef stream_;
  StreamPlace received_;
  StreamPlace pushed_;
  StreamPlace committed_;
  base::UnixNanos last_observed_ = 0;
  std::deque<Item> items_;
  std::uint64_t queued_ = 0;
  bool flushed_ = false;  // for the item in front
  bool ended_ = false;
};

}  // namespace telltale::sources
