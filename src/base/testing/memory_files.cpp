#include "base/testing/memory_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/testing/memory_inode.h"

namespace telltale::base::testing {

// Where a path ends: a folder that exists and a name in it, which may not. The name is empty for "." and "/".
struct MemoryFiles::Place {
  Inode folder;
  std::string name;

  Inode inode() const {
    if (name.empty()) return folder;
    const auto found = folder->entries.find(name);
    return found == folder->entries.end() ? nullptr : found->second;
  }
};

// A creation has no `from`, a removal no `to`, a renaming both.
struct MemoryFiles::EntryChange {
  Inode inode;
  Inode from_folder;
  std::string from_name;
  Inode to_folder;
  std::string to_name;

  void apply_to(MemoryInode::Entries MemoryInode::* entries) const {
    if (from_folder != nullptr) {
      auto& from = (*from_folder).*entries;
      // In a crash another change may have taken the name.
      if (const auto found = from.find(from_name); found != from.end() && found->second == inode) from.erase(found);
    }
    if (to_folder != nullptr) ((*to_folder).*entries)[to_name] = inode;
  }
  bool touches(const Inode& folder) const { return from_folder == folder || to_folder == folder; }
  bool crosses_folders() const { return from_folder != nullptr && to_folder != nullptr && from_folder != to_folder; }
};

namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    if (name == "..") {
      TT_ASSERT(!names.empty(), "paths do not leave their root in MemoryFiles");
      names.pop_back();
    } else if (!name.empty() && name != ".") {
      names.push_back(name);
    }
    at = slash + 1;
  }
  return names;
}

std::unexpected<Error> fail_as(ErrorCode code, std::string_view what, const std::string& path) {
  return fail(code, fmt::format("{} {}: {}", what, path, base::info_of(code).title));
}

}  // namespace

FileInfo MemoryFiles::info_of(const MemoryInode& inode) {
  FileInfo info;
  info.size = inode.data.size();
  info.inode = inode.number;
  info.device = 1;
  info.birth_time = inode.birth_time;
  info.modify_time = inode.modify_time;
  info.links = inode.links;
  info.kind = inode.kind;
  return info;
}

MemoryFiles::MemoryFiles() {
  root_ = new_inode(FileKind::directory);
  working_ = new_inode(FileKind::directory);
}

MemoryFiles::~MemoryFiles() {
  // Present and durable entries together can form circles.
  for (const auto& weak : inodes_) {
    if (const Inode inode = weak.lock()) {
      inode->entries.clear();
      inode->durable_entries.clear();
    }
  }
}

MemoryFiles::Inode MemoryFiles::new_inode(FileKind kind) {
  std::erase_if(inodes_, [](const auto& weak) { return weak.expired(); });
  auto inode = std::make_shared<MemoryInode>();
  inode->number = ++last_inode_;
  inode->kind = kind;
  inode->birth_time = inode->modify_time = tick();
  inodes_.push_back(inode);
  return inode;
}

Result<MemoryFiles::Place> MemoryFiles::place_of(const std::string& path) {
  if (path.empty()) return fail_as(ErrorCode::file_not_found, "looking for", "an empty path");
  std::vector<std::string> names = split(path);
  Place place{path.starts_with('/') ? root_ : working_, {}};
  if (names.empty()) return place;
  place.name = std::move(names.back());
  names.pop_back();
  for (const std::string& name : names) {
    const auto found = place.folder->entries.find(name);
    if (found == place.folder->entries.end()) return fail_as(ErrorCode::file_not_found, "looking for", path);
    if (found->second->kind != FileKind::directory) return fail_as(ErrorCode::not_directory, "looking for", path);
    place.folder = found->second;
  }
  return place;
}

Result<MemoryFiles::Inode> MemoryFiles::find(const std::string& path) {
  auto place = place_of(path);
  if (!place) return pass(place);
  Inode inode = place->inode();
  if (inode == nullptr) return fail_as(ErrorCode::file_not_found, "looking for", path);
  return inode;
}

Result<MemoryFiles::Inode> MemoryFiles::find_directory(const std::string& path) {
  auto inode = find(path);
  if (inode && (*inode)->kind != FileKind::directory) return fail_as(ErrorCode::not_directory, "opening", path);
  return inode;
}

