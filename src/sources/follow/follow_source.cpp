#include "sources/follow/follow_source.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/mutex.h"
#include "base/task_group.h"
#include "base/text.h"
#include "record/internal.h"
#include "sources/follow/stored_streams.h"
#include "telemetry/log.h"

namespace telltale::sources {

namespace {

constexpr std::int64_t longest_wait_ns = 10 * base::nanos_per_second;

// What callers want, until the thread takes it.
struct Follow {
  FollowTarget target;
};
struct Leave {
  std::string key;
  bool forget = false;
};
struct AskNow {
  std::string key;
};
struct Heard {
  std::string key;
  FollowStream::Told told;
};
using Message = std::variant<Follow, Leave, AskNow, Heard>;

// One barrier: asked for by a caller's thread, served by the source's, awaited by the caller.
struct BarrierWait {
  std::uint64_t id = 0;  // the source's thread's; the rest is guarded by the mutex
  bool over = false;
  std::vector<std::string> missing;
};

record::StreamRef note_stream() {
  return record::make_stream(record::Labels({{"service", "telltale"}, {"source", std::string(record::note_source)}}));
}

}  // namespace

class FollowSource::Impl {
 public:
  Impl(FollowOptions options, FollowSourcePorts ports, const std::vector<record::Position>& positions)
      : options_(std::move(options)),
        metrics_(ports.metrics, options_.kind),
        ports_{ports.clock, ports.blocks, ports.batches, ports.random, ports.hasher, metrics_},
        inbox_(std::make_shared<Inbox>()),
        stored_(read_stored_streams(options_.kind, positions)),
        tasks_(options_.kind + " source") {
    drop_unclaimed();
    health_.name = options_.kind;
  }

  void start() {
    inbox_->open();
    tasks_.spawn(options_.kind + "-source", [this](const std::stop_token&) { run(); });
  }
  void stop() TT_EXCLUDES(mutex_) {
    inbox_->close();
    {
      base::MutexLock lock(mutex_);  // who waits has not seen it yet, or waits by now
    }
    served_.notify_all();
    tasks_.close();
  }
  void say(Message message) { inbox_->say(std::move(message)); }
  void on_position(const record::Position& position) {
    if (!position.key.starts_with(follow_key_prefix)) return;
    if (std::string_view(position.key).substr(follow_key_prefix.size()).starts_with(options_.kind + ":")) inbox_->commit(position);
  }
  SourceHealth health() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return health_;
  }
  BarrierReport barrier(std::int64_t timeout_ns) TT_EXCLUDES(mutex_);

