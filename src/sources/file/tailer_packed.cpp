// Compressed forms of rotated files: what was not read of the plain file is read there, and what was read is not read again.
#include <algorithm>

#include <fmt/format.h>

#include "sources/file/rotation_name.h"
#include "sources/file/tailer.h"

namespace telltale::sources {
namespace {

// Both names are of rotated forms of one file; false where they do not tell.
bool is_older_name(std::string_view name, std::string_view other) {
  const unsigned number = rotation_number(name);
  const unsigned other_number = rotation_number(other);
  if (number != 0 && other_number != 0) return number > other_number;
  const std::string_view plain = without_compression(name);
  const std::string_view other_plain = without_compression(other);
  return plain.size() == other_plain.size() && plain < other_plain;
}

// Do both begin with the same `size` bytes, as far as a look at the first and the last of them tells?
bool same_bytes(base::ReadableFile& one, base::ReadableFile& other, std::uint64_t size) {
  const auto same_at = [&](std::uint64_t from, std::uint64_t count) {
    std::string mine(count, '\0');
    std::string theirs(count, '\0');
    const auto got = one.read_at(from, mine);
    const auto there = other.read_at(from, theirs);
    return got && there && *got == count && *there == count && mine == theirs;
  };
  const std::uint64_t tail = std::min<std::uint64_t>(size, tail_bytes);
  return same_at(0, std::min<std::uint64_t>(size, head_bytes)) && same_at(size - tail, tail);
}

bool is_unpacked_in_part(const PackedVerdict& verdict) {
  return verdict.end != PackedEnd::whole && verdict.end != PackedEnd::unknown;
}

}  // namespace

base::Result<std::unique_ptr<base::ReadableFile>> Tailer::open_path(const std::string& path, const std::optional<PackedVerdict>& packed) {
  auto file = ports_.files.open_read(path);
  const Packing packing = packing_of(path);
  if (!file || packing == Packing::none) return file;
  const auto size = packed ? std::optional(packed->size) : std::nullopt;
  return std::make_unique<PackedFile>(std::move(*file), packing, size);
}

void Tailer::add_fresh(const SeenFile& seen, FreshFiles& fresh) {
  if (is_known_copy(FileIdentity::of(seen.info), false)) return;
  if (packing_of(seen.path) == Packing::none) {
    fresh.push_back({seen});
    return;
  }
  SeenFile packed = seen;
  if (!recall_packed(seen) && inspect(packed, lineage_path(seen.path))) fresh.push_back({std::move(packed)});
}

// Puts what is known of a compressed file into `seen`; false: not enough yet, its lineage is unclear.
bool Tailer::inspect(SeenFile& seen, const std::string& lineage) {
  const auto answer = inspector_.ask(seen.path, seen.info, ports_.clock.mono());
  if (answer.error != nullptr) {
    metrics_.errors.add();
    note_problem(seen.path, *answer.error);
    unreadable_.emplace(lineage, seen.source);
    if (is_first_look(seen)) stood_there_.insert(FileIdentity::of(seen.info));
    return false;
  }
  if (answer.verdict == nullptr) {
    unclear_.emplace(lineage, seen.source);
    if (is_first_look(seen)) stood_there_.insert(FileIdentity::of(seen.info));
    return false;
  }
  seen.packed = *answer.verdict;
  seen.info.size = answer.verdict->size;
  return true;
}

// Bytes of the file as a reader counts them. One that was written to since it was looked through has those of then until it is clear.
std::uint64_t Tailer::size_now(Origin& origin, const SeenFile& seen) {
  if (seen.packed || !origin.packed) return seen.info.size;
  if (seen.info.size == origin.packed->packed_bytes) return origin.size;
  const auto answer = inspector_.ask(seen.path, seen.info, ports_.clock.mono());
  if (answer.verdict == nullptr) return origin.size;
  origin.packed = *answer.verdict;
  close(origin);
  return answer.verdict->size;
}

// Since when all that was read of the lineage is known by its position: what was compressed and written to later, and is none of it, was
// missed.
base::UnixNanos Tailer::watched_since(const std::string& lineage, std::size_t source) const {
  base::UnixNanos since = sources_[source].looked_at;
  const auto take = [&](base::UnixNanos first_seen) {
    if (first_seen != 0 && (since == 0 || first_seen < since)) since = first_seen;
  };
  for (const auto& origin : origins_.all())
    if (origin->lineage == lineage) take(origin->position.first_seen);
  for (const auto& [key, position] : stored_)
    if (position.paths.front() == lineage) take(position.first_seen);
  return since;
}

// Compressed files are looked at when something is missing that may be in them, or when they came up since.
void Tailer::look_beside_packed(const std::string& lineage, std::size_t source, FreshFiles& fresh) {
  const base::UnixNanos since = watched_since(lineage, source);
  // What was seen plain was compressed after that.
  const auto may_hold = [](const FilePosition& position, const SeenFile& seen) {
    return seen.info.birth_time == 0 || seen.info.birth_time > position.first_seen - coarse_clock_ns;
  };
  for (auto& seen : siblings(lineage, source, true)) {
    const auto identity = FileIdentity::of(seen.info);
    if (Origin* origin = origins_.find(identity)) {
      if (!origin->listed && origin->seen_in != stamp_) place(*origin, seen);
      continue;
    }
    for (const auto& origin : origins_.all())
      if (origin->packed_form && FileIdentity::of(origin->packed_form->info).same_file(identity)) origin->packed_form->path = seen.path;
    const bool twice =
        std::ranges::any_of(fresh, [&](const Fresh& other) { return FileIdentity::of(other.seen.info).same_file(identity); });
    if (twice || patterns_.covers(source, seen.path)) continue;
    const bool sought =
        std::ranges::any_of(origins_.all(),
                            [&](const auto& origin) {
                              return origin->lineage == lineage && !origin->packed && is_lost(*origin) && may_hold(origin->position, seen);
                            }) ||
        std::ranges::any_of(stored_,
                            [&](const auto& entry) { return entry.second.paths.front() == lineage && may_hold(entry.second, seen); });
    const bool rotation_name = base_name_of(base::file_name(seen.path)) == base::file_name(lineage);
    const bool unseen = rotation_name && since != 0 && seen.info.modify_time > since - coarse_clock_ns;
    if (sought || unseen) add_fresh(seen, fresh);
  }
}

// A compressed file that was read to its end before the restart: nothing of it is needed, so it is not unpacked for being recognised.
bool Tailer::recall_packed(const SeenFile& seen) {
  const auto identity = FileIdentity::of(seen.info);
  const auto it = std::ranges::find_if(stored_, [&](const auto& entry) {
    const FilePosition& position = entry.second;
    return identity.birth != 0 && position.identity.same_file(identity) && packing_of(position.paths.back()) != Packing::none &&
           (position.end_told || position.offset >= position.size);
  });
  if (it == stored_.end()) return false;
  auto origin = std::make_unique<Origin>();
  origin->key = it->first;
  origin->position = it->second;
  stored_.erase(it);
  const FilePosition& position = origin->position;
  origin->source = seen.source;
  origin->lineage = position.paths.front();
  origin->stream = stream_of(origin->source, origin->lineage);
  origin->head = position.head;
  origin->reader.set_position(position.offset, position.line);
  origin->size = origin->sound_size = position.offset;
  origin->rotated = origin->drained = origin->finished = true;
  origin->packed = PackedVerdict{position.end_told ? PackedEnd::damaged : PackedEnd::whole, position.offset, seen.info.size,
                                 position.end_told ? "found before" : ""};
  Origin& added = add_origin(std::move(origin));
  add_path(added, seen.path);
  added.path = seen.path;
  place(added, seen);
  return true;
}

// Which origins' bytes are in the compressed files that came up? Those of files that are still there too: they may be gone next.
void Tailer::attach_packed(FreshFiles& fresh) {
  std::vector<Fresh*> oldest_first;
  for (auto& file : fresh)
    if (!file.done && file.seen.packed) oldest_first.push_back(&file);
  std::ranges::sort(oldest_first, [](const Fresh* one, const Fresh* other) {
    const auto key = [](const SeenFile& seen) { return std::tuple(seen.info.modify_time, -std::int64_t{rotation_number(seen.path)}); };
    return key(one->seen) < key(other->seen);
  });
  for (Fresh* file : oldest_first)
    for (std::size_t i = 0; !file->done && i < origins_.all().size(); ++i) file->done = attach_packed_to(*origins_.all()[i], *file);
}

// Where nothing was read there is nothing to compare: then it is the oldest that came up since.
bool Tailer::may_begin_in(const FilePosition& position, const SeenFile& seen) const {
  const std::string& lineage = position.paths.front();
  return seen.packed && position.offset == 0 && is_sibling_path(seen.path, lineage) &&
         base_name_of(base::file_name(seen.path)) == base::file_name(lineage) &&
         seen.info.modify_time > position.first_seen - coarse_clock_ns;
}

bool Tailer::attach_packed_to(Origin& origin, Fresh& fresh) {
  const SeenFile& seen = fresh.seen;
  if (origin.forget || origin.gap || origin.packed || !is_sibling_path(seen.path, origin.lineage)) return false;
  const bool lost = is_lost(origin) && origin.file == nullptr;
  const bool cut = is_unpacked_in_part(*seen.packed);
  std::unique_ptr<base::ReadableFile> file;
  if (lost && origin.reader.offset() == 0) {
    FilePosition nothing_read = origin.position;
    nothing_read.offset = 0;
    if (!may_begin_in(nothing_read, seen)) return false;
  } else {
    if (lost && !cut && seen.info.size < origin.reader.offset()) return false;  // more of it was read than is in this one
    file = open_seen(seen);
    // Gone by now: what it is will be seen at the next look.
    if (file == nullptr || (!lost && !open(origin))) return true;
    if (!lost && origin.rotated) {
      const auto own = origin.file->info();
      const bool fits = own && (cut ? seen.info.size <= own->size : seen.info.size == own->size);
      if (!fits || !same_bytes(*origin.file, *file, seen.info.size)) return false;
    } else if (!origin.reader.is_copied_in(*file, lost ? nullptr : origin.file.get()).value_or(false)) {
      return false;
    }
  }
  if (lost) {
    move_to(origin, seen, std::move(file));
  } else {
    origin.packed_form = seen;
    origin.position.copies.push_back(FileIdentity::of(seen.info));
    if (origin.position.copies.size() > most_copies) origin.position.copies.erase(origin.position.copies.begin());
    origin.dirty = true;
    enqueue(origin);
  }
  return true;
}

// The plain file that it was made from came up with it.
bool Tailer::has_plain_twin(const Fresh& packed, const FreshFiles& fresh) {
  for (const auto& other : fresh) {
    if (other.done || other.seen.packed || lineage_path(other.seen.path) != lineage_path(packed.seen.path)) continue;
    if (other.seen.info.size != packed.seen.info.size) continue;
    const auto plain = open_seen(other.seen);
    const auto file = open_seen(packed.seen);
    if (plain == nullptr || file == nullptr || same_bytes(*plain, *file, packed.seen.info.size)) return true;
  }
  return false;
}

// Was it rotated and compressed unseen? Its time of the last write says so where it was kept, and then lies before the compressed file came
// to be. Else files older than all that are known were there before anybody looked.
bool Tailer::is_missed(const SeenFile& seen, const std::string& lineage) const {
  if (base_name_of(base::file_name(seen.path)) != base::file_name(lineage)) return false;
  const bool time_kept = seen.info.birth_time != 0 && seen.info.modify_time <= seen.info.birth_time;
  if (time_kept && seen.info.modify_time > watched_since(lineage, seen.source)) return true;
  bool any = false;
  bool older = true;
  for (const auto& origin : origins_.all()) {
    if (origin->lineage != lineage || !origin->rotated || origin->path.empty() || origin->path == lineage) continue;
    any = true;
    older = older && is_older_name(base::file_name(seen.path), base::file_name(origin->path));
  }
  return !any || !older;
}

// The plain file is gone and the same is in a compressed one: goes on there, or keeps it from being read again.
bool Tailer::take_packed_form(Origin& origin) {
  if (!origin.packed_form) return false;
  const SeenFile form = *origin.packed_form;
  move_to(origin, form, nullptr);
  return true;
}

// `file` may be null: opened when it is needed.
void Tailer::move_to(Origin& origin, const SeenFile& seen, std::unique_ptr<base::ReadableFile> file) {
  if (origin.pending) {
    // These bytes are there too.
    origin.pending.reset();
    --pending_;
  }
  close(origin);
  origins_.unindex(origin);
  if (const auto it = by_path_.find(origin.path); it != by_path_.end() && it->second == &origin) by_path_.erase(it);
  origin.reader.forget_partial();
  origin.position.identity = FileIdentity::of(seen.info);
  std::erase_if(origin.position.copies, [&](const FileIdentity& copy) { return copy.same_file(origin.position.identity); });
  origins_.index(origin);
  add_path(origin, seen.path);
  origin.path = seen.path;
  by_path_[seen.path] = &origin;
  origin.listed = patterns_.covers(origin.source, seen.path);
  origin.seen_in = stamp_;
  origin.packed = seen.packed;
  origin.packed_form.reset();
  origin.deleted = origin.failed = false;
  origin.dirty = true;
  origin.last_growth = ports_.clock.mono();
  if (file != nullptr) {
    origin.file = std::move(file);
    metrics_.open.set(static_cast<std::int64_t>(++open_));
  }
  if (origin.packed) {
    origin.rotated = true;
    origin.size = origin.sound_size = std::max(seen.info.size, origin.reader.offset());
    origin.finished = origin.size == origin.reader.offset() && !is_unpacked_in_part(*origin.packed);
    origin.must_reach = origin.finished ? 0 : origin.must_reach;
    if (origin.finished) {
      close(origin);
      mark_drained(origin);
    } else {
      origin.drained = false;
    }
  }
  enqueue(origin);
}

// What is missing behind the end of a file that could not be unpacked further.
std::optional<record::Gap> Tailer::damage_gap(const Origin& origin) const {
  if (!origin.packed || !is_unpacked_in_part(*origin.packed) || origin.position.end_told) return std::nullopt;
  const std::uint64_t from = origin.reader.read_end();
  record::Gap gap;
  gap.reason = record::GapReason::unreadable;
  gap.from_time = origin.position.first_seen;
  gap.to_time = ports_.clock.wall();
  if (origin.must_reach > from) gap.range = record::RawRange{from, origin.must_reach, {}};
  const std::string& path = origin.position.paths.back();
  gap.detail = fmt::format("{} cannot be unpacked beyond byte {}: {}; how much is missing is not known",
                           ports_.redact_label ? ports_.redact_label(path) : path, from, origin.packed->reason);
  return gap;
}

void Tailer::note_damage() {
  for (const auto& origin : origins_.all()) {
    if (!origin->packed || !is_unpacked_in_part(*origin->packed) || origin->forget || origin->path.empty()) continue;
    base::Error error;
    error.code = base::ErrorCode::io_error;
    error.cause =
        fmt::format("'{}' is damaged: unpacked up to byte {}, then: {}", origin->path, origin->packed->size, origin->packed->reason);
    error.remedy = "Put a whole file in its place, or take it out of the folder";
    note_problem(origin->path, error);
  }
}

}  // namespace telltale::sources
