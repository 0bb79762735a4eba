// One follow stream: asks its server, takes out what is here already, states what is missing, hands on the rest
// (docs/reference/follow-streams.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "sources/follow/follow_delivery.h"
#include "sources/follow/line_builder.h"
#include "sources/follow/retry_policy.h"
#include "sources/follow/transport.h"

namespace telltale::sources {

struct FollowOptions {
  std::string kind = "follow";               // label `source` of metrics, and how health and keys name it
  std::size_t max_line_bytes = 1024 * 1024;  // longer lines are cut, marked and counted
  std::size_t block_bytes = 64 * 1024;       // of one block for the pipeline
  std::size_t input_bytes = 256 * 1024;      // received and not looked at: beyond it the socket is not read
  std::size_t held_bytes = 1024 * 1024;      // of lines of which it is not known yet whether they are here already
  std::size_t most_marks = 64 * 1024;        // parts of lines that are told apart when a server says them again
  std::size_t chunk_marks = 256;             // see LineWindow
  std::int64_t overlap_ns = 2 * base::nanos_per_second;
  std::int64_t retry_least_ns = 100 * base::nanos_per_millisecond;
  std::int64_t retry_most_ns = 30 * base::nanos_per_second;
  std::int64_t steady_ns = 10 * base::nanos_per_second;     // a connection that held so long was good: the next wait is short
  std::int64_t silence_ns = 300 * base::nanos_per_second;   // without a byte the server is asked again: connections die without a word
  std::int64_t max_age_ns = 3600 * base::nanos_per_second;  // asked again after so long in any case
  std::int64_t pause_ns = 2 * base::nanos_per_second;  // of a server that could not send for so long it is not known what it passed over
  std::int64_t replay_silence_ns = 30 * base::nanos_per_second;   // a server that says nothing of what it had is taken to have lost it
  std::int64_t held_ns = 5 * base::nanos_per_second;              // without a byte lines are held for so long, see held_bytes
  std::int64_t barrier_patience_ns = base::nanos_per_second / 2;  // a barrier asks a server again that breaks its connection, for so long
  std::int64_t keep_unclaimed_ns = 7 * 24 * 3600 * base::nanos_per_second;  // cursors of streams that nobody follows
  std::size_t most_unclaimed = 10'000;                                      // and how many of them
};

// What all streams of a source share. All outlive them.
struct FollowStreamPorts {
  const base::Clock& clock;
  record::BlockSink& blocks;
  record::BatchSink& batches;
  base::Random& random;
  const base::KeyedHasher& hasher;
  FollowMetrics& metrics;
};

// Bytes of one connection that were told and not looked at. Thread-safe.
class FollowIntake {
 public:
  explicit FollowIntake(std::size_t limit) : limit_(limit) {}
  // The handler's side. False: that is enough.
  bool add(std::size_t bytes) {
    if (waiting_.fetch_add(bytes) + bytes <= limit_) return true;
    stopped_ = true;
    return false;
  }
  void take(std::size_t bytes) { waiting_ -= bytes; }
  std::size_t waiting() const { return waiting_; }
  // Since the last call the handler said that it is enough.
  bool was_stopped() { return stopped_.exchange(false); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> stopped_{false};
};

// Where the connections' handlers put what they are told. `connection` numbers them within the stream. What they are told they add to the
// intake, and pass its answer on; the handler and the stream own it.
using FollowHandlerMaker = std::function<std::shared_ptr<FollowHandler>(std::uint64_t connection, std::shared_ptr<FollowIntake> intake)>;

struct FollowTarget {
  std::string key;                             // names it for ever, as "docker:HOST:CONTAINER"
  record::StreamRef stream;                    // its labels are redacted
  std::shared_ptr<FollowTransport> transport;  // shared: who made the target
  base::UnixNanos begin = 0;                   // of a stream that was not followed before: lines of this time and later; 0: all
};

// Synchronous; one thread. What a connection tells is queued by received() and looked at in advance().
class FollowStream {
 public:
  struct Told {
    std::uint64_t connection = 0;
    std::variant<FollowAnswer, std::string, FollowEnd> what;
  };

  FollowStream(const FollowOptions& options, const FollowStreamPorts& ports, FollowTarget target, const FollowDelivery::Stored& stored,
               FollowHandlerMaker make_handler);

