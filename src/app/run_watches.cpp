#include "app/run_watches.h"

#include "telemetry/log.h"

namespace telltale::app {
namespace {

// A test runner waits for the answer, so a slow file system must not hold it up for long; the watch becomes effective anyway.
constexpr std::int64_t effective_timeout_ns = base::nanos_per_second;

config::FileSource source_of(const runs::Service& service) {
  config::FileSource source;
  source.name = service.name;
  source.paths = service.files;
  source.service = service.name;
  source.start = "end";  // what was there before the run is none of its business
  return source;
}

}  // namespace

void RunWatches::on_run_started(const runs::Run& run, bool resumed) {
  on_run_finished(run);  // an ended run that goes on begins anew
  watch(run, run.services, resumed);
}

void RunWatches::on_run_finished(const runs::Run& run) {
  std::vector<sources::WatchId> ended;
  {
    base::MutexLock lock(mutex_);
    const auto found = watches_.find(run.id);
    if (found == watches_.end()) return;
    ended = std::move(found->second);
    watches_.erase(found);
  }
  for (const sources::WatchId id : ended) source_.unwatch(id);
}

void RunWatches::on_watch(const runs::Run& run, const std::vector<runs::Service>& services, const std::string&) {
  watch(run, services, false);
}

// Clients of other machines name no files of this one: who may send events could have any file read that the engine can read.
void RunWatches::watch(const runs::Run& run, const std::vector<runs::Service>& services, bool resume) {
  if (run.remote) return;
  for (const runs::Service& service : services) {
    if (service.files.empty()) continue;
    const auto watched = source_.watch(source_of(service), resume, effective_timeout_ns);
    if (!watched) {
      telemetry::log(telemetry::LogLevel::warning, "runs", "run {}: the files of service '{}' are not followed: {}", run.id, service.name,
                     watched.error().message());
      continue;
    }
    if (!watched->effective) {
      telemetry::log(telemetry::LogLevel::warning, "runs", "run {}: the files of service '{}' were not all seen within {} ms", run.id,
                     service.name, effective_timeout_ns / base::nanos_per_millisecond);
    }
    base::MutexLock lock(mutex_);
    watches_[run.id].push_back(watched->id);
  }
}

}  // namespace telltale::app
