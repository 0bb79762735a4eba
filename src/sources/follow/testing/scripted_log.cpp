#include "sources/follow/testing/scripted_log.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace telltale::sources::testing {

void ScriptedLog::write(base::UnixNanos time, std::string text, std::uint8_t channel) {
  {
    base::MutexLock lock(mutex_);
    std::vector<Entry>& entries = instances_.back().entries;
    std::string_view rest = text;
    if (habits_.format == WireFormat::frames) {
      for (; rest.size() > habits_.split_bytes; rest.remove_prefix(habits_.split_bytes))
        entries.push_back({time, channel, std::string(rest.substr(0, habits_.split_bytes)), false});
    }
    entries.push_back({time, channel, std::string(rest), true});
  }
  changed();
}

void ScriptedLog::rotate(std::size_t keep) {
  {
    base::MutexLock lock(mutex_);
    Instance& instance = instances_.back();
    instance.first_kept = std::max(instance.first_kept, instance.entries.size() - std::min(keep, instance.entries.size()));
  }
  changed();
}

void ScriptedLog::end() {
  {
    base::MutexLock lock(mutex_);
    instances_.back().ended = true;
  }
  changed();
}

void ScriptedLog::restart(std::size_t generations) {
  {
    base::MutexLock lock(mutex_);
    instances_.back().ended = true;
    instances_.emplace_back();
    for (std::size_t i = 0; i + generations + 1 < instances_.size(); ++i) instances_[i].available = false;
  }
  changed();
}

void ScriptedLog::remove() {
  {
    base::MutexLock lock(mutex_);
    instances_.back().ended = true;
    removed_ = true;
  }
  changed();
}

void ScriptedLog::set_server_time(base::UnixNanos time) {
  base::MutexLock lock(mutex_);
  server_time_ = time;
}

std::string ScriptedLog::instance() const {
  base::MutexLock lock(mutex_);
  return name_of(instances_.size() - 1);
}

std::pair<std::size_t, std::size_t> ScriptedLog::kept() const {
  base::MutexLock lock(mutex_);
  return {instances_.back().first_kept, instances_.back().entries.size()};
}

// The asked one, else the oldest after it that there is.
std::optional<std::size_t> ScriptedLog::find(const FollowRequest& request) const {
  std::size_t from = 0;
  for (std::size_t i = 0; i < instances_.size(); ++i)
    if (name_of(i) == request.instance) from = request.finished ? i + 1 : i;
  for (std::size_t i = from; i < instances_.size(); ++i)
    if (instances_[i].available) return i;
  return std::nullopt;
}

ScriptedLog::Outcome ScriptedLog::answer(const FollowRequest& request) const {
  base::MutexLock lock(mutex_);
  if (removed_) return {std::nullopt, true};
  const auto found = find(request);
  if (!found) return {};
  const Instance& instance = instances_[*found];
  Reader reader;
  reader.log_ = this;
  reader.request_ = request;
  reader.instance_ = *found;
  reader.next_ = instance.first_kept;
  if (name_of(*found) != request.instance && !request.instance.empty()) reader.request_.since = 0;
  if (!request.follow || instance.ended) reader.until_ = instance.entries.size();
  reader.answer_.instance = name_of(*found);
  if (*found > 0) reader.answer_.previous = name_of(*found - 1);
  reader.answer_.ended = instance.ended;
  reader.answer_.server_time = server_time_;
  return {std::move(reader), false};
}

void ScriptedLog::encode(std::string& out, const Entry& entry) const {
  std::string payload;
  base::append_rfc3339(payload, entry.time, 9);
  payload += ' ';
  payload += entry.text;
  if (entry.ends_line) payload += '\n';
  if (habits_.format == WireFormat::frames) {
    out += static_cast<char>(entry.channel);
    out.append(3, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  out += payload;
}

bool ScriptedLog::Reader::read(std::string& out, std::size_t bytes) {
  base::MutexLock lock(log_->mutex_);
  const Instance& instance = log_->instances_[instance_];
  const std::size_t end = std::min(until_, instance.entries.size());
  if (log_->habits_.skips_when_rotated) next_ = std::max(next_, instance.first_kept);
  for (; next_ < end && out.size() < bytes; ++next_) {
    const Entry& entry = instance.entries[next_];
    const bool in_time = entry.time >= request_.since;
    if (!in_time && (log_->habits_.filters_each || !passed_)) continue;
    passed_ = true;
    log_->encode(out, entry);
  }
  return next_ < end;
}

bool ScriptedLog::Reader::at_end() const {
  base::MutexLock lock(log_->mutex_);
  const Instance& instance = log_->instances_[instance_];
  return next_ >= std::min(until_, instance.entries.size()) && (instance.ended || !request_.follow || log_->removed_);
}

}  // namespace telltale::sources::testing
