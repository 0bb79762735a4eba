// Recognising: what a file that was not here before is.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "record/internal.h"
#include "sources/file/rotation_name.h"
#include "sources/file/tailer.h"

namespace telltale::sources {

record::StreamRef note_stream() {
  static const record::StreamRef stream =
      record::make_stream(record::Labels({{"service", "telltale"}, {"source", std::string(record::note_source)}}));
  return stream;
}

std::string start_key(const config::FileSource& source) {
  return std::string(start_key_prefix) + source.name;
}

void Tailer::attach(FreshFiles& fresh, const Listing& listing) {
  attach_by_identity(fresh);
  attach_by_content(fresh);
  attach_moved(fresh);
  attach_packed(fresh);
  recognise_copies(fresh);
  attach_to_copies(fresh);
  settle_missing(fresh);
  attach_new(fresh, listing);
  mark_first_start();
}

// Opens what was seen; nothing when another file stands there by now or it cannot be opened.
std::unique_ptr<base::ReadableFile> Tailer::open_seen(const SeenFile& seen) {
  if (open_ >= options_.max_open_files) close_idlest();
  auto file = open_path(seen.path, seen.packed);
  if (!file) {
    if (file.error().code == base::ErrorCode::file_not_found) {
      rescan_ = true;
    } else {
      metrics_.errors.add();
      note_problem(seen.path, file.error());
    }
    return nullptr;
  }
  auto info = (*file)->info();
  if (info && FileIdentity::of(*info).same_file(FileIdentity::of(seen.info))) return std::move(*file);
  rescan_ = true;
  return nullptr;
}

// The same file as before the restart: same inode and birth, same bytes before the offset.
void Tailer::attach_by_identity(FreshFiles& fresh) {
  for (auto& file : fresh) {
    const auto identity = FileIdentity::of(file.seen.info);
    std::vector<std::pair<std::uint64_t, std::string>> candidates;  // the one that got farthest first
    for (const auto& [key, position] : stored_)
      if (position.identity.same_file(identity)) candidates.emplace_back(position.offset, key);
    std::ranges::sort(candidates, std::greater<>());
    for (const auto& [offset, key] : candidates)
      if (!file.done) resume(file, key, stored_.at(key));
    file.cut = !file.done && !candidates.empty();
  }
}

// Moved between file systems, or the copy of a file that was truncated while nobody looked: other inode, same bytes.
void Tailer::attach_by_content(FreshFiles& fresh) {
  for (auto& file : fresh) {
    std::vector<std::pair<std::uint64_t, std::string>> candidates;
    for (const auto& [key, position] : stored_) {
      const bool same_path = std::ranges::find(position.paths, file.seen.path) != position.paths.end();
      const bool sibling = is_sibling_path(file.seen.path, position.paths.front());
      const bool same_name =
          base::file_name(file.seen.path) == base::file_name(position.paths.back()) && position.tail.length == tail_bytes;
      if (position.offset > 0 ? same_path || sibling || same_name : may_begin_in(position, file.seen))
        candidates.emplace_back(position.offset, key);
    }
    std::ranges::sort(candidates, std::greater<>());
    for (const auto& [offset, key] : candidates)
      if (!file.done) resume(file, key, stored_.at(key));
  }
}

// Goes on from a stored position when the file holds what it says.
bool Tailer::resume(Fresh& fresh, const std::string& key, const FilePosition& position) {
  auto file = open_seen(fresh.seen);
  if (file == nullptr) {
    fresh.done = true;  // looked at again later; until then its position is kept
    return false;
  }
  const bool unread = position.offset == 0 && !position.copies.empty() && !fresh.seen.packed;
  if (unread && !is_like_its_copies(*file, position, fresh.seen.source)) return false;
  LineReader reader;
  const auto same = reader.resume(*file, ports_.hasher, position);
  if (!same) note_problem(fresh.seen.path, same.error());
  if (!same || !*same) return false;
  auto origin = std::make_unique<Origin>();
  origin->key = key;
  origin->position = position;
  origin->source = fresh.seen.source;
  origin->lineage = position.paths.front();
  origin->stream = stream_of(origin->source, origin->lineage);
  origin->head = position.head;
  origin->reader = std::move(reader);
  origin->must_reach = origin->sound_size = position.size;
  origin->packed = fresh.seen.packed;
  origin->file = std::move(file);
  metrics_.open.set(static_cast<std::int64_t>(++open_));
  const auto identity = FileIdentity::of(fresh.seen.info);
  origin->dirty = !origin->position.identity.same_file(identity);
  origin->position.identity = identity;
  origin->rotated = fresh.seen.path != origin->lineage;
  stored_.erase(key);
  Origin& added = add_origin(std::move(origin));
  add_path(added, fresh.seen.path);
  added.path = fresh.seen.path;
  fresh.done = true;
  place(added, fresh.seen);
  return true;
}

bool Tailer::is_known_copy(const FileIdentity& identity, bool of_stored_too) const {
  const auto has = [&](const FilePosition& position) {
    return std::ranges::any_of(position.copies, [&](const FileIdentity& copy) { return copy.same_file(identity); });
  };
  return std::ranges::any_of(origins_.all(), [&](const auto& origin) { return has(origin->position); }) ||
         (of_stored_too && std::ranges::any_of(stored_, [&](const auto& entry) { return has(entry.second); }));
}

// Could the file that the position is of not be opened just now? Then nothing is known of it.
bool Tailer::is_opaque(const OriginTable& origins, const FilePosition& position, const FreshFiles& fresh) {
  return std::ranges::any_of(fresh, [&](const Fresh& file) {
    return file.done && origins.find(FileIdentity::of(file.seen.info)) == nullptr && file.seen.path == position.paths.back();
  });
}

// Of all sources that would find it the first; as many as there are: none.
std::size_t Tailer::source_of(const std::string& lineage) const {
  std::size_t source = 0;
  while (source < sources_.size() && !patterns_.covers(source, lineage)) ++source;
  return source;
}

// Of an origin that has no file to go on with yet.
std::unique_ptr<Origin> Tailer::origin_of(const std::string& key, const FilePosition& position, std::size_t source) const {
  auto origin = std::make_unique<Origin>();
  origin->key = key;
  origin->position = position;
  origin->source = source;
  origin->lineage = position.paths.front();
  origin->stream = stream_of(source, origin->lineage);
  origin->reader.set_position(position.offset, position.line);
  origin->head = position.head;
  origin->size = origin->must_reach = position.size;
  origin->rotated = true;
  return origin;
}

// Positions whose file is gone or holds other bytes now.
void Tailer::settle_missing(const FreshFiles& fresh) {
  std::vector<std::string> keys;
  for (const auto& [key, position] : stored_) {
    if (is_opaque(origins_, position, fresh) || may_be_packed(position.paths.front())) continue;
    if (ports_.files.list(base::parent_path(position.paths.back()))) keys.push_back(key);
  }
  for (const auto& key : keys) {
    const FilePosition position = stored_.at(key);
    const std::size_t source = source_of(position.paths.front());
    if (source == sources_.size()) continue;
    stored_.erase(key);
    const auto here = ports_.files.info(position.paths.back());
    const bool same_file = here && FileIdentity::of(*here).same_file(position.identity);
    Origin& added = add_origin(origin_of(key, position, source));
    origins_.unindex(added);
    give_up(added, same_file ? record::GapReason::truncated_before_read
                             : (here ? record::GapReason::replaced : record::GapReason::deleted_before_read));
  }
}

void Tailer::attach_new(FreshFiles& fresh, const Listing& listing) {
  // Oldest first: by birth; files that were rotated so quickly that their births are equal by number.
  std::vector<std::tuple<std::string, bool, base::UnixNanos, std::int64_t, Fresh*>> order;
  for (auto& file : fresh) {
    const std::string lineage = lineage_of(file.seen, listing);
    const std::int64_t number = rotation_number(base::file_name(file.seen.path));
    order.emplace_back(lineage, file.seen.path == lineage, age_stamp(file.seen), -number, &file);
  }
  std::ranges::sort(order);
  // Since when files beside a new one may have come up unseen: the last looks, or the newest file that was known before the restart. A
  // kill may come when only the first of several has a committed position.
  std::map<std::string, base::UnixNanos> since;
  for (const auto& entry : order) {
    const auto known = is_first_look(std::get<4>(entry)->seen) ? newest_first_seen(std::get<0>(entry)) : before_scan_;
    since.emplace(std::get<0>(entry), known != 0 ? known : this_scan_);
  }
  std::vector<std::pair<std::string, FileIdentity>> copies;
  for (auto& [lineage, current, birth, number, file] : order) {
    const auto identity = FileIdentity::of(file->seen.info);
    const FollowedSource& source = sources_[file->seen.source];
    if (file->done || !source.active || origins_.find(identity) != nullptr || is_known_copy(identity)) continue;
    if (is_unclear(lineage)) {
      // Read when it is known what comes before it.
      if (is_first_look(file->seen)) stood_there_.insert(identity);
      continue;
    }
    if (file->seen.packed && !file->seen.listed && !is_missed(file->seen, lineage)) continue;
    if (file->seen.packed && has_plain_twin(*file, fresh)) continue;
    if (is_young_copy(file->seen, lineage)) {
      copies.emplace_back(lineage, identity);
      continue;
    }
    auto opened = open_seen(file->seen);
    if (opened == nullptr) continue;
    Origin& origin = add_new(file->seen, lineage, since.at(lineage), std::move(opened));
    origin.after_truncation = file->cut;
    const bool first_look = is_first_look(file->seen);
    stood_there_.erase(identity);
    if (!first_look || source.started || source.config.start == "beginning") continue;
    const auto skipped = begin_late(origin, source.config.start);
    if (!skipped) fail(origin, skipped.error());
    origin.caught_up = this_scan_;
    origin.dirty = true;
    enqueue(origin);
  }
  for (const auto& [lineage, copy] : copies)
    if (const auto it = by_path_.find(lineage); it != by_path_.end()) {
      it->second->copied_unread = it->second->reader.read_end() == 0;
      add_copy(*it->second, copy);
    }
}

// At its end, or at the first line of the time that `start` names.
base::Status Tailer::begin_late(Origin& origin, const std::string& start) {
  const auto time = start_time(start, this_scan_);
  if (!time) return origin.reader.start_at_end(*origin.file, origin.size);
  if (auto known = origin.reader.look_at_encoding(*origin.file); !known) return known;
  auto offset = find_start(*origin.file, origin.reader.encoding(), *time, ports_.line_time, origin.packed.has_value());
  if (!offset) return base::pass(offset);
  if (*offset >= origin.size) return origin.reader.start_at_end(*origin.file, origin.size);
  return *offset == 0 ? base::Status() : origin.reader.skip_to(*origin.file, *offset);
}

// Rotated files belong to the file they were rotated from, where that is known.
std::string Tailer::lineage_of(const SeenFile& seen, const Listing& listing) const {
  const std::string base_name = base_name_of(base::file_name(seen.path));
  if (base_name == base::file_name(seen.path)) return seen.path;
  const std::string folder = base::parent_path(seen.path);
  const std::string path = seen.path.contains('/') ? base::join_path(folder, base_name) : base_name;
  const bool known = !seen.listed || std::ranges::any_of(listing.files, [&](const SeenFile& other) { return other.path == path; }) ||
                     std::ranges::any_of(origins_.all(), [&](const auto& origin) { return origin->lineage == path; });
  return known ? path : seen.path;
}

Origin& Tailer::add_origin(std::unique_ptr<Origin> origin) {
  const auto& all = origins_.all();
  for (auto it = all.rbegin(); it != all.rend() && origin->after == nullptr; ++it)
    if ((*it)->lineage == origin->lineage && !(*it)->finished) origin->after = it->get();
  origin->last_growth = ports_.clock.mono();
  commits_.add(origin->key, origin->position.paths.back(), origin->position.version, origin->position.offset);
  commits_.set_size(origin->key, std::max(origin->size, origin->position.size));
  return origins_.add(std::move(origin));
}

// `since`: what stands beside it and was born later is as new as this file.
Origin& Tailer::add_new(const SeenFile& seen, const std::string& lineage, base::UnixNanos since, std::unique_ptr<base::ReadableFile> file) {
  auto origin = std::make_unique<Origin>();
  FilePosition& position = origin->position;
  position.identity = FileIdentity::of(seen.info);
  position.first_seen = since;
  position.host = options_.host;
  position.source = sources_[seen.source].config.name;
  position.paths = {lineage};
  const std::string id = fmt::format("{} {} {} {} {} {} {}", options_.host, seen.path, position.identity.inode, position.identity.birth,
                                     position.identity.device, ports_.clock.wall(), ++made_);
  origin->key = position_key(base::hash128(id));
  origin->source = seen.source;
  origin->lineage = lineage;
  origin->stream = stream_of(seen.source, lineage);
  origin->file = std::move(file);
  metrics_.open.set(static_cast<std::int64_t>(++open_));
  origin->rotated = seen.path != lineage || seen.packed;
  origin->packed = seen.packed;
  // What it holds was written to it after it came into being.
  if (seen.info.birth_time != 0 && !seen.packed) origin->caught_up = seen.info.birth_time - coarse_clock_ns;
  origin->dirty = true;  // that it was seen must be known after a restart, also if it is rotated before it has a line
  Origin& added = add_origin(std::move(origin));
  if (added.after != nullptr)
    added.reader.set_line(added.after->reader.line());
  else if (is_first_look(seen) && since == this_scan_)  // nothing of the lineage was known
    ignore_older_siblings(added);
  else if (seen.listed)
    rescan_ = rotated_lineages_.insert(lineage).second || rescan_;
  add_path(added, seen.path);
  added.path = seen.path;
  place(added, seen);
  return added;
}

// Rotated files that no pattern finds and that were there before this engine are none of its business, also those so young that their
// time alone does not tell.
void Tailer::ignore_older_siblings(Origin& origin) {
  for (const auto& seen : siblings(origin.lineage, origin.source))
    if (born(seen.info) > origin.position.first_seen - coarse_clock_ns && !patterns_.covers(origin.source, seen.path))
      origin.position.copies.push_back(FileIdentity::of(seen.info));
}

record::StreamRef Tailer::stream_of(std::size_t source, const std::string& lineage) const {
  const auto& configured = sources_[source].config;
  std::vector<std::pair<std::string, std::string>> labels;
  const auto add = [&](const std::string& name, const std::string& value) {
    labels.emplace_back(name, ports_.redact_label ? ports_.redact_label(value) : value);
  };
  add("source", "file");
  if (!options_.host.empty()) add("host", options_.host);
  add("file", lineage);
  add("service", configured.service.empty() ? stem_of(base::file_name(lineage)) : configured.service);
  for (const auto& [name, value] : configured.labels) add(name, value);
  return record::make_stream(record::Labels(std::move(labels)));
}

// Files that come later are read from their beginning, also after a restart: the store remembers that there was a first start.
void Tailer::mark_first_start() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    FollowedSource& source = sources_[i];
    if (!source.active || source.noted || source.config.start == "beginning") continue;
    record::RawBlock block;
    block.stream = note_stream();
    block.observed_time = ports_.clock.wall();
    block.position = record::Position{start_key(source.config), "1"};
    source.noted = ports_.blocks.try_push(block) == record::PushOutcome::accepted;
    if (source.noted) start_notes_.insert(start_key(source.config));
  }
}

}  // namespace telltale::sources
