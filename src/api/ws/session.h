// One WebSocket connection's stream: first what the store has, then the hub's ring, then live, without loss or repetition.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/wire/executor.h"
#include "api/ws/broadcaster.h"
#include "api/ws/live_query.h"
#include "api/ws/messages.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "live/hub.h"
#include "net/ws/ws.h"
#include "store/engine/store.h"
#include "telemetry/metrics.h"

namespace telltale::api {

// What all sessions share; outlives them and the tasks of the executor.
struct LiveContext {
  const store::StoreReader& store;
  live::Hub& hub;
  const base::Clock& clock;
  const record::ComputedLabels* labels;  // null: there are none
  Executor& queries;
  Broadcaster& broadcaster;
  Sequence initial_sequence;  // all records below are of earlier runs of the engine
  std::size_t queue_bytes;    // a reader with more than this unsent waits
  telemetry::Gauge& subscribers;
  telemetry::Counter& sent_records;
  telemetry::Counter& dropped_records;

  // The sequence after which a stream that begins now goes on.
  Sequence now() const;
};

struct SessionStart {
  LiveQuery query;
  Sequence after = 0;
  bool resumed = false;    // `after` was asked for: what is in the store comes first
  std::uint64_t tail = 0;  // this many of the newest records up to `after` come first
};

// Work is done on the executor, one step at a time: reading the store or the ring, or a client's message. When it has caught up, the
// broadcaster delivers. shared: the connection's handler, the broadcaster while live, and the task that runs or waits.
class LiveSession final : public Subscriber, public std::enable_shared_from_this<LiveSession> {
 public:
  LiveSession(const LiveContext& context, SessionStart start);

  // From the net thread.
  void open(const std::shared_ptr<net::WsConnection>& connection) TT_EXCLUDES(mutex_);
  void receive(std::string_view message) TT_EXCLUDES(mutex_);
  void drained() TT_EXCLUDES(mutex_);
  void close() TT_EXCLUDES(mutex_);

  bool deliver(const Delivery& delivery) override TT_EXCLUDES(mutex_);

 private:
  enum class Mode : std::uint8_t {
    off,       // unsubscribed
    catching,  // steps read on
    paused,    // the reader's queue is full: drained() goes on
    live,      // a member of the broadcaster
  };
  // What a step works with: a copy that the session's other threads do not touch.
  struct Step {
    std::shared_ptr<net::WsConnection> connection;
    LiveQuery query;
    Sequence after = 0;
    std::uint64_t tail = 0;
    bool from_store = false;
    bool slow = false;
  };

  void command(std::function<void()> work) TT_EXCLUDES(mutex_);
  void schedule() TT_EXCLUDES(mutex_);
  void run() TT_EXCLUDES(mutex_);
  void catch_up(const Step& step) TT_EXCLUDES(mutex_);
  void send_tail(const Step& step);
  void read_store(const Step& step, Sequence to);
  bool read_ring(const Step& step);
  void skip_to_newest(const Step& step);
  void go_live(const Step& step) TT_EXCLUDES(mutex_);
  void subscribe(const ClientMessage& message) TT_EXCLUDES(mutex_);
  void unsubscribe() TT_EXCLUDES(mutex_);
  void begin(SessionStart start) TT_EXCLUDES(mutex_);

  bool make_step(Step& step) TT_REQUIRES(mutex_);
  bool over_limit(std::size_t more) const TT_REQUIRES(mutex_);
  void pause() TT_REQUIRES(mutex_);
  void advance(Sequence after) TT_EXCLUDES(mutex_);
  void send(net::WsConnection& connection, const EncodedFrames& encoded);
  void send_gap(net::WsConnection& connection, std::uint64_t dropped, Sequence after, std::string_view reason);
  void send_text(std::string_view text) TT_EXCLUDES(mutex_);
  void fail(net::WsConnection& connection, const base::Error& error);

  const LiveContext& context_;
  std::atomic<bool> interrupt_{false};  // a scan is to end early: the connection is gone or a message waits

  base::Mutex mutex_;
  std::shared_ptr<net::WsConnection> connection_ TT_GUARDED_BY(mutex_);  // shared: its handler and whoever sends on it now
  std::deque<std::function<void()>> commands_ TT_GUARDED_BY(mutex_);
  bool scheduled_ TT_GUARDED_BY(mutex_) = false;
  bool closed_ TT_GUARDED_BY(mutex_) = false;
  Mode mode_ TT_GUARDED_BY(mutex_) = Mode::off;
  LiveQuery query_ TT_GUARDED_BY(mutex_);
  Sequence after_ TT_GUARDED_BY(mutex_) = 0;  // sent, or not matching, up to here
  std::uint64_t tail_ TT_GUARDED_BY(mutex_) = 0;
  bool from_store_ TT_GUARDED_BY(mutex_) = false;
  bool slow_ TT_GUARDED_BY(mutex_) = false;  // was live and could not take what came
};

}  // namespace telltale::api
