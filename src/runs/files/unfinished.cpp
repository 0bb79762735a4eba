#include "runs/files/unfinished.h"

#include "runs/model/run.h"

namespace telltale::runs {

namespace {

constexpr std::string_view position_prefix = "run-files:";

}  // namespace

std::vector<std::string> unfinished_files_of(const std::vector<record::Position>& positions) {
  std::vector<std::string> runs;
  for (const record::Position& position : positions) {
    if (!position.key.starts_with(position_prefix) || position.value.empty()) continue;
    std::string run = position.key.substr(position_prefix.size());
    if (is_run_id(run)) runs.push_back(std::move(run));
  }
  return runs;
}

void UnfinishedFiles::set(const std::string& run, bool unfinished) {
  if (sink_ == nullptr) return;
  {
    base::MutexLock lock(mutex_);
    waiting_[run] = unfinished;
  }
  retry();
}

bool UnfinishedFiles::retry() {
  if (sink_ == nullptr) return true;
  base::MutexLock lock(mutex_);
  while (!waiting_.empty()) {
    const auto& [run, unfinished] = *waiting_.begin();
    record::Batch batch;
    batch.position = record::Position{std::string(position_prefix) + run, unfinished ? "1" : ""};
    if (sink_->try_push(batch) == base::PushOutcome::full) return false;
    waiting_.erase(waiting_.begin());  // also when the store is closed: it takes nothing any more
  }
  return true;
}

}  // namespace telltale::runs
