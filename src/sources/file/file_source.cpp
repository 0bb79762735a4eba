#include "sources/file/file_source.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/task_group.h"
#include "sources/file/tailer.h"
#include "sources/file/watch_table.h"

namespace telltale::sources {
namespace {

constexpr std::int64_t rest_ns = base::nanos_per_millisecond;  // between reads while files are written to
constexpr std::int64_t held_look_ns = 200 * base::nanos_per_millisecond;
constexpr std::int64_t rescan_ns =
    5 * base::nanos_per_millisecond;       // until names that changed while they were looked at are looked at again
constexpr std::int64_t sweep_share = 100;  // a sweep that takes long comes less often: at most this part of the time goes into sweeps

}  // namespace

// One barrier: asked for by a caller's thread, served by the reader, awaited by the caller.
struct BarrierRequest {
  bool read = false;                           // all that existed was read
  std::vector<CommitTracker::Target> targets;  // then: what must be committed
  std::optional<std::vector<Tailer::Mark>> marks;
  std::vector<std::string> missing;
};

class FileSource::Impl {
 public:
  Impl(std::vector<config::FileSource> sources, FileSourceOptions options, FileSourcePorts ports, std::vector<record::Position> positions)
      : sources_(std::move(sources)),
        options_(std::move(options)),
        ports_(std::move(ports)),
        positions_(std::move(positions)),
        metrics_(ports_.metrics),
        commits_(metrics_.lag),
        tasks_("file source") {}

  base::Status start() {
    auto patterns = Patterns::parse(sources_);
    if (!patterns) return base::pass(patterns);
    tailer_ = std::make_unique<Tailer>(std::move(*patterns), sources_, options_, ports_, metrics_, commits_, positions_);
    positions_.clear();
    live_ = tailer_.get();
    {
      base::MutexLock lock(mutex_);
      running_ = true;
    }
    watches_.open();
    tasks_.spawn("file-reader", [this](std::stop_token stop) { run(stop); });
    return {};
  }

  void stop() {
    tasks_.request_stop();
    ports_.watcher.wake();
    tasks_.close();
    watches_.close();
    base::MutexLock lock(mutex_);
    running_ = false;
    served_.notify_all();
  }

  SourceHealth health() const {
    base::MutexLock lock(mutex_);
    SourceHealth health = health_;
    health.lag_bytes = commits_.lag_bytes();
    return health;
  }

  void on_commit(const record::CommittedBatchRef& batch) {
    if (!batch->batch.position || !batch->batch.position->key.starts_with(position_key_prefix)) return;
    commits_.committed(*batch->batch.position);
    if (Tailer* tailer = live_.load()) tailer->commit_arrived();
  }

  BarrierReport barrier(std::int64_t timeout_ns);

  base::Result<Watched> watch(config::FileSource source, bool resume, std::int64_t timeout_ns) {
    return watches_.watch(std::move(source), resume, timeout_ns, [this] { ports_.watcher.wake(); });
  }
  void unwatch(WatchId id) {
    watches_.unwatch(id, [this] { ports_.watcher.wake(); });
  }

 private:
  void run(std::stop_token stop);
  void serve_barriers();
  bool note_reached(const std::vector<Tailer::Mark>& marks, const std::vector<BarrierRequest*>& asked);
  void publish_health();
  std::int64_t time_to_wait(base::MonoNanos now) const;
  void sweep();
  bool looks_closely() const { return ports_.look_closely && ports_.look_closely(); }
  void note_quiet(WatchEvents& events);
  void look(bool thorough);

