// Rotated, truncated, deleted: what happens to an origin whose file is no longer where programs write.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "sources/file/rotation_name.h"
#include "sources/file/tailer.h"
#include "telemetry/log.h"

namespace telltale::sources {

namespace {

// By the mean length of the lines at the file's beginning and before the place where reading stopped. At least one: bytes that are missing
// were a line, or a part of one. Nothing where no line was read.
std::optional<std::uint64_t> estimated_lines(const LineReader& reader, std::uint64_t bytes) {
  const auto lines_in = [](std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); };
  const std::uint64_t lines = lines_in(reader.head()) + lines_in(reader.tail());
  if (lines == 0) return std::nullopt;
  const std::uint64_t mean = std::max<std::uint64_t>((reader.head().size() + reader.tail().size()) / lines, 1);
  return std::max<std::uint64_t>((bytes + mean / 2) / mean, 1);
}

}  // namespace

// The bytes before the read position are gone. What was not read is looked for in a copy; the file itself begins anew.
void Tailer::on_replaced(Origin& origin) {
  metrics_.truncations.add();
  origin.must_reach = std::max({origin.must_reach, origin.sound_size, origin.reader.read_end()});
  const SeenFile here{origin.path, origin.file ? origin.file->info().value_or(base::FileInfo{}) : base::FileInfo{}, origin.source,
                      origin.listed};
  const std::string path = origin.path;
  origins_.unindex(origin);
  if (const auto it = by_path_.find(path); it != by_path_.end() && it->second == &origin) by_path_.erase(it);
  origin.path.clear();
  origin.rotated = true;
  origin.cut_away = true;
  origin.packed.reset();
  origin.listed = false;
  origin.drained = false;
  auto file = std::move(origin.file);
  metrics_.open.set(static_cast<std::int64_t>(--open_));
  if (!move_to_copy(origin) && !seek_packed_copy(origin)) give_up(origin, record::GapReason::truncated_before_read);
  const bool stands = !path.empty() && here.info.inode != 0 && here.info.links > 0 && sources_[origin.source].active;
  if (!stands || origins_.find(FileIdentity::of(here.info)) != nullptr) return;
  Origin& next = add_new(here, origin.lineage, std::max(origin.position.first_seen, before_scan_), std::move(file));
  next.after = &origin;
  next.after_truncation = true;
}

// The copy may have been compressed already: then that is looked for before anything is given up.
bool Tailer::seek_packed_copy(Origin& origin) {
  const auto packed = siblings(origin.lineage, origin.source, true);
  const bool any = std::ranges::any_of(packed, [&](const SeenFile& seen) {
    return origins_.find(FileIdentity::of(seen.info)) == nullptr && seen.info.modify_time > origin.position.first_seen - coarse_clock_ns;
  });
  if (!any) return false;
  rescan_ = rotated_lineages_.insert(origin.lineage).second || rescan_;
  return true;
}

void Tailer::add_path(Origin& origin, const std::string& path) {
  auto& paths = origin.position.paths;
  if (paths.back() == path) return;
  paths.push_back(path);
  if (paths.size() > most_paths) paths.erase(paths.begin() + 1);
}

record::Gap Tailer::gap_of(const Origin& origin, record::GapReason reason, std::uint64_t from, std::uint64_t to) const {
  record::Gap gap;
  gap.reason = reason;
  gap.from_time = std::max(origin.position.first_seen, origin.caught_up);
  gap.to_time = ports_.clock.wall();
  gap.range = record::RawRange{from, to, {}};
  gap.lines = estimated_lines(origin.reader, to - from);
  const std::string& path = origin.position.paths.back();
  gap.detail = fmt::format("{} of {} were not read before it was {}", base::format_bytes(to - from),
                           ports_.redact_label ? ports_.redact_label(path) : path,
                           reason == record::GapReason::truncated_before_read ? "truncated" : "gone");
  return gap;
}

// Nothing more can be read: states what is missing and forgets the position.
void Tailer::give_up(Origin& origin, record::GapReason reason) {
  const std::uint64_t from = origin.pending ? origin.pending->line.to : origin.reader.offset();
  origin.forget = true;
  if (origin.must_reach > from) origin.gap = gap_of(origin, reason, from, origin.must_reach);
  enqueue(origin);
  if (!origin.gap) mark_drained(origin);
}

