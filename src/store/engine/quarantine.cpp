#include "store/engine/quarantine.h"

#include <algorithm>

namespace telltale::store {

namespace {

constexpr std::uint64_t copy_step = 1024 * 1024;
constexpr std::string_view suspect_suffix = ".suspect";

std::string quarantine_folder(const std::string& folder) {
  return base::join_path(folder, "quarantine");
}

base::Status copy_range(base::ReadableFile& from, const DamagedRange& range, base::WritableFile& to) {
  std::string buffer;
  for (std::uint64_t done = 0; done < range.size;) {
    buffer.resize(std::min(copy_step, range.size - done));
    auto got = from.read_at(range.offset + done, buffer);
    if (!got) return base::pass(got);
    if (*got == 0) break;
    const std::string_view piece(buffer.data(), *got);
    if (auto appended = to.append({&piece, 1}); !appended) return appended;
    done += *got;
  }
  return to.sync();
}

}  // namespace

base::Status copy_damage(base::Files& files, const std::string& folder, const Segment& segment, const DamagedRange& range) {
  const std::string quarantine = quarantine_folder(folder);
  const std::string name = std::string(base::file_name(segment.path())) + "-" + std::to_string(range.offset) + ".bytes";
  const std::string path = base::join_path(quarantine, name);
  if (files.info(path)) return {};
  if (auto made = files.make_directories(quarantine); !made) return made;
  auto from = open_segment(files, segment.path());
  if (!from) return base::pass(from);
  const std::string unfinished = path + ".new";
  if (files.info(unfinished)) {
    if (auto removed = files.remove(unfinished); !removed) return removed;
  }
  auto to = files.open_write(unfinished, base::OpenMode::create_new);
  if (!to) return base::pass(to);
  if (auto copied = copy_range(**from, range, **to); !copied) return copied;
  if (auto renamed = files.rename(unfinished, path); !renamed) return renamed;
  return files.sync_directory(quarantine);
}

std::vector<Sequence> suspected_segments(base::Files& files, const std::string& folder) {
  std::vector<Sequence> out;
  auto names = files.list(quarantine_folder(folder));
  if (!names) return out;  // none was ever made
  for (const std::string& name : *names) {
    if (!name.ends_with(suspect_suffix)) continue;
    if (const auto first = parse_segment_name(std::string_view(name).substr(0, name.size() - suspect_suffix.size()))) out.push_back(*first);
  }
  return out;
}

namespace {

std::string suspect_path(const std::string& folder, Sequence first_sequence) {
  const std::string path = segment_path(folder, first_sequence);
  return base::join_path(quarantine_folder(folder), std::string(base::file_name(path)) + std::string(suspect_suffix));
}

}  // namespace

base::Status note_suspect(base::Files& files, const std::string& folder, Sequence first_sequence) {
  if (auto made = files.make_directories(quarantine_folder(folder)); !made) return made;
  auto note = files.open_write(suspect_path(folder, first_sequence), base::OpenMode::create_or_append);
  if (!note) return base::pass(note);
  return files.sync_directory(quarantine_folder(folder));
}

base::Status forget_suspect(base::Files& files, const std::string& folder, Sequence first_sequence) {
  auto removed = files.remove(suspect_path(folder, first_sequence));
  if (!removed && removed.error().code != base::ErrorCode::file_not_found) return removed;
  return {};
}

base::Status set_aside(base::Files& files, const std::string& folder, const Segment& segment) {
  const std::string quarantine = quarantine_folder(folder);
  if (auto made = files.make_directories(quarantine); !made) return made;
  const std::string name = base::join_path(quarantine, base::file_name(segment.path()));
  std::string target = name;
  for (int copy = 2; files.info(target); ++copy) target = name + "." + std::to_string(copy);
  if (auto renamed = files.rename(segment.path(), target); !renamed) return renamed;
  if (auto synced = files.sync_directory(quarantine); !synced) return synced;
  return files.sync_directory(segments_folder(folder));
}

}  // namespace telltale::store
