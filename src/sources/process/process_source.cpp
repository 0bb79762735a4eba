#include "sources/process/process_source.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <utility>

#include "base/mutex.h"
#include "base/task_group.h"
#include "sources/process/relay_table.h"

namespace telltale::sources {

namespace {

constexpr std::int64_t longest_wait_ns = 10 * base::nanos_per_second;

// What connections say, until the thread takes it.
struct Message {
  enum class Kind : std::uint8_t { connect, text, binary, disconnect } kind;
  RelayConnection connection = 0;
  std::string content;
  std::shared_ptr<RelayPeer> peer;  // connect; the connection's handler owns it too
  base::UnixNanos arrived = 0;      // binary
};

// What the store has of a stream by now.
struct Commit {
  StreamPlace at;
  bool is_end = false;
};

// One barrier: asked for by a caller's thread, served by the source's, awaited by the caller.
struct BarrierWait {
  RelayTable::Barrier barrier;  // the source's thread's; the rest is guarded by the mutex
  bool begun = false;
  bool over = false;
  std::vector<std::string> missing;
};

}  // namespace

class ProcessSource::Impl {
 public:
  Impl(ProcessSourceOptions options, ProcessSourcePorts ports, const std::vector<record::Position>& positions,
       const std::vector<record::StreamRef>& streams)
      : ports_(std::move(ports)),
        signal_(std::make_shared<Signal>(*this)),
        metrics_(ports_.metrics),
        table_(options, ports_, metrics_),
        tasks_("process source") {
    restore(positions, streams);
  }
  ~Impl() { signal_->disconnect(); }

  void start() {
    {
      base::MutexLock lock(mutex_);
      running_ = true;
    }
    tasks_.spawn("process-source", [this](const std::stop_token&) { run(); });
  }

  void stop() TT_EXCLUDES(mutex_) {
    {
      base::MutexLock lock(mutex_);
      running_ = false;
    }
    changed_.notify_all();
    served_.notify_all();
    tasks_.close();
  }

  SourceHealth health() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return health_;
  }

  // The value is empty at the end of a stream.
  void on_position(const record::Position& position) TT_EXCLUDES(mutex_) {
    if (!position.key.starts_with(process_key_prefix)) return;
    const auto decoded = decode_process_position(position.value);
    if (!decoded && !position.value.empty()) return;
    {
      base::MutexLock lock(mutex_);
      Commit& commit = commits_[position.key.substr(process_key_prefix.size())];
      if (decoded) commit.at = decoded->at;
      commit.is_end = !decoded;
    }
    changed_.notify_one();
  }

  RelayConnection connect(std::shared_ptr<RelayPeer> peer) TT_EXCLUDES(mutex_) {
    RelayConnection id = 0;
    {
      base::MutexLock lock(mutex_);
      id = ++last_connection_;
    }
    say({.kind = Message::Kind::connect, .connection = id, .content = {}, .peer = std::move(peer)});
    return id;
  }
  void say(Message message) TT_EXCLUDES(mutex_) {
    {
      base::MutexLock lock(mutex_);
      if (!running_) return;
      messages_.push_back(std::move(message));
    }
    changed_.notify_one();
  }

  void say_lines(RelayConnection connection, std::string_view message) {
    say({.kind = Message::Kind::binary,
         .connection = connection,
         .content = std::string(message),
         .peer = {},
         .arrived = ports_.clock.wall()});
  }

  BarrierReport barrier(std::int64_t timeout_ns) TT_EXCLUDES(mutex_);