 private:
  // What comes from other threads. Connections and sinks own it too, and may outlive the source.
  class Inbox {
   public:
    struct News {
      std::vector<Message> messages;
      std::map<std::string, record::Position> commits;  // the newest of each key
    };
    void open() TT_EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      running_ = woken_ = true;  // there may be something to forget
    }
    void close() TT_EXCLUDES(mutex_) {
      {
        base::MutexLock lock(mutex_);
        running_ = false;
        news_ = {};
      }
      changed_.notify_all();
    }
    bool running() const TT_EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      return running_;
    }
    void say(Message message) TT_EXCLUDES(mutex_) {
      {
        base::MutexLock lock(mutex_);
        if (closed_for(message)) return;
        news_.messages.push_back(std::move(message));
      }
      changed_.notify_one();
    }
    void commit(const record::Position& position) TT_EXCLUDES(mutex_) {
      {
        base::MutexLock lock(mutex_);
        if (running_) news_.commits[position.key] = position;
      }
      changed_.notify_one();
    }
    void wake() TT_EXCLUDES(mutex_) {
      {
        base::MutexLock lock(mutex_);
        woken_ = true;
      }
      changed_.notify_one();
    }
    // False: the source is to end.
    bool wait(std::chrono::nanoseconds time, News& news) TT_EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      if (running_ && !woken_ && news_.messages.empty() && news_.commits.empty()) changed_.wait_for(mutex_, time);
      woken_ = false;
      news = std::exchange(news_, {});
      return running_;
    }

   private:
    // Targets may be named before the start; connections are not told of anything after the end.
    bool closed_for(const Message& message) const TT_REQUIRES(mutex_) { return !running_ && std::holds_alternative<Heard>(message); }

    mutable base::Mutex mutex_;
    base::Condition changed_;
    News news_ TT_GUARDED_BY(mutex_);  // bounded: connections are paused when much of theirs waits
    bool running_ TT_GUARDED_BY(mutex_) = false;
    bool woken_ TT_GUARDED_BY(mutex_) = false;
  };
  class Handler final : public FollowHandler {
   public:
    Handler(std::shared_ptr<Inbox> inbox, std::string key, std::uint64_t connection, std::shared_ptr<FollowIntake> intake)
        : inbox_(std::move(inbox)), key_(std::move(key)), connection_(connection), intake_(std::move(intake)) {}
    void answered(FollowAnswer answer) override { inbox_->say(Heard{key_, {connection_, std::move(answer)}}); }
    bool bytes(std::string_view bytes) override {
      const bool more = intake_->add(bytes.size());
      inbox_->say(Heard{key_, {connection_, std::string(bytes)}});
      return more;
    }
    void closed(FollowEnd end) override { inbox_->say(Heard{key_, {connection_, std::move(end)}}); }

   private:
    const std::shared_ptr<Inbox> inbox_;  // second owners: the source, sinks
    const std::string key_;
    const std::uint64_t connection_;
    const std::shared_ptr<FollowIntake> intake_;  // second owner: the stream
  };

  void run() TT_EXCLUDES(mutex_);
  void take(Follow& follow);
  void take(Leave& leave);
  void take(AskNow& ask);
  void take(Heard& heard);
  void advance();
  void forget_dropped();
  void drop_unclaimed();
  void drop(StoredStreams::iterator stream);
  void serve_barriers() TT_EXCLUDES(mutex_);
  void end_barriers() TT_EXCLUDES(mutex_);
  void tell_health() TT_EXCLUDES(mutex_);
  std::chrono::nanoseconds time_to_wait() const;

  const FollowOptions options_;
  FollowMetrics metrics_;
  const FollowStreamPorts ports_;
  const std::shared_ptr<Inbox> inbox_;  // second owners: connections, sinks

  // The thread's.
  StoredStreams stored_;              // of streams that nobody follows yet
  std::vector<std::string> dropped_;  // keys of positions that are to be removed
  std::map<std::string, std::unique_ptr<FollowStream>, std::less<>> streams_;
  std::uint64_t last_barrier_ = 0;
  bool barriers_wait_ = false;

  mutable base::Mutex mutex_;
  base::Condition served_;
  std::vector<std::shared_ptr<BarrierWait>> barriers_ TT_GUARDED_BY(mutex_);  // shared: their callers
  std::vector<std::shared_ptr<BarrierWait>> abandoned_ TT_GUARDED_BY(mutex_);
  SourceHealth health_ TT_GUARDED_BY(mutex_);
  base::TaskGroup tasks_;  // last: its thread uses all of the above
};

// Cursors of what is gone would stay for ever: the oldest go, by their number and by their age.
void FollowSource::Impl::drop_unclaimed() {
  std::vector<std::pair<base::UnixNanos, std::string>> by_age;
  for (const auto& [key, stored] : stored_) by_age.emplace_back(stored.cursor.seen, key);
  std::ranges::sort(by_age);
  const base::UnixNanos oldest = ports_.clock.wall() - options_.keep_unclaimed_ns;
  for (std::size_t i = 0; i < by_age.size(); ++i) {
    if (by_age[i].first >= oldest && by_age.size() - i <= options_.most_unclaimed) break;
    drop(stored_.find(by_age[i].second));
  }
}

