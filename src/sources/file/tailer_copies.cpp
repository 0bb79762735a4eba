// Copies: which file holds the same bytes as another, and who goes on in which.
#include <algorithm>

#include "sources/file/rotation_name.h"
#include "sources/file/tailer.h"

namespace telltale::sources {

// A file beside the one it was copied from holds nothing new, whether or not that is truncated next.
void Tailer::recognise_copies(FreshFiles& fresh) {
  for (auto& file : fresh) {
    for (std::size_t i = 0; !file.done && !file.seen.packed && i < origins_.all().size(); ++i) {
      Origin& origin = *origins_.all()[i];
      const bool related = !origin.finished && !origin.forget && is_sibling_path(file.seen.path, origin.lineage);
      if (!related) continue;
      auto copy = open_seen(file.seen);  // first: it may close another file to have room
      if (copy == nullptr) break;
      if (!open(origin)) continue;
      const auto whole = still_holds(origin);
      if (!whole || !*whole) {
        if (whole) on_replaced(origin);
        file.done = origins_.find(FileIdentity::of(file.seen.info)) != nullptr;
        continue;
      }
      if (origin.rotated) continue;  // the next file of a program that always begins alike would look like a copy of it
      const auto copied = origin.reader.is_copied_in(*copy, origin.file.get());
      if (!copied || !*copied) continue;
      add_copy(origin, FileIdentity::of(file.seen.info));
      file.done = true;
    }
  }
}

void Tailer::add_copy(Origin& origin, const FileIdentity& copy) {
  origin.position.copies.push_back(copy);
  if (origin.position.copies.size() > most_copies) origin.position.copies.erase(origin.position.copies.begin());
  origin.dirty = true;
  enqueue(origin);
}

// Looks for a file beside that holds what was read here; goes on there with what was not. Where nothing was read yet, there is nothing
// to compare: then it is the oldest rotated file that came up since.
bool Tailer::move_to_copy(Origin& origin) {
  SeenFile best;
  std::unique_ptr<base::ReadableFile> best_file;
  const std::uint64_t offset = origin.reader.offset();
  for (const auto& seen : siblings(origin.lineage, origin.source)) {
    const auto identity = FileIdentity::of(seen.info);
    const bool own_copy = std::ranges::any_of(origin.position.copies, [&](const FileIdentity& copy) { return copy.same_file(identity); });
    if (origins_.find(identity) != nullptr || (!own_copy && is_known_copy(identity))) continue;
    const auto reach = [&](std::uint64_t size) { return (size >= offset ? 1 : 0) + (size >= origin.must_reach ? 1 : 0); };
    const int gain = reach(seen.info.size) - reach(best.info.size);
    const bool better = best_file == nullptr || gain > 0 || (gain == 0 && offset == 0 && born(seen.info) < born(best.info));
    if (!better) continue;
    auto file = ports_.files.open_read(seen.path);
    if (!file) continue;
    if (offset == 0) {
      const bool unseen = base_name_of(base::file_name(seen.path)) == base::file_name(origin.lineage) &&
                          born(seen.info) > origin.position.first_seen - coarse_clock_ns;
      if (!unseen) continue;
    } else if (!origin.reader.is_copied_in(**file, nullptr).value_or(false)) {
      continue;
    }
    best = seen;
    best_file = std::move(*file);
  }
  if (best_file == nullptr) return false;
  move_to(origin, best, nullptr);
  if (best.info.size >= origin.reader.offset()) {
    origin.file = std::move(best_file);
    metrics_.open.set(static_cast<std::int64_t>(++open_));
    origin.size = origin.sound_size = best.info.size;
  } else {
    // All of the copy was read before; what came after it was read from the original or is lost.
    origin.size = origin.reader.offset();
    finish(origin);
    if (const auto skipped = origin.reader.skip_to(*best_file, best.info.size); !skipped) note_problem(best.path, skipped.error());
    origin.size = origin.sound_size = best.info.size;
  }
  enqueue(origin);
  return true;
}

// The same while it runs: a file of its name, or beside it, has all the bytes of one that just went, as after a move to another file
// system and when an editor saves. Few bytes prove nothing: programs begin their logs alike.
void Tailer::attach_moved(FreshFiles& fresh) {
  for (auto& file : fresh) {
    for (std::size_t i = 0; !file.done && i < origins_.all().size(); ++i) {
      Origin& origin = *origins_.all()[i];
      const bool went =
          origin.rotated && origin.path.empty() && !origin.forget && !origin.gap && !origin.leave_at && !origin.packed && !file.seen.packed;
      const bool same_name = base::file_name(file.seen.path) == base::file_name(origin.position.paths.back()) ||
                             is_sibling_path(file.seen.path, origin.lineage);
      const bool whole = file.seen.info.size >= std::max({origin.size, origin.must_reach, origin.reader.offset()});
      if (!went || !same_name || !whole) continue;
      auto opened = open_seen(file.seen);
      if (opened == nullptr) break;
      if (!origin.reader.is_continued_in(*opened).value_or(false)) continue;
      move_to(origin, file.seen, std::move(opened));
      origin.rotated = file.seen.path != origin.lineage;
      origin.drained = origin.finished = false;
      origin.size = origin.sound_size = file.seen.info.size;
      file.done = true;
      enqueue(origin);
    }
  }
}

// Where nothing was read yet, its copies alone tell whether the file still holds what it held when they were made.
bool Tailer::is_like_its_copies(base::ReadableFile& file, const FilePosition& position, std::size_t source) {
  for (const auto& seen : siblings(position.paths.front(), source)) {
    const auto identity = FileIdentity::of(seen.info);
    const bool own = std::ranges::any_of(position.copies, [&](const FileIdentity& copy) { return copy.same_file(identity); });
    if (!own) continue;
    auto copy = ports_.files.open_read(seen.path);
    if (copy && !begins_with(file, **copy, seen.info.size).value_or(true)) return false;
  }
  return true;
}

// Truncated while nobody looked, but a copy was seen before: what was not read is taken from that.
void Tailer::attach_to_copies(const FreshFiles& fresh) {
  std::vector<std::string> keys;
  for (const auto& [key, position] : stored_)
    if (!position.copies.empty() && position.offset > 0 && !is_opaque(origins_, position, fresh)) keys.push_back(key);
  for (const auto& key : keys) {
    const FilePosition position = stored_.at(key);
    const std::size_t source = source_of(position.paths.front());
    if (source == sources_.size()) continue;
    for (auto& seen : siblings(position.paths.front(), source)) {
      const auto identity = FileIdentity::of(seen.info);
      const bool own = std::ranges::any_of(position.copies, [&](const FileIdentity& copy) { return copy.same_file(identity); });
      if (!own || origins_.find(identity) != nullptr || !stored_.contains(key)) continue;
      seen.listed = patterns_.covers(source, seen.path);
      Fresh copy{seen};
      if (seen.info.size >= position.offset)
        resume(copy, key, position);
      else if (seen.info.size >= position.head.length)
        end_in_copy(key, position, seen);
    }
  }
}

// All of the copy was read before; what came after it was read from the original or is lost.
void Tailer::end_in_copy(const std::string& key, const FilePosition& position, const SeenFile& seen) {
  auto file = open_seen(seen);
  std::string head(position.head.length, '\0');
  if (file == nullptr || file->read_at(0, head).value_or(0) != head.size() || mark_of(ports_.hasher, head) != position.head) return;
  stored_.erase(key);
  auto made = origin_of(key, position, seen.source);
  made->position.identity = FileIdentity::of(seen.info);
  Origin& origin = add_origin(std::move(made));
  move_to(origin, seen, nullptr);
  origin.size = origin.reader.offset();
  finish(origin);
  if (const auto skipped = origin.reader.skip_to(*file, seen.info.size); !skipped) note_problem(seen.path, skipped.error());
  origin.size = origin.sound_size = seen.info.size;
  enqueue(origin);
}

// A file that was copied before it was ever seen: the copy is the younger of the two and holds what the file begins with. Where both are
// as old as a file system can tell, few bytes prove nothing.
bool Tailer::is_young_copy(const SeenFile& seen, const std::string& lineage) {
  const auto current = ports_.files.info(lineage);
  if (!current || seen.path == lineage || seen.info.size == 0 || seen.info.size > current->size) return false;
  if (current->birth_time == 0 || seen.info.birth_time < current->birth_time) return false;
  if (seen.info.birth_time == current->birth_time && seen.info.size < tail_bytes) return false;
  auto original = ports_.files.open_read(lineage);
  auto copy = ports_.files.open_read(seen.path);
  return original && copy && begins_with(**original, **copy, seen.info.size).value_or(false);
}

}  // namespace telltale::sources