 private:
  // Called back by sinks on any thread, perhaps after the source is gone.
  class Signal {
   public:
    explicit Signal(Impl& impl) : impl_(&impl) {}
    void raise() TT_EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      if (impl_ != nullptr) impl_->wake();
    }
    void disconnect() TT_EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      impl_ = nullptr;
    }

   private:
    base::Mutex mutex_;
    Impl* impl_ TT_GUARDED_BY(mutex_);
  };

  void restore(const std::vector<record::Position>& positions, const std::vector<record::StreamRef>& streams);
  void run() TT_EXCLUDES(mutex_);
  bool wait() TT_EXCLUDES(mutex_);
  void take(Message& message);
  void serve_barriers() TT_EXCLUDES(mutex_);
  void wake() TT_EXCLUDES(mutex_) {
    {
      base::MutexLock lock(mutex_);
      woken_ = true;
    }
    changed_.notify_one();
  }
  std::chrono::nanoseconds time_to_wait() const;

  const ProcessSourcePorts ports_;
  const std::shared_ptr<Signal> signal_;  // second owners: callbacks that sinks hold
  ProcessMetrics metrics_;
  RelayTable table_;                             // the thread's
  std::map<std::string, Commit> taken_commits_;  // the thread's
  std::vector<Message> taken_messages_;          // the thread's
  bool barriers_wait_ = false;                   // the thread's
  std::uint64_t last_barrier_ = 0;               // the thread's

  mutable base::Mutex mutex_;
  base::Condition changed_;
  base::Condition served_;
  bool running_ TT_GUARDED_BY(mutex_) = false;
  bool woken_ TT_GUARDED_BY(mutex_) = false;
  RelayConnection last_connection_ TT_GUARDED_BY(mutex_) = 0;
  std::vector<Message> messages_ TT_GUARDED_BY(mutex_);  // bounded by the relays' windows
  std::map<std::string, Commit> commits_ TT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<BarrierWait>> barriers_ TT_GUARDED_BY(mutex_);  // shared: their callers
  SourceHealth health_ TT_GUARDED_BY(mutex_){.name = "process", .detail = {}};
  base::TaskGroup tasks_;  // last: its thread uses all of the above
};

void ProcessSource::Impl::restore(const std::vector<record::Position>& positions, const std::vector<record::StreamRef>& streams) {
  for (const auto& position : positions) {
    if (!position.key.starts_with(process_key_prefix)) continue;
    const auto decoded = decode_process_position(position.value);
    if (!decoded) continue;
    const auto stream = std::ranges::find_if(streams, [&](const auto& known) { return known->id == decoded->stream; });
    // A stream whose records are all gone is still one that did not end.
    auto ref = stream != streams.end() ? *stream : record::make_stream(record::Labels({{"source", "process"}}));
    table_.restore(position.key.substr(process_key_prefix.size()), std::move(ref), decoded->at);
  }
}

std::chrono::nanoseconds ProcessSource::Impl::time_to_wait() const {
  const auto deadline = table_.next_deadline();
  // While barriers wait it is not known when their patience ends.
  std::int64_t wait = barriers_wait_ ? 50 * base::nanos_per_millisecond : longest_wait_ns;
  if (deadline) wait = std::min(wait, std::max<std::int64_t>(*deadline - ports_.clock.mono(), base::nanos_per_millisecond));
  return std::chrono::nanoseconds(wait);
}

// Takes what has come; false when it is to end.
bool ProcessSource::Impl::wait() {
  const auto time = time_to_wait();
  base::MutexLock lock(mutex_);
  const bool new_barrier = std::ranges::any_of(barriers_, [](const auto& wait) { return !wait->begun; });
  if (running_ && !woken_ && !new_barrier && messages_.empty() && commits_.empty()) changed_.wait_for(mutex_, time);
  woken_ = false;
  taken_messages_ = std::exchange(messages_, {});
  taken_commits_ = std::exchange(commits_, {});
  return running_;
}

void ProcessSource::Impl::take(Message& message) {
  switch (message.kind) {
    case Message::Kind::connect:
      return table_.connect(message.connection, std::move(message.peer));
    case Message::Kind::text:
      return table_.text(message.connection, message.content);
    case Message::Kind::binary:
      return table_.binary(message.connection, message.content, message.arrived);
    case Message::Kind::disconnect:
      return table_.disconnect(message.connection);
  }
}

