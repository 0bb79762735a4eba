#include "sources/packed/inspector.h"

#include <algorithm>

namespace telltale::sources {

Inspector::Answer Inspector::ask(const std::string& path, const base::FileInfo& info, base::MonoNanos now) {
  Entry& entry = entries_[{info.inode, info.birth_time}];
  entry.asked_in = look_;
  entry.path = path;
  const bool changed = entry.packed_bytes != info.size || entry.modified != info.modify_time || entry.changed == 0;
  if (changed) {
    // One that is looked through goes on: what it has become is seen at its end.
    entry.changed = std::max<base::MonoNanos>(now, 1);
    entry.packed_bytes = info.size;
    entry.modified = info.modify_time;
    if (!entry.waits()) entry.file.reset();
    entry.verdict.reset();
  }
  Answer answer;
  if (entry.error) answer.error = &*entry.error;
  if (!changed && entry.verdict) {
    const bool may_grow = entry.verdict->end == PackedEnd::cut_off && now - entry.changed < patience_ns_;
    if (!may_grow) answer.verdict = &*entry.verdict;
  }
  if (answer.error != nullptr) {
    problem_ = *entry.error;
    answer.error = &*problem_;
    entry.error.reset();  // tried again
  }
  count_waiting();
  return answer;
}

base::Status Inspector::open(Entry& entry, std::pair<std::uint64_t, base::UnixNanos> identity) {
  auto file = files_.open_read(entry.path);
  if (!file) return base::pass(file);
  auto info = (*file)->info();
  if (!info) return base::pass(info);
  if (std::pair(info->inode, info->birth_time) != identity)
    return base::fail(base::ErrorCode::file_not_found, "another file has taken its place");
  entry.file = std::make_unique<PackedFile>(std::move(*file), packing_of(entry.path), std::nullopt);
  return {};
}

// One file at a time, so that one window is in memory.
bool Inspector::work(std::uint64_t budget) {
  const auto it = std::ranges::find_if(entries_, [](const auto& item) { return item.second.waits(); });
  if (it == entries_.end()) return false;
  Entry& entry = it->second;
  base::Status done;
  if (entry.file == nullptr) done = open(entry, it->first);
  if (done) done = entry.file->advance(budget);
  if (!done) {
    entry.error = done.error();
  } else if (entry.file->verdict().end != PackedEnd::unknown) {
    entry.verdict = entry.file->verdict();
    entry.verdict->packed_bytes = entry.packed_bytes;
  } else {
    return false;
  }
  entry.file.reset();
  count_waiting();
  return true;
}

void Inspector::count_waiting() {
  waiting_ = static_cast<std::size_t>(std::ranges::count_if(entries_, [](const auto& item) { return item.second.waits(); }));
}

void Inspector::end_look() {
  std::erase_if(entries_, [&](const auto& item) { return item.second.asked_in + 1 < look_; });
  ++look_;
  count_waiting();
}

}  // namespace telltale::sources