  const std::string& key() const { return target_.key; }
  // From a connection.
  void received(Told told);
  void committed(const record::Position& position) { delivery_.committed(position); }
  // Takes what came, asks the server, states what is due. `on_space` may be called from any thread: then advance again.
  void advance(const std::function<void()>& on_space);
  // When advance() has something to do although nothing happens; nothing: never.
  std::optional<base::MonoNanos> next_deadline() const;
  // Asks no more. With `forget` what was received is still stored, then the position goes.
  void leave(bool forget);
  // Asks at once when it waits.
  void ask_now() {
    if (retry_at_) retry_at_ = ports_.clock.mono();
  }
  bool is_leaving() const { return left_; }
  // leave() was called, and nothing is left to do.
  bool has_left() const { return left_ && (forget_ ? delivery_.has_ended() : is_settled()); }
  // The server said that it is gone, and all is handed on.
  bool is_gone() const { return gone_; }
  bool is_connected() const { return answer_.has_value(); }
  // All that was received was handed on and is stored, and no lines are held.
  bool is_settled() const;
  // Why it is not connected; empty when it is.
  const std::string& problem() const { return problem_; }
  std::uint64_t lag_bytes() const { return delivery_.lag_bytes() + (intake_ ? intake_->waiting() : 0); }
  const FollowCursor& cursor() const { return delivery_.cursor(); }

  // A barrier: the server is asked what there is by now, without following; what it says must be stored.
  void begin_barrier(std::uint64_t id);
  void end_barrier(std::uint64_t id) { probes_.erase(id); }
  enum class BarrierState : std::uint8_t { waiting, reached, failed };
  BarrierState barrier(std::uint64_t id);
  // For people.
  std::string barrier_problem(std::uint64_t id) const;

 private:
  // A request of a barrier.
  struct Probe {
    std::uint64_t connection_number = 0;
    std::shared_ptr<FollowIntake> intake;  // second owner: the connection's handler
    std::unique_ptr<FollowConnection> connection;
    std::unique_ptr<PartParser> parser;
    std::optional<FollowAnswer> answer;
    std::string instance;  // of the cursor, when it was asked
    std::vector<LineMark> said;
    std::optional<LineBuilder> builder;
    bool complete = false;
    base::MonoNanos begun = 0;
    std::optional<base::MonoNanos> again;  // its connection broke: when it is asked again
    std::string failure;
    MarkCounts missing;  // once compared: what was not handed on yet
    bool compared = false;
    std::optional<std::uint64_t> version;  // of the cursor that must be committed
    bool flushed = false;
  };
  // What is known of the server's answer since it was asked.
  struct Resume {
    MarkCounts here;              // what it may say again
    bool checked = true;          // it said something that is here already, or nothing was, or the gap is stated
    base::UnixNanos until = 0;    // behind it nothing is said again
    std::deque<FollowLine> held;  // before checked
    std::size_t held_bytes = 0;
  };

  void open();
  void take(FollowAnswer& answer);
  void take(std::string& bytes);
  void take(FollowEnd& end);
  void take_input();
  void follow_instance(const FollowAnswer& answer);
  bool clock_went_back(const FollowAnswer& answer);
  void on_part(const Part& part);
  void on_line(FollowLine line);
  void on_repeated();
  void hand_on(FollowLine line);
  void release_held(base::UnixNanos first_time);
  void state_rotated(base::UnixNanos first_time);
  void end_instance();
  void look_at_time();
  void drop_connection();
  // Ends the connection and asks again, now or after a while.
  void retry(const std::string& cause, bool at_once);
  void pause_if_needed();

  void ask(Probe& probe);
  void take_probe(Probe& probe, Told& told);
  void compare(Probe& probe);

  const FollowOptions& options_;
  const FollowStreamPorts& ports_;
  const FollowTarget target_;
  const FollowHandlerMaker make_handler_;
  FollowDelivery delivery_;
  LineBuilder builder_;
  RetryPolicy retry_;
  Resume resume_;

  std::unique_ptr<FollowConnection> connection_;
  std::uint64_t connection_number_ = 0;  // present one
  std::uint64_t last_number_ = 0;        // given out
  std::unique_ptr<PartParser> parser_;
  std::optional<FollowAnswer> answer_;
  base::MonoNanos opened_ = 0;
  base::MonoNanos heard_ = 0;
  std::optional<base::MonoNanos> paused_;
  bool slow_ = false;  // the connection was given up because it was paused for too long
  std::optional<base::MonoNanos> retry_at_ = 0;
  std::string cause_;       // of the next request
  bool handed_on_ = false;  // since it was asked
  bool left_ = false;
  bool forget_ = false;
  bool gone_ = false;
  std::string problem_ = "not asked yet";

  std::deque<Told> input_;
  std::shared_ptr<FollowIntake> intake_;  // of the present connection; second owner: its handler
  std::map<std::uint64_t, Probe> probes_;
};

}  // namespace telltale::sources