void ProcessSource::Impl::run() {
  while (wait()) {
    for (const auto& [key, commit] : taken_commits_) {
      table_.committed(key, commit.at);
      if (commit.is_end) table_.committed_end(key);
    }
    for (auto& message : taken_messages_) take(message);
    table_.advance([signal = signal_] { signal->raise(); });
    serve_barriers();
    SourceHealth health = table_.health();
    base::MutexLock lock(mutex_);
    health_ = std::move(health);
  }
}

// Without the mutex while relays are asked: an answer may come at once.
void ProcessSource::Impl::serve_barriers() {
  std::vector<std::shared_ptr<BarrierWait>> waits;
  {
    base::MutexLock lock(mutex_);
    waits = barriers_;
  }
  barriers_wait_ = false;
  const auto answers = table_.take_answers();
  // Nobody waits at a barrier for what may follow the last lines.
  if (!answers.empty()) ports_.blocks.flush();
  for (const auto& wait : waits) {
    if (wait->barrier.id == 0) wait->barrier = table_.begin_barrier(++last_barrier_);
    for (const auto& [relay, id] : answers)
      if (id == wait->barrier.id) table_.answered(wait->barrier, relay);
    const bool over = !table_.is_worth_waiting(wait->barrier);
    barriers_wait_ = barriers_wait_ || !over;
    auto missing = table_.missing(wait->barrier);
    base::MutexLock lock(mutex_);
    wait->missing = std::move(missing);
    wait->begun = true;
    if (over) std::erase(barriers_, wait);
    wait->over = over;
  }
  served_.notify_all();
}

BarrierReport ProcessSource::Impl::barrier(std::int64_t timeout_ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  const auto wait = std::make_shared<BarrierWait>();  // shared: the source's thread
  base::MutexLock lock(mutex_);
  if (!running_) return {false, {"the process source is not running"}};
  barriers_.push_back(wait);
  changed_.notify_one();
  while (!wait->over && running_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    served_.wait_for(mutex_, left);
  }
  std::erase(barriers_, wait);
  if (!wait->begun) wait->missing = {"processes: not looked at in time"};
  return {wait->missing.empty(), std::move(wait->missing)};
}

ProcessSource::ProcessSource(ProcessSourceOptions options, ProcessSourcePorts ports, const std::vector<record::Position>& positions,
                             const std::vector<record::StreamRef>& streams)
    : impl_(std::make_unique<Impl>(options, std::move(ports), positions, streams)) {}

ProcessSource::~ProcessSource() {
  impl_->stop();
}

base::Status ProcessSource::start() {
  impl_->start();
  return {};
}
void ProcessSource::stop() {
  impl_->stop();
}
SourceHealth ProcessSource::health() const {
  return impl_->health();
}
BarrierReport ProcessSource::barrier(std::int64_t timeout_ns) {
  return impl_->barrier(timeout_ns);
}
void ProcessSource::on_commit(const record::CommittedBatchRef& batch) {
  if (batch->batch.position) impl_->on_position(*batch->batch.position);
}
void ProcessSource::on_position(const record::Position& position) {
  impl_->on_position(position);
}
RelayConnection ProcessSource::connect(std::shared_ptr<RelayPeer> peer) {
  return impl_->connect(std::move(peer));
}
void ProcessSource::text(RelayConnection connection, std::string_view message) {
  impl_->say({.kind = Message::Kind::text, .connection = connection, .content = std::string(message), .peer = {}});
}
void ProcessSource::binary(RelayConnection connection, std::string_view message) {
  impl_->say_lines(connection, message);
}
void ProcessSource::disconnect(RelayConnection connection) {
  impl_->say({.kind = Message::Kind::disconnect, .connection = connection, .content = {}, .peer = {}});
}

}  // namespace telltale::sources