void FollowSource::Impl::drop(StoredStreams::iterator stream) {
  dropped_.push_back(follow_key(stream->first));
  for (const auto& chunk : stream->second.chunks) dropped_.push_back(follow_chunk_key(stream->first, chunk.number));
  stored_.erase(stream);
}

void FollowSource::Impl::forget_dropped() {
  while (!dropped_.empty()) {
    record::Batch batch;
    batch.stream = note_stream();
    batch.position = record::Position{dropped_.back(), {}};
    if (ports_.batches.try_push(batch) != record::PushOutcome::accepted) return;
    dropped_.pop_back();
  }
}

void FollowSource::Impl::take(Follow& follow) {
  const std::string key = follow.target.key;
  if (streams_.contains(key)) return;
  const auto found = stored_.find(key);
  const FollowDelivery::Stored stored = found == stored_.end() ? FollowDelivery::Stored{} : std::move(found->second);
  if (found != stored_.end()) stored_.erase(found);
  auto make_handler = [inbox = inbox_, key](std::uint64_t connection, std::shared_ptr<FollowIntake> intake) {
    return std::make_shared<Handler>(inbox, key, connection, std::move(intake));
  };
  streams_[key] = std::make_unique<FollowStream>(options_, ports_, std::move(follow.target), stored, std::move(make_handler));
}

void FollowSource::Impl::take(Leave& leave) {
  const auto it = streams_.find(leave.key);
  if (it != streams_.end()) return it->second->leave(leave.forget);
  const auto stored = stored_.find(leave.key);
  if (leave.forget && stored != stored_.end()) drop(stored);
}

void FollowSource::Impl::take(AskNow& ask) {
  const auto it = streams_.find(ask.key);
  if (it != streams_.end()) it->second->ask_now();
}

void FollowSource::Impl::take(Heard& heard) {
  const auto it = streams_.find(heard.key);
  if (it != streams_.end()) it->second->received(std::move(heard.told));
}

void FollowSource::Impl::advance() {
  std::uint64_t lag = 0;
  std::int64_t away = 0;
  for (auto it = streams_.begin(); it != streams_.end();) {
    FollowStream& stream = *it->second;
    stream.advance([inbox = inbox_] { inbox->wake(); });
    if (stream.is_gone() && !stream.is_leaving() && stream.is_settled()) {
      stream.leave(true);
      stream.advance([inbox = inbox_] { inbox->wake(); });
    }
    lag += stream.lag_bytes();
    away += stream.is_connected() ? 0 : 1;
    it = stream.has_left() ? streams_.erase(it) : std::next(it);
  }
  metrics_.lag.set(static_cast<std::int64_t>(lag));
  metrics_.streams.set(static_cast<std::int64_t>(streams_.size()));
  metrics_.away.set(away);
}

std::chrono::nanoseconds FollowSource::Impl::time_to_wait() const {
  std::int64_t wait = barriers_wait_ ? 50 * base::nanos_per_millisecond : longest_wait_ns;
  const base::MonoNanos now = ports_.clock.mono();
  for (const auto& [key, stream] : streams_)
    if (const auto deadline = stream->next_deadline()) wait = std::min(wait, std::max(*deadline - now, base::nanos_per_millisecond));
  return std::chrono::nanoseconds(wait);
}

void FollowSource::Impl::run() {
  Inbox::News news;
  while (inbox_->wait(time_to_wait(), news)) {
    for (const auto& [key, position] : news.commits) {
      const auto it = streams_.find(std::string_view(key).substr(follow_key_prefix.size()));
      if (it != streams_.end()) it->second->committed(position);
    }
    for (Message& message : news.messages) std::visit([this](auto& what) { take(what); }, message);
    forget_dropped();
    advance();
    serve_barriers();
    tell_health();
  }
  streams_.clear();  // ends the connections
}

