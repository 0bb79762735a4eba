// Sends what is committed to all live subscribers: each batch is filtered and encoded once per distinct query.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/ws/live_query.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/task_group.h"
#include "live/hub.h"

namespace telltale::api {

// All records with sequences from `first` to `last`, unfiltered and, for the subscriber's query, encoded.
struct Delivery {
  std::span<const CommittedBatchRef> batches;
  Sequence first = 0;
  Sequence last = 0;
  EncodedFrames encoded;
};

class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // On the broadcaster's thread; never blocks and never calls the broadcaster. False: it could not take this (nothing of it was taken)
  // and is no longer a member.
  virtual bool deliver(const Delivery& delivery) = 0;
};

// Owns the thread "live". Flushes at once when it was idle, else at most every `tick` nanoseconds.
class Broadcaster {
 public:
  static constexpr std::int64_t tick = 2 * base::nanos_per_millisecond;
  static constexpr std::size_t max_read_bytes = 1024 * 1024;

  // `hub` and `clock` outlive it.
  Broadcaster(live::Hub& hub, const base::Clock& clock);
  ~Broadcaster();

  // From now on `subscriber` gets what comes after the sequence `after`, until it refuses or leaves. False: the broadcaster is beyond
  // that already and the subscriber is to read on from the hub first. shared: the broadcaster keeps it while it is a member.
  bool join(std::shared_ptr<Subscriber> subscriber, const LiveQuery& query, Sequence after) TT_EXCLUDES(mutex_);
  // After this it is not called. Nothing happens when it is no member.
  void leave(const Subscriber& subscriber) TT_EXCLUDES(mutex_);

 private:
  struct Feed {
    LiveQuery query;
    std::vector<std::shared_ptr<Subscriber>> members;
  };

  void run(std::stop_token stop) TT_EXCLUDES(mutex_, wake_mutex_);
  void wake() TT_EXCLUDES(wake_mutex_);
  bool wait(const std::stop_token& stop) TT_EXCLUDES(wake_mutex_);
  void drain(const std::stop_token& stop) TT_EXCLUDES(mutex_);
  bool drain_once() TT_EXCLUDES(mutex_);
  void deliver(Feed& feed, const live::ReadResult& read, Sequence first) TT_REQUIRES(mutex_);

  live::Hub& hub_;
  const base::Clock& clock_;
  FrameEncoder encoder_;  // the thread's own

  base::Mutex mutex_;
  std::vector<Feed> feeds_ TT_GUARDED_BY(mutex_);
  Sequence position_ TT_GUARDED_BY(mutex_) = 0;  // all members have been offered everything up to here

  base::Mutex wake_mutex_;
  base::Condition woken_;
  bool awake_ TT_GUARDED_BY(wake_mutex_) = false;
  base::MonoNanos last_flush_ = 0;  // the thread's own

  std::unique_ptr<live::Subscription> subscription_;
  base::TaskGroup threads_;
};

}  // namespace telltale::api
