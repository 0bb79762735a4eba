#include "sources/file/commit_tracker.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "sources/file/position.h"

namespace telltale::sources {

template <class Change>
void CommitTracker::change(const std::string& key, Change change) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  total_lag_ -= it->second.lag();
  change(it->second);
  total_lag_ += it->second.lag();
  lag_.set(static_cast<std::int64_t>(total_lag_));
}

void CommitTracker::add(const std::string& key, const std::string& path, std::uint64_t version, std::uint64_t committed) {
  base::MutexLock lock(mutex_);
  entries_[key] = Entry{.path = path, .pushed = version, .committed = version, .size = committed, .offset = committed};
}

void CommitTracker::set_size(const std::string& key, std::uint64_t size) {
  base::MutexLock lock(mutex_);
  change(key, [&](Entry& entry) { entry.size = size; });
}

void CommitTracker::pushed(const std::string& key, std::uint64_t version) {
  base::MutexLock lock(mutex_);
  change(key, [&](Entry& entry) { entry.pushed = std::max(entry.pushed, version); });
}

void CommitTracker::end(const std::string& key) {
  base::MutexLock lock(mutex_);
  change(key, [](Entry& entry) { entry.ended = true; });
  erase_if_done(key);
}

void CommitTracker::erase_if_done(const std::string& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end() || !it->second.ended || it->second.committed < it->second.pushed) return;
  change(key, [](Entry& entry) { entry.size = entry.offset; });
  entries_.erase(it);
}

bool CommitTracker::is_settled(const std::string& key) const {
  base::MutexLock lock(mutex_);
  const auto it = entries_.find(key);
  return it == entries_.end() || it->second.committed >= it->second.pushed;
}

std::vector<CommitTracker::Target> CommitTracker::unsettled() const {
  base::MutexLock lock(mutex_);
  std::vector<Target> targets;
  for (const auto& [key, entry] : entries_)
    if (entry.committed < entry.pushed) targets.push_back({key, entry.pushed});
  return targets;
}

void CommitTracker::committed(const record::Position& position) {
  const auto progress = read_progress(position.value);
  if (!progress && !position.value.empty()) return;
  base::MutexLock lock(mutex_);
  change(position.key, [&](Entry& entry) {
    entry.committed = progress ? std::max(entry.committed, progress->version) : entry.pushed;
    entry.offset = progress ? std::max(entry.offset, progress->offset) : entry.size;
    entry.ended = entry.ended || !progress;
  });
  erase_if_done(position.key);
  committed_.notify_all();
}

bool CommitTracker::wait(const std::vector<Target>& targets, std::int64_t timeout_ns, std::vector<std::string>& missing) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  base::MutexLock lock(mutex_);
  const auto is_missing = [&](const Target& target) TT_REQUIRES(mutex_) {
    const auto it = entries_.find(target.key);
    return it != entries_.end() && it->second.committed < target.version;
  };
  while (std::ranges::any_of(targets, is_missing)) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) {
      for (const auto& target : targets)
        if (is_missing(target)) missing.push_back(fmt::format("{}: read but not committed", entries_.find(target.key)->second.path));
      return false;
    }
    committed_.wait_for(mutex_, left);
  }
  return true;
}

std::uint64_t CommitTracker::lag_bytes() const {
  base::MutexLock lock(mutex_);
  return total_lag_;
}

}  // namespace telltale::sources