Result<MemoryFiles::Inode> MemoryFiles::find_or_create(const std::string& path, OpenMode mode) {
  auto place = place_of(path);
  if (!place) return pass(place);
  if (Inode inode = place->inode()) {
    if (mode == OpenMode::create_new) return fail_as(ErrorCode::file_exists, "creating", path);
    if (inode->kind == FileKind::directory) return fail_as(ErrorCode::is_directory, "opening", path);
    return inode;
  }
  if (mode == OpenMode::append || mode == OpenMode::append_own) return fail_as(ErrorCode::file_not_found, "opening", path);
  Inode inode = new_inode(FileKind::regular);
  change_entry({inode, nullptr, {}, place->folder, place->name});
  return inode;
}

void MemoryFiles::change_entry(EntryChange change) {
  if (change.to_folder != nullptr) {
    const auto replaced = change.to_folder->entries.find(change.to_name);
    if (replaced != change.to_folder->entries.end()) --replaced->second->links;
    ++change.inode->links;
  }
  if (change.from_folder != nullptr) --change.inode->links;
  change.apply_to(&MemoryInode::entries);
  unsynced_entries_.push_back(std::move(change));
}

Result<FileInfo> MemoryFiles::info(const std::string& path) {
  MutexLock lock(mutex_);
  auto inode = find(path);
  if (!inode) return pass(inode);
  return info_of(**inode);
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
  MutexLock lock(mutex_);
  auto inode = find_directory(directory);
  if (!inode) return pass(inode);
  std::vector<std::string> names;
  for (const auto& [name, entry] : (*inode)->entries) names.push_back(name);
  return names;
}

Status MemoryFiles::rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  auto source = place_of(from);
  if (!source) return pass(source);
  const Inode inode = source->inode();
  if (inode == nullptr || source->name.empty()) return fail_as(ErrorCode::file_not_found, "renaming", from);
  auto target = place_of(to);
  if (!target) return pass(target);
  const Inode replaced = target->inode();
  if (replaced == inode) return {};
  if (replaced != nullptr && replaced->kind == FileKind::directory) {
    if (inode->kind != FileKind::directory) return fail_as(ErrorCode::is_directory, "renaming to", to);
    if (target->name.empty() || !replaced->entries.empty()) return fail_as(ErrorCode::file_exists, "renaming to", to);
  } else if (replaced != nullptr && inode->kind == FileKind::directory) {
    return fail_as(ErrorCode::not_directory, "renaming to", to);
  }
  change_entry({inode, source->folder, source->name, target->folder, target->name});
  return {};
}

Status MemoryFiles::remove(const std::string& path) {
  MutexLock lock(mutex_);
  auto place = place_of(path);
  if (!place) return pass(place);
  const Inode inode = place->inode();
  if (inode == nullptr) return fail_as(ErrorCode::file_not_found, "removing", path);
  if (place->name.empty() || !inode->entries.empty()) return fail_as(ErrorCode::file_exists, "removing the folder (not empty)", path);
  change_entry({inode, place->folder, place->name, nullptr, {}});
  return {};
}

Status MemoryFiles::make_directories_locked(const std::string& path) {
  Inode folder = path.starts_with('/') ? root_ : working_;
  for (const std::string& name : split(path)) {
    Inode& next = folder->entries[name];
    if (next == nullptr) {
      next = new_inode(FileKind::directory);
      next->links = 1;
      folder->durable_entries[name] = next;
    } else if (next->kind != FileKind::directory) {
      return fail_as(ErrorCode::not_directory, "making the directory", path);
    }
    folder = next;
  }
  return {};
}

Status MemoryFiles::make_directories(const std::string& path) {
  MutexLock lock(mutex_);
  return make_directories_locked(path);
}

Status MemoryFiles::sync_directory(const std::string& path) {
  MutexLock lock(mutex_);
  auto found = find_directory(path);
  if (!found) return pass(found);
  const Inode& folder = *found;
  // As in a journal: a renaming between folders takes everything before it along.
  const bool all = std::any_of(unsynced_entries_.begin(), unsynced_entries_.end(),
                               [&](const EntryChange& change) { return change.touches(folder) && change.crosses_folders(); });
  std::erase_if(unsynced_entries_, [&](const EntryChange& change) {
    const bool now = all || change.touches(folder);
    if (now) change.apply_to(&MemoryInode::durable_entries);
    return now;
  });
  return {};
}