void FollowSource::Impl::tell_health() {
  SourceHealth health;
  health.name = options_.kind;
  health.streams = streams_.size();
  std::size_t away = 0;
  for (const auto& [key, stream] : streams_) {
    health.lag_bytes += stream->lag_bytes();
    if (stream->problem().empty()) continue;
    if (++away == 1) health.detail = fmt::format("{}: {}", base::to_printable(key), stream->problem());
  }
  health.healthy = away == 0;
  if (away > 1) health.detail += fmt::format(" (and {} more)", away - 1);
  base::MutexLock lock(mutex_);
  health_ = std::move(health);
}

void FollowSource::Impl::serve_barriers() {
  std::vector<std::shared_ptr<BarrierWait>> waits;
  {
    base::MutexLock lock(mutex_);
    waits = barriers_;
  }
  barriers_wait_ = !waits.empty();
  for (const auto& wait : waits) {
    if (wait->id == 0) {
      wait->id = ++last_barrier_;
      for (auto& [key, stream] : streams_) stream->begin_barrier(wait->id);
    }
    std::vector<std::string> missing;
    bool waiting = false;
    for (auto& [key, stream] : streams_) {
      const auto state = stream->barrier(wait->id);
      waiting = waiting || state == FollowStream::BarrierState::waiting;
      if (state != FollowStream::BarrierState::reached) missing.push_back(stream->barrier_problem(wait->id));
    }
    base::MutexLock lock(mutex_);
    wait->missing = std::move(missing);
    wait->over = !waiting;
  }
  end_barriers();
  served_.notify_all();
}

// Those that are over, and those whose callers wait no more.
void FollowSource::Impl::end_barriers() {
  std::vector<std::shared_ptr<BarrierWait>> ended;
  {
    base::MutexLock lock(mutex_);
    ended = std::exchange(abandoned_, {});
    for (const auto& wait : barriers_)
      if (wait->over) ended.push_back(wait);
    std::erase_if(barriers_, [](const auto& wait) { return wait->over; });
  }
  for (const auto& wait : ended)
    for (auto& [key, stream] : streams_) stream->end_barrier(wait->id);
}

BarrierReport FollowSource::Impl::barrier(std::int64_t timeout_ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  const auto wait = std::make_shared<BarrierWait>();  // shared: the source's thread
  wait->missing = {fmt::format("{}: not looked at in time", options_.kind)};
  if (!inbox_->running()) return {false, {fmt::format("the {} source is not running", options_.kind)}};
  base::MutexLock lock(mutex_);
  barriers_.push_back(wait);
  inbox_->wake();
  while (!wait->over && inbox_->running()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    served_.wait_for(mutex_, left);
  }
  // When it is not over the thread ends its requests.
  if (std::erase(barriers_, wait) > 0) abandoned_.push_back(wait);
  inbox_->wake();
  return {wait->missing.empty(), wait->missing};
}

FollowSource::FollowSource(FollowOptions options, FollowSourcePorts ports, const std::vector<record::Position>& positions)
    : impl_(std::make_unique<Impl>(std::move(options), ports, positions)) {}

FollowSource::~FollowSource() {
  impl_->stop();
}

base::Status FollowSource::start() {
  impl_->start();
  return {};
}
void FollowSource::stop() {
  impl_->stop();
}
SourceHealth FollowSource::health() const {
  return impl_->health();
}
BarrierReport FollowSource::barrier(std::int64_t timeout_ns) {
  return impl_->barrier(timeout_ns);
}
void FollowSource::on_commit(const record::CommittedBatchRef& batch) {
  if (batch->batch.position) impl_->on_position(*batch->batch.position);
}
void FollowSource::on_position(const record::Position& position) {
  impl_->on_position(position);
}
void FollowSource::follow(FollowTarget target) {
  impl_->say(Follow{std::move(target)});
}
void FollowSource::leave(std::string_view key, bool forget) {
  impl_->say(Leave{std::string(key), forget});
}
void FollowSource::ask_now(std::string_view key) {
  impl_->say(AskNow{std::string(key)});
}

}  // namespace telltale::sources