// Nobody writes any more: an unfinished line is as complete as it will be, and what is known to be missing is a gap.
void Tailer::finish(Origin& origin) {
  if ((origin.deleted || origin.path.empty()) && take_packed_form(origin)) return;
  LineBlock block;
  if (origin.reader.take_unterminated(block)) {
    prepare(origin, std::move(block));
    enqueue(origin);
    return;
  }
  const std::uint64_t from = origin.reader.read_end();
  const bool unreachable = origin.file == nullptr && origin.path.empty();
  const std::uint64_t to = unreachable ? std::max(origin.must_reach, origin.sound_size) : origin.must_reach;
  if (auto damage = damage_gap(origin)) {
    origin.gap = std::move(damage);
    origin.position.end_told = true;
    origin.must_reach = 0;
  } else if (to > from) {
    const auto reason = unreachable && !origin.cut_away ? record::GapReason::rotated_away : record::GapReason::truncated_before_read;
    origin.gap = gap_of(origin, reason, from, to);
    origin.must_reach = 0;
  }
  mark_drained(origin);
  origin.finished = true;
  close(origin);
  if (origin.deleted || origin.path.empty()) origin.forget = true;
  enqueue(origin);
}

void Tailer::tend() {
  const base::MonoNanos now = ports_.clock.mono();
  std::vector<Origin*> held;
  for (std::size_t i = 0; i < origins_.all().size(); ++i) {
    Origin& origin = *origins_.all()[i];
    if (origin.rotated && !origin.finished && !origin.forget && !origin.gap) tend_rotated(origin, now, held);
  }
  limit_deleted(held);
  // Over the budget the oldest go first.
  const std::size_t excess = held.size() > options_.max_held_files ? held.size() - options_.max_held_files : 0;
  for (std::size_t i = 0; i < excess; ++i)
    if (held[i]->file != nullptr && !held[i]->has_work() && !held[i]->waiting) finish(*held[i]);
  held_ = held.size();
  metrics_.held.set(static_cast<std::int64_t>(held_));
}

void Tailer::tend_rotated(Origin& origin, base::MonoNanos now, std::vector<Origin*>& held) {
  if (!open(origin)) {
    if (origin.path.empty() && !may_be_packed(origin.lineage)) finish(origin);
    return;
  }
  auto info = origin.file->info();
  if (!info) return fail(origin, info.error());
  origin.deleted = info->links == 0;
  if (info->size != origin.reader.read_end()) {
    set_size(origin, info->size);
    enqueue(origin);
  }
  const bool reopenable = !origin.deleted && !origin.path.empty();
  const std::int64_t patience = origin.packed ? 0 : reopenable ? options_.held_idle_ns : options_.deleted_idle_ns;
  if (!origin.has_work() && !origin.waiting && !origin.is_blocked() && now - origin.last_growth >= patience) {
    finish(origin);
  } else if (!origin.listed) {
    held.push_back(&origin);
  }
}

// A deleted file takes its room on the disk until it is closed. Over the budget the oldest go first.
void Tailer::limit_deleted(const std::vector<Origin*>& held) {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  const auto counts = [](const Origin& origin) { return origin.deleted && origin.file != nullptr; };
  for (const Origin* origin : held) {
    if (!counts(*origin)) continue;
    ++files;
    bytes += origin->size;
  }
  for (Origin* origin : held) {
    if (files <= options_.max_deleted_files && bytes <= options_.max_deleted_bytes) break;
    if (!counts(*origin)) continue;
    --files;
    bytes -= origin->size;
    let_go(*origin);
  }
  metrics_.deleted_files.set(static_cast<std::int64_t>(files));
  metrics_.deleted_bytes.set(static_cast<std::int64_t>(bytes));
}

// Closes a deleted file now. What was not read is taken from a compressed form where there is one; else it is a stated loss.
void Tailer::let_go(Origin& origin) {
  origin.must_reach = std::max({origin.must_reach, origin.sound_size, origin.size});
  close(origin);
  origin.path.clear();
  if (take_packed_form(origin) || may_be_packed(origin.lineage)) return;
  LineBlock last;
  if (!origin.pending && origin.reader.read_end() >= origin.must_reach && origin.reader.take_unterminated(last))
    prepare(origin, std::move(last));
  give_up(origin, record::GapReason::deleted_before_read);
}

// The origin ends here; its position was removed.
void Tailer::drop(Origin& origin) {
  mark_drained(origin);
  close(origin);
  if (origin.pending) --pending_;
  if (const auto it = by_path_.find(origin.path); it != by_path_.end() && it->second == &origin) by_path_.erase(it);
  origins_.remove(origin);
}

}  // namespace telltale::sources