Status MemoryFiles::allocate(const std::string& path, std::uint64_t bytes) {
  MutexLock lock(mutex_);
  auto inode = find_or_create(path, OpenMode::create_or_append);
  if (!inode) return pass(inode);
  const std::uint64_t size = (*inode)->data.size();
  if (size >= bytes) return {};
  if (bytes - size > free_bytes()) return fail_as(ErrorCode::disk_full, "reserving space for", path);
  (*inode)->resize(bytes);
  (*inode)->modify_time = tick();
  return {};
}

void MemoryFiles::set_capacity(std::optional<std::uint64_t> bytes) {
  MutexLock lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t MemoryFiles::used_bytes() {
  MutexLock lock(mutex_);
  return sum_of_sizes();
}

std::uint64_t MemoryFiles::sum_of_sizes() const {
  std::uint64_t sum = 0;
  for (const auto& weak : inodes_) {
    const Inode inode = weak.lock();
    if (inode != nullptr && (inode->links > 0 || inode->handles > 0)) sum += inode->data.size();
  }
  return sum;
}

std::uint64_t MemoryFiles::free_bytes() const {
  if (!capacity_) return UINT64_MAX;
  const std::uint64_t used = sum_of_sizes();
  return used < *capacity_ ? *capacity_ - used : 0;
}

void MemoryFiles::settle_entries(UnsyncedEntries policy, std::mt19937_64& random) {
  for (const EntryChange& change : unsynced_entries_) {
    const bool kept = policy == UnsyncedEntries::keep_all || (policy == UnsyncedEntries::independent && random() % 2 == 0);
    if (kept) change.apply_to(&MemoryInode::durable_entries);
  }
  unsynced_entries_.clear();
}

// Of everything below; all counts are zero before.
void MemoryFiles::count_links(MemoryInode& directory) {
  for (const auto& [name, inode] : directory.entries) {
    if (inode->links++ == 0) count_links(*inode);
  }
}

void MemoryFiles::crash(const CrashPolicy& policy) {
  MutexLock lock(mutex_);
  ++epoch_;
  std::mt19937_64 random(policy.seed);
  settle_entries(policy.entries, random);
  for (const auto& weak : inodes_) {
    const Inode inode = weak.lock();
    if (inode == nullptr) continue;
    inode->durable = surviving_data(*inode, policy, random);
    inode->data = inode->durable;
    inode->unsynced.clear();
    inode->entries = inode->durable_entries;
    inode->links = 0;
    inode->handles = 0;
    inode->locked = false;
  }
  count_links(*root_);
  count_links(*working_);
}

void MemoryFiles::put(const std::string& path, std::string_view text) {
  MutexLock lock(mutex_);
  TT_ASSERT(make_directories_locked(parent_path(path)).has_value(), "the folder of a file that is put: " + path);
  auto place = place_of(path);
  TT_ASSERT(place.has_value() && !place->name.empty(), "the path of a file that is put: " + path);
  auto inode = find_or_create(path, OpenMode::create_or_append);
  TT_ASSERT(inode.has_value(), "a file can be put there: " + path);
  place->folder->durable_entries[place->name] = *inode;
  (*inode)->data = (*inode)->durable = text;
  (*inode)->unsynced.clear();
  (*inode)->modify_time = tick();
}

std::string MemoryFiles::get(const std::string& path) {
  MutexLock lock(mutex_);
  auto inode = find(path);
  TT_ASSERT(inode.has_value(), "a file that a test looks at exists: " + path);
  return (*inode)->data;
}

void MemoryFiles::damage(const std::string& path, std::uint64_t offset, std::uint8_t mask) {
  MutexLock lock(mutex_);
  auto inode = find(path);
  TT_ASSERT(inode.has_value() && offset < (*inode)->data.size(), "a byte that is damaged exists: " + path);
  for (std::string* text : {&(*inode)->data, &(*inode)->durable}) {
    if (offset < text->size()) (*text)[offset] = static_cast<char>((*text)[offset] ^ mask);
  }
}

}  // namespace telltale::base::testing
