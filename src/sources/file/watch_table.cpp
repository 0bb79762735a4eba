#include "sources/file/watch_table.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/hash.h"

namespace telltale::sources {

namespace {

// Sources that mean the same have the same name, also in another engine.
std::string name_of(const config::FileSource& source) {
  std::string text;
  const auto add = [&text](std::string_view part) { text += fmt::format("{}:{}", part.size(), part); };
  for (const auto& path : source.paths) add(path);
  add("|");
  for (const auto& path : source.exclude) add(path);
  add("|");
  for (const auto& [name, value] : source.labels) {
    add(name);
    add(value);
  }
  add(source.service);
  add(source.start);
  return std::string(passing_source_prefix) + base::hash128(text).hex();
}

}  // namespace

bool WatchTable::is_decided(const std::string& name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() || it->second.effective || it->second.refused.has_value();
}

base::Result<Watched> WatchTable::watch(config::FileSource source, bool resume, std::int64_t timeout_ns,
                                        const std::function<void()>& wake) {
  if (source.paths.empty()) return base::fail(base::ErrorCode::source_invalid, "files to watch are named by no pattern", "Name one.");
  const std::string name = name_of(source);
  source.name = name;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  base::MutexLock lock(mutex_);
  if (!running_) return base::fail(base::ErrorCode::cancelled, "files are not read: the engine starts or stops");
  auto [it, fresh] = entries_.try_emplace(name);
  Entry& entry = it->second;
  if (fresh) {
    entry.source = std::move(source);
    entry.resume = resume;
    entry.asked = true;
    wake();
  }
  ++entry.users;
  const Watched watched{next_id_++, false};
  names_.emplace(watched.id, name);
  while (!is_decided(name) && running_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return watched;
    changed_.wait_for(mutex_, left);
  }
  if (!running_) return base::fail(base::ErrorCode::cancelled, "files are not read: the engine stops");
  if (const auto found = entries_.find(name); found != entries_.end() && found->second.refused) {
    const base::Error refused = *found->second.refused;
    names_.erase(watched.id);
    if (--found->second.users == 0) entries_.erase(found);
    return std::unexpected(refused);
  }
  return Watched{watched.id, true};
}

void WatchTable::unwatch(WatchId id, const std::function<void()>& wake) {
  base::MutexLock lock(mutex_);
  const auto name = names_.find(id);
  if (name == names_.end()) return;
  Entry& entry = entries_.at(name->second);
  names_.erase(name);
  if (--entry.users > 0) return;
  entry.asked = true;
  wake();
}

bool WatchTable::serve(Tailer& tailer) {
  base::MutexLock lock(mutex_);
  bool changed = false;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    if (!std::exchange(entry.asked, false)) {
      ++it;
      continue;
    }
    // Let go and wanted again before the reader came to it: it just goes on.
    if (entry.users > 0 && !entry.slot) {
      auto slot = tailer.add_source(entry.source, entry.resume);
      if (slot)
        entry.slot = *slot;
      else
        entry.refused = slot.error();
      changed = true;
    }
    const bool unused = entry.users == 0;
    if (unused && entry.slot) {
      tailer.remove_source(*entry.slot);
      changed = true;
    }
    it = unused ? entries_.erase(it) : std::next(it);
  }
  if (changed) changed_.notify_all();
  return changed;
}

void WatchTable::settle(const Tailer& tailer) {
  base::MutexLock lock(mutex_);
  bool news = false;
  for (auto& [name, entry] : entries_) {
    if (entry.effective || !entry.slot || !tailer.is_effective(*entry.slot)) continue;
    entry.effective = news = true;
  }
  if (news) changed_.notify_all();
}

void WatchTable::open() {
  base::MutexLock lock(mutex_);
  running_ = true;
}

void WatchTable::close() {
  base::MutexLock lock(mutex_);
  running_ = false;
  changed_.notify_all();
}

}  // namespace telltale::sources
