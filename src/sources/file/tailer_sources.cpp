// Sources that come and go while others are followed: services that a run names.
#include <algorithm>

#include <fmt/format.h>

#include "sources/file/tailer.h"

namespace telltale::sources {

base::Result<std::size_t> Tailer::add_source(config::FileSource source, bool resume) {
  if (source.start != "beginning" && source.start != "end" && !start_time(source.start, 0))
    return base::fail(base::ErrorCode::source_invalid, fmt::format("start '{}' is no place to begin", source.start),
                      "Use beginning, end, a time such as 2026-11-25T10:00:00Z or one back such as -10m");
  const std::size_t slot = slot_for(source.name);
  if (auto done = patterns_.set(slot, source); !done) return base::pass(done);
  const std::string note = start_key(source);
  if (slot == sources_.size()) sources_.emplace_back();
  FollowedSource& added = sources_[slot];
  // What is followed still, because it was removed only now, just goes on.
  for (const auto& origin : origins_.all())
    if (origin->source == slot && !origin->forget) origin->leave_at.reset();
  if (!resume) forget_stored(slot);
  const bool started = resume && start_notes_.contains(note) && !to_forget_.contains(note);
  to_forget_.erase(note);
  added = {.config = std::move(source), .started = started, .noted = started};
  return slot;
}

// The one it had before; else one that nothing refers to any more; else a new one.
std::size_t Tailer::slot_for(const std::string& name) {
  std::size_t unused = sources_.size();
  for (std::size_t i = sources_.size(); i-- > 0;) {
    if (sources_[i].active) continue;
    if (sources_[i].config.name == name) return i;
    if (std::ranges::none_of(origins_.all(), [i](const auto& origin) { return origin->source == i; })) unused = i;
  }
  return unused;
}

void Tailer::remove_source(std::size_t source) {
  scan(true);  // files that came up since the last one are its too
  FollowedSource& removed = sources_[source];
  forget_stored(source);
  if (removed.noted) to_forget_.emplace(start_key(removed.config), note_stream());
  removed.active = removed.fresh = removed.noted = false;
  for (const auto& owned : origins_.all()) {
    Origin& origin = *owned;
    if (origin.source != source) continue;
    std::size_t other = 0;
    if (covers_other(source, origin.lineage, other)) {
      origin.source = other;
      origin.position.source = sources_[other].config.name;
      origin.dirty = true;
      enqueue(origin);
    } else {
      leave(origin);
    }
  }
  patterns_.clear(source);
  send_forgotten();
}

bool Tailer::covers_other(std::size_t source, const std::string& path, std::size_t& other) const {
  for (other = 0; other < sources_.size(); ++other)
    if (other != source && sources_[other].active && patterns_.covers(other, path)) return true;
  return false;
}

void Tailer::leave(Origin& origin) {
  if (open(origin)) {
    if (const auto info = origin.file->info()) set_size(origin, info->size);
  }
  origin.leave_at = origin.size;
  enqueue(origin);
}

// A passing source's position ends with it; that of a lasting source stays, for it may be configured again.
bool Tailer::is_passing(const Origin& origin) {
  return origin.position.source.starts_with(passing_source_prefix);
}

// The origin is about to be dropped, and may be found again.
void Tailer::keep_position(Origin& origin) {
  if (auto position = decode_position(present_position(origin))) stored_.insert_or_assign(origin.key, std::move(*position));
  commits_.end(origin.key);
}

// Positions of files that an earlier engine followed for a passing source, and that no other source goes on with.
void Tailer::forget_stored(std::size_t source) {
  std::size_t other = 0;
  std::erase_if(stored_, [&](const auto& entry) {
    const auto& [key, position] = entry;
    const std::string& path = position.paths.front();
    if (!position.source.starts_with(passing_source_prefix)) return false;
    if (!patterns_.covers(source, path) || covers_other(source, path, other)) return false;
    to_forget_.emplace(key, stream_of(source, path));
    return true;
  });
}

void Tailer::send_forgotten() {
  for (auto it = to_forget_.begin(); it != to_forget_.end();) {
    record::RawBlock block;
    block.stream = it->second;
    block.observed_time = ports_.clock.wall();
    block.position = record::Position{it->first, {}};
    if (ports_.blocks.try_push(block) != record::PushOutcome::accepted) return;  // tried again at the next scan
    start_notes_.erase(it->first);
    it = to_forget_.erase(it);
  }
}

bool Tailer::has_fresh() const {
  return std::ranges::any_of(sources_, [](const FollowedSource& source) { return source.fresh; });
}

// Did the file stand there before anybody watched? Not when another source has looked there before.
bool Tailer::is_first_look(const SeenFile& seen) const {
  if (stood_there_.contains(FileIdentity::of(seen.info))) return true;
  if (!sources_[seen.source].fresh) return false;
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (sources_[i].active && !sources_[i].fresh && patterns_.covers(i, seen.path)) return false;
  return true;
}

// A file that is about to be forgotten was not seen as what it is for a source that wants it now: that one looks again.
void Tailer::end_first_looks() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (!sources_[i].fresh) continue;
    sources_[i].fresh = std::ranges::any_of(
        origins_.all(), [&](const auto& origin) { return (origin->forget || origin->leave_at) && patterns_.covers(i, origin->path); });
    if (!sources_[i].fresh) sources_[i].looked_at = this_scan_;
  }
}

}  // namespace telltale::sources