  const std::vector<config::FileSource> sources_;
  const FileSourceOptions options_;
  const FileSourcePorts ports_;
  std::vector<record::Position> positions_;
  FileMetrics metrics_;
  CommitTracker commits_;
  WatchTable watches_;
  std::unique_ptr<Tailer> tailer_;
  std::atomic<Tailer*> live_{nullptr};  // the same, for commits that come while it is made
  mutable base::Mutex mutex_;
  base::Condition served_;
  SourceHealth health_ TT_GUARDED_BY(mutex_){.name = "file", .detail = {}};
  std::vector<BarrierRequest*> barriers_ TT_GUARDED_BY(mutex_);
  bool running_ TT_GUARDED_BY(mutex_) = false;
  base::MonoNanos next_sweep_ = 0;  // the reader's
  base::MonoNanos next_held_look_ = 0;
  base::TaskGroup tasks_;  // last: its threads use all of the above
};

void FileSource::Impl::sweep() {
  const base::MonoNanos began = ports_.clock.mono();
  look(true);
  const base::MonoNanos ended = ports_.clock.mono();
  next_sweep_ = ended + std::max(options_.sweep_interval_ns, (ended - began) * sweep_share);
  next_held_look_ = ended + held_look_ns;
}

void FileSource::Impl::look(bool thorough) {
  tailer_->scan(thorough);
  tailer_->tend();
  watches_.settle(*tailer_);
  publish_health();
}

std::int64_t FileSource::Impl::time_to_wait(base::MonoNanos now) const {
  base::MonoNanos next = next_sweep_;
  if (tailer_->has_held()) next = std::min(next, next_held_look_);
  if (looks_closely()) next = std::min(next, now + options_.close_look_ns);
  if (tailer_->wants_scan()) next = std::min(next, now + rescan_ns);
  return std::max<std::int64_t>(next - now, 0);
}

// When there is no event, no file was written to before the question, as far as its file system tells.
void FileSource::Impl::note_quiet(WatchEvents& events) {
  const base::UnixNanos asked = ports_.clock.wall();
  ports_.watcher.wait(0, events);
  if (events.empty()) tailer_->was_quiet(asked);
}

void FileSource::Impl::run(std::stop_token stop) {
  WatchEvents events;
  bool more = false;
  bool rested = true;
  while (!stop.stop_requested()) {
    base::MonoNanos now = ports_.clock.mono();
    if (now >= next_sweep_) sweep();
    events.clear();
    const bool idle = !more && !tailer_->has_queued();
    ports_.watcher.wait(idle ? time_to_wait(ports_.clock.mono()) : 0, events);
    if (idle && events.empty() && looks_closely()) note_quiet(events);
    tailer_->events_were_read();
    for (const auto& path : events.modified) tailer_->touched(path);
    const bool other_sources = watches_.serve(*tailer_);
    if (other_sources || events.names_changed || tailer_->wants_scan()) look(other_sources);
    now = ports_.clock.mono();
    if (tailer_->has_held() && now >= next_held_look_) {
      tailer_->tend();
      next_held_look_ = now + held_look_ns;
    }
    serve_barriers();
    more = tailer_->work();
    serve_barriers();
    // Who writes line by line would wake this thread for each: the next lines are read together. After a pause the first is read at once.
    rested = more || events.modified.empty();
    if (!rested) ports_.watcher.rest(rest_ns);
  }
}

void FileSource::Impl::publish_health() {
  SourceHealth health;
  health.name = "file";
  health.streams = tailer_->streams();
  const auto& problems = tailer_->problems();
  health.healthy = problems.empty();
  if (!problems.empty()) {
    const auto& [path, error] = *problems.begin();
    health.detail = fmt::format("{}: {}", path, error.message());
    if (problems.size() > 1) health.detail += fmt::format(" (and {} more)", problems.size() - 1);
  }
  // No reason to call it unwell: nothing is lost, it is seen later.
  std::string slow = ports_.watcher.limitation();
  const auto& unwatched = tailer_->unwatched();
  if (slow.empty() && !unwatched.empty()) slow = fmt::format("{} ({} in all)", unwatched.begin()->second.message(), unwatched.size());
  if (!slow.empty()) {
    health.detail += fmt::format("{}no events for files: {}; they are looked at every {} s", health.detail.empty() ? "" : "; ", slow,
                                 options_.sweep_interval_ns / base::nanos_per_second);
  }
  base::MutexLock lock(mutex_);
  health_ = std::move(health);
}

// New requests: everything is looked at once, what has more bytes than were read is what they wait for.
void FileSource::Impl::serve_barriers() {
  bool fresh = false;
  {
    base::MutexLock lock(mutex_);
    if (barriers_.empty()) return;
    fresh = std::ranges::any_of(barriers_, [](const BarrierRequest* request) { return !request->marks; });
  }
  std::vector<Tailer::Mark> marks;
  std::vector<BarrierRequest*> asked;
  if (fresh) {
    {
      base::MutexLock lock(mutex_);
      for (auto* request : barriers_)
        if (!request->marks) asked.push_back(request);
    }
    watches_.serve(*tailer_);
    look(true);  // also beside files that were rotated away: others may have come and gone there unseen
    marks = tailer_->marks();
  }
  // Lines that wait for what may follow them are not committed before they are told to go on.
  if (note_reached(marks, asked)) ports_.blocks.flush();
}

// True when all that some request waits for has been read.
bool FileSource::Impl::note_reached(const std::vector<Tailer::Mark>& marks, const std::vector<BarrierRequest*>& asked) {
  bool read = false;
  base::MutexLock lock(mutex_);
  for (auto* request : barriers_) {
    if (!request->marks && std::ranges::find(asked, request) != asked.end()) {
      request->marks.emplace();
      for (const auto& mark : marks) {
        if (mark.readable)
          request->marks->push_back(mark);
        else
          request->missing.push_back(fmt::format("{}: cannot be read", mark.path));
      }
    }
    if (!request->marks) continue;
    std::erase_if(*request->marks, [&](const Tailer::Mark& mark) { return tailer_->is_reached(mark); });
    if (!request->marks->empty() || request->read) continue;
    request->targets = commits_.unsettled();
    request->read = true;
    read = true;
    served_.notify_all();
  }
  return read;
}

BarrierReport FileSource::Impl::barrier(std::int64_t timeout_ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  BarrierReport report;
  BarrierRequest request;
  {
    base::MutexLock lock(mutex_);
    if (!running_) return {false, {"the file source is not running"}};
    barriers_.push_back(&request);
    ports_.watcher.wake();
    while (!request.read && running_) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds::zero()) break;
      served_.wait_for(mutex_, left);
    }
    std::erase(barriers_, &request);
    report.missing = std::move(request.missing);
    if (!request.read) {
      if (!request.marks)
        report.missing.emplace_back("files: not looked at in time");
      else
        for (const auto& mark : *request.marks) report.missing.push_back(fmt::format("{}: not read up to byte {}", mark.path, mark.size));
    }
  }
  const auto left = std::max<std::int64_t>((deadline - std::chrono::steady_clock::now()).count(), 0);
  if (request.read) commits_.wait(request.targets, left, report.missing);
  report.complete = report.missing.empty();
  return report;
}

FileSource::FileSource(std::vector<config::FileSource> sources, FileSourceOptions options, FileSourcePorts ports,
                       std::vector<record::Position> positions)
    : impl_(std::make_unique<Impl>(std::move(sources), std::move(options), std::move(ports), std::move(positions))) {}

FileSource::~FileSource() {
  impl_->stop();
}

base::Status FileSource::start() {
  return impl_->start();
}
void FileSource::stop() {
  impl_->stop();
}
SourceHealth FileSource::health() const {
  return impl_->health();
}
BarrierReport FileSource::barrier(std::int64_t timeout_ns) {
  return impl_->barrier(timeout_ns);
}
base::Result<Watched> FileSource::watch(config::FileSource source, bool resume, std::int64_t timeout_ns) {
  return impl_->watch(std::move(source), resume, timeout_ns);
}
void FileSource::unwatch(WatchId id) {
  impl_->unwatch(id);
}
void FileSource::on_commit(const record::CommittedBatchRef& batch) {
  impl_->on_commit(batch);
}

}  // namespace telltale::sources
