// Names: which files stand where now, compared with what is known.
#include <fmt/format.h>

#include "sources/file/rotation_name.h"
#include "sources/file/tailer.h"
#include "telemetry/log.h"

namespace telltale::sources {
namespace {

constexpr unsigned most_rescans = 8;

std::set<std::string> lineages_of(const std::map<std::string, std::size_t>& from) {
  std::set<std::string> lineages;
  for (const auto& [lineage, source] : from) lineages.insert(lineage);
  return lineages;
}

bool is_below(const std::string& path, const std::string& folder) {
  return folder == "." ? !path.starts_with('/')
                       : path == folder || (path.starts_with(folder) && (folder.ends_with('/') || path[folder.size()] == '/'));
}

}  // namespace

void Tailer::scan(bool thorough) {
  rescan_ = false;
  this_scan_ = ports_.clock.wall();
  if (first_scan_) complete_scan_ = before_scan_ = this_scan_;
  const Listing listing = patterns_.find(ports_.files);
  problems_before_ = std::exchange(problems_, {});
  for (const auto& problem : listing.problems) note_problem(problem.path, problem.error);
  watch(listing);
  const auto unclear = std::exchange(unclear_, {});
  rotated_lineages_.merge(lineages_of(unclear));
  rotated_lineages_.merge(lineages_of(std::exchange(unreadable_, {})));
  FreshFiles fresh = place_known(listing);
  detach_missing(listing);
  note_lineages(fresh);
  look_beside(listing, fresh, thorough || first_scan_);
  attach(fresh, listing);
  retry_failed();
  note_damage();
  if (thorough) forget_missing();
  send_forgotten();
  first_scan_ = false;
  end_first_looks();
  problems_before_.clear();
  end_scan();
  metrics_.files.set(static_cast<std::int64_t>(by_path_.size()));
  metrics_.positions.set(static_cast<std::int64_t>(origins_.all().size() + stored_.size()));
}

// A look during which names changed may have missed a file; the next one must still take it for new.
void Tailer::end_scan() {
  rescans_ = rescan_ ? rescans_ + 1 : 0;
  // Such as a link that points nowhere: no number of looks will do.
  if (rescans_ > most_rescans) rescan_ = false;
  inspector_.end_look();
  if (!rescan_) before_scan_ = std::exchange(complete_scan_, this_scan_);
}

// What could not be read is tried again at each look; it is said again only when it had been well in between.
void Tailer::retry_failed() {
  for (const auto& origin : origins_.all()) {
    if (!origin->failed) continue;
    origin->failed = false;
    const std::string& name = origin->path.empty() ? origin->position.paths.back() : origin->path;
    if (const auto it = problems_before_.find(name); it != problems_before_.end()) problems_.insert(*it);
    if (open(*origin)) {
      problems_.erase(name);
      enqueue(*origin);
    } else if (origin->leave_at) {
      enqueue(*origin);  // nobody waits for it
    }
  }
}

void Tailer::watch(const Listing& listing) {
  const auto note = [&](const std::string& path, const base::Status& status) {
    if (status) {
      watch_problems_.erase(path);
      return;
    }
    // Said once, however many there are.
    const bool first = watch_problems_.empty();
    watch_problems_.insert_or_assign(path, status.error());
    if (first)
      telemetry::log(telemetry::LogLevel::warning, "file", "{}; files there are looked at every {} s", status.error().message(),
                     options_.sweep_interval_ns / base::nanos_per_second);
  };
  std::erase_if(watch_problems_, [&](const auto& item) {
    return std::ranges::find(listing.folders, item.first) == listing.folders.end() && !watched_.contains(item.first);
  });
  for (const auto& folder : listing.folders) note(folder, ports_.watcher.watch_folder(folder));
  for (const auto& seen : listing.files)
    if (watched_.insert(seen.path).second) note(seen.path, ports_.watcher.watch_link(seen.path));
}

// Puts the origins whose file was found where it was found; the rest is new here.
Tailer::FreshFiles Tailer::place_known(const Listing& listing) {
  FreshFiles fresh;
  ++stamp_;
  for (const auto& seen : listing.files) {
    Origin* origin = origins_.find(FileIdentity::of(seen.info));
    if (origin == nullptr) {
      add_fresh(seen, fresh);
    } else if (origin->seen_in != stamp_) {
      place(*origin, seen);
    }
  }
  return fresh;
}

void Tailer::place(Origin& origin, const SeenFile& seen) {
  origin.seen_in = stamp_;
  if (origin.path != seen.path) {
    const auto old = by_path_.find(origin.path);
    if (old != by_path_.end() && old->second == &origin) by_path_.erase(old);
    const bool moved = !origin.path.empty() || origin.rotated;
    origin.path = seen.path;
    if (moved) {
      add_path(origin, seen.path);
      if (!origin.rotated) {
        metrics_.rotations.add();
        origin.last_growth = ports_.clock.mono();
        rotated_lineages_.insert(origin.lineage);
      }
      origin.rotated = seen.path != origin.lineage || origin.packed;
      origin.drained = origin.finished && origin.packed;
    }
  }
  by_path_[seen.path] = &origin;
  origin.listed = seen.listed;
  const std::uint64_t size = size_now(origin, seen);
  note_growth(origin, size > origin.size);
  if (size > origin.reader.read_end()) {
    origin.finished = false;
    set_size(origin, size);
    if (!check_size(origin)) return;
  }
  enqueue(origin);
  if (size < origin.reader.read_end() && !origin.finished) return touched(seen.path);
  // Written to, and as long as before: was it truncated and has just so much again?
  const bool written = std::exchange(origin.modified, seen.info.modify_time) != seen.info.modify_time;
  if (!written || size != origin.reader.read_end() || origin.finished || origin.packed || !open(origin)) return;
  if (!still_holds(origin).value_or(true)) on_replaced(origin);
}

// Origins whose path holds nothing or another file now. A folder that cannot be looked into tells nothing.
void Tailer::detach_missing(const Listing& listing) {
  for (const auto& owned : origins_.all()) {
    Origin& origin = *owned;
    if (!origin.listed || origin.seen_in == stamp_) continue;
    const bool unknown =
        std::ranges::any_of(listing.problems, [&](const Glob::Problem& problem) { return is_below(origin.path, problem.path); });
    if (unknown) continue;
    origin.listed = false;
    if (!origin.rotated) {
      metrics_.rotations.add();
      origin.drained = false;
    }
    origin.rotated = true;
    origin.last_growth = ports_.clock.mono();
    rotated_lineages_.insert(origin.lineage);
    const auto it = by_path_.find(origin.path);
    if (it != by_path_.end() && it->second == &origin) by_path_.erase(it);
    origin.path.clear();
    enqueue(origin);
  }
}

// A new file where programs write may not be the first since the last look.
void Tailer::note_lineages(const FreshFiles& fresh) {
  std::set<std::string> paths;
  for (const auto& file : fresh) paths.insert(file.seen.path);
  for (const auto& origin : origins_.all())
    if (paths.contains(origin->lineage)) rotated_lineages_.insert(origin->lineage);
  // Where a compressed file is new, what it was made from must be looked for too.
  for (const auto& file : fresh)
    if (file.seen.packed) rotated_lineages_.insert(lineage_path(file.seen.path));
}

// Rotated files often have names that no pattern finds.
void Tailer::look_beside(const Listing& listing, FreshFiles& fresh, bool thorough) {
  std::set<std::string> listed;
  for (const auto& seen : listing.files) listed.insert(seen.path);
  std::map<std::string, std::size_t> lineages;
  for (const auto& origin : origins_.all()) {
    const bool lost = origin->rotated && !origin->listed && !origin->forget && (thorough || origin->failed || origin->path.empty());
    if (lost || rotated_lineages_.contains(origin->lineage)) lineages.emplace(origin->lineage, origin->source);
  }
  for (const auto& [key, position] : stored_)
    for (std::size_t i = 0; i < sources_.size(); ++i)
      if (patterns_.covers(i, position.paths.front())) lineages.emplace(position.paths.front(), i);
  for (const auto& [lineage, source] : lineages) look_beside_lineage(lineage, source, listed, fresh);
  detach_unlisted(thorough);
  rotated_lineages_.clear();
}

// A rotated file that no pattern finds, and that was not found beside its lineage either. Who has it open reads on.
void Tailer::detach_unlisted(bool thorough) {
  for (const auto& owned : origins_.all()) {
    Origin& origin = *owned;
    const bool lost = origin.rotated && !origin.listed && !origin.finished && !origin.path.empty() && origin.seen_in != stamp_;
    if (!lost || !(thorough || origin.failed)) continue;
    const auto info = ports_.files.info(origin.path);
    const bool there =
        info ? FileIdentity::of(*info).same_file(origin.position.identity) : info.error().code != base::ErrorCode::file_not_found;
    if (there) continue;
    const auto it = by_path_.find(origin.path);
    if (it != by_path_.end() && it->second == &origin) by_path_.erase(it);
    origin.path.clear();
    enqueue(origin);
  }
}

void Tailer::look_beside_lineage(const std::string& lineage, std::size_t source, const std::set<std::string>& listed, FreshFiles& fresh) {
  const base::UnixNanos since = newest_first_seen(lineage);
  for (auto& seen : siblings(lineage, source)) {
    if (listed.contains(seen.path)) continue;
    const auto identity = FileIdentity::of(seen.info);
    if (Origin* origin = origins_.find(identity)) {
      if (!origin->listed) place(*origin, seen);
      continue;
    }
    if (is_known_copy(identity, false)) continue;
    const bool stored = std::ranges::any_of(stored_, [&](const auto& entry) { return entry.second.identity.same_file(identity); });
    const bool rotation_name = base_name_of(base::file_name(seen.path)) == base::file_name(lineage);
    const bool unseen = rotation_name && since != 0 && born(seen.info) > since - coarse_clock_ns;
    const bool twice =
        std::ranges::any_of(fresh, [&](const Fresh& other) { return FileIdentity::of(other.seen.info).same_file(identity); });
    if ((stored || unseen) && !twice) fresh.push_back({std::move(seen)});
  }
  look_beside_packed(lineage, source, fresh);
}

// Files beside a lineage's own that may be rotated forms of it, by name.
std::vector<SeenFile> Tailer::siblings(const std::string& lineage, std::size_t source, bool packed) {
  std::vector<SeenFile> found;
  const std::string folder = base::parent_path(lineage);
  const auto names = ports_.files.list(folder);
  if (!names) return found;
  for (const auto& name : *names) {
    if (is_compressed_name(name) != packed || (packed && packing_of(name) == Packing::none)) continue;
    if (!is_sibling_name(name, base::file_name(lineage))) continue;
    const std::string path = folder == "." && !lineage.starts_with("./") ? name : base::join_path(folder, name);
    const auto info = ports_.files.info(path);
    if (info && info->kind == base::FileKind::regular)
      found.push_back({path, *info, source, false, {}});
    else if (!info && info.error().code == base::ErrorCode::file_not_found)
      rescan_ = true;
  }
  return found;
}

base::UnixNanos Tailer::newest_first_seen(const std::string& lineage) const {
  base::UnixNanos newest = 0;
  for (const auto& origin : origins_.all())
    if (origin->lineage == lineage) newest = std::max(newest, origin->position.first_seen);
  for (const auto& [key, position] : stored_)
    if (position.paths.front() == lineage) newest = std::max(newest, position.first_seen);
  return newest;
}

// Positions of files that are done with and no longer exist are not needed.
void Tailer::forget_missing() {
  for (const auto& owned : origins_.all()) {
    Origin& origin = *owned;
    if (origin.listed || origin.forget || origin.seen_in == stamp_) continue;
    if (!origin.finished && (origin.file != nullptr || origin.path.empty())) continue;
    const auto info = origin.path.empty() ? base::Result<base::FileInfo>(base::fail(base::ErrorCode::file_not_found, ""))
                                          : ports_.files.info(origin.path);
    const bool there =
        info ? FileIdentity::of(*info).same_file(origin.position.identity) : info.error().code != base::ErrorCode::file_not_found;
    if (there || may_be_packed(origin.lineage) || take_packed_form(origin)) continue;
    if (!origin.finished) {
      origin.path.clear();  // it is not where it was, and nobody holds it
      continue;
    }
    origin.forget = true;
    enqueue(origin);
  }
}

}  // namespace telltale::sources
