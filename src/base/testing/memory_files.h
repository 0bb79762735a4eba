// A file system in memory that knows what a power cut would leave of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"

namespace telltale::base::testing {

// What a power cut leaves of file data that was not synced.
enum class UnsyncedData : std::uint8_t {
  lose_all,  // each file is as at its last sync
  keep_all,  // as if everything had been synced
  prefix,    // the first part of what was written since, cut anywhere: a torn write
  reorder,   // any sectors of what was written since: lost ones before a kept one read as zeros, the size may be the full one
};

// What it leaves of creations, renames and removals in directories that were not synced since.
enum class UnsyncedEntries : std::uint8_t { lose_all, keep_all, independent };

struct CrashPolicy {
  UnsyncedData data = UnsyncedData::lose_all;
  UnsyncedEntries entries = UnsyncedEntries::lose_all;
  std::uint32_t granularity = 512;  // bytes of a sector: where `prefix` cuts and what `reorder` keeps or loses as one; 1 is allowed
  std::uint64_t seed = 1;           // of every choice: the same seed and history leave the same files
};

class MemoryWriter;
struct MemoryInode;

// The whole Files port, deterministic: inode numbers and times count up. As strict as POSIX: syncing a file does not sync its name,
// that needs sync_directory(); make_directories() alone is durable at once, as the port says. Renames are atomic in a crash. The
// folders "." and "/" always exist; there are no symbolic links. Thread-safe. Outlives its handles and locks.
class MemoryFiles final : public Files {
 public:
  MemoryFiles();
  ~MemoryFiles() override;

  Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> open_write(const std::string& path, OpenMode mode) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<FileInfo> link_info(const std::string& path) override { return info(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status allocate(const std::string& path, std::uint64_t bytes) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, std::string_view content) override;

  // open_write() with the type that has more.
  Result<std::unique_ptr<MemoryWriter>> open_writer(const std::string& path, OpenMode mode);

  // The power goes off and on: unsynced data and entries are treated as `policy` says, locks are gone, every handle opened before
  // fails with io_error from now on.
  void crash(const CrashPolicy& policy);

  // The sum of all files' sizes may not grow over `bytes`: what does not fit fails with disk_full after a short write. Empty: no limit.
  void set_capacity(std::optional<std::uint64_t> bytes);
  std::uint64_t used_bytes();

  // For preparing and looking at files in tests; all end the program when the path cannot be used.
  // Makes or replaces the file, with its folders, durable at once.
  void put(const std::string& path, std::string_view text);
  std::string get(const std::string& path);
  // Inverts the bits of `mask` in the byte at `offset`, durably: damage.
  void damage(const std::string& path, std::uint64_t offset, std::uint8_t mask = 1);

 private:
  friend class MemoryWriter;
  friend class MemoryReader;
  friend class MemoryLock;
  using Inode = std::shared_ptr<MemoryInode>;  // second owners: open handles and directories' durable entries
  struct Place;
  struct EntryChange;

  static FileInfo info_of(const MemoryInode& inode);
  Result<Place> place_of(const std::string& path) TT_REQUIRES(mutex_);
  Result<Inode> find(const std::string& path) TT_REQUIRES(mutex_);
  Result<Inode> find_directory(const std::string& path) TT_REQUIRES(mutex_);
  Result<Inode> find_or_create(const std::string& path, OpenMode mode) TT_REQUIRES(mutex_);
  Inode new_inode(FileKind kind) TT_REQUIRES(mutex_);
  Status make_directories_locked(const std::string& path) TT_REQUIRES(mutex_);
  void change_entry(EntryChange change) TT_REQUIRES(mutex_);
  void settle_entries(UnsyncedEntries policy, std::mt19937_64& random) TT_REQUIRES(mutex_);
  void count_links(MemoryInode& directory) TT_REQUIRES(mutex_);
  std::uint64_t sum_of_sizes() const TT_REQUIRES(mutex_);
  std::uint64_t free_bytes() const TT_REQUIRES(mutex_);
  UnixNanos tick() TT_REQUIRES(mutex_) { return now_ += nanos_per_millisecond; }

  mutable Mutex mutex_;
  Inode root_ TT_GUARDED_BY(mutex_);     // "/"
  Inode working_ TT_GUARDED_BY(mutex_);  // "."
  std::vector<EntryChange> unsynced_entries_ TT_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<MemoryInode>> inodes_ TT_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> capacity_ TT_GUARDED_BY(mutex_);
  std::uint64_t epoch_ TT_GUARDED_BY(mutex_) = 0;  // counts crashes
  std::uint64_t last_inode_ TT_GUARDED_BY(mutex_) = 0;
  UnixNanos now_ TT_GUARDED_BY(mutex_) = 1'700'000'000 * nanos_per_second;
};

class MemoryWriter final : public WritableFile {
 public:
  ~MemoryWriter() override;
  Status append(std::span<const std::string_view> pieces) override;
  Status sync() override;
  Status truncate(std::uint64_t size) override;
  std::uint64_t size() const override { return size_; }

  // What a failed fsync of Linux does: what is unsynced can still be read, and will never be durable, even if a later sync succeeds.
  void forget_unsynced();
  // The path it was opened with.
  const std::string& path() const { return path_; }

 private:
  friend class MemoryFiles;
  MemoryWriter(MemoryFiles& files, std::shared_ptr<MemoryInode> inode, std::string path, std::uint64_t epoch, std::uint64_t size);

  MemoryFiles& files_;
  const std::shared_ptr<MemoryInode> inode_;  // second owners: the directories' entries
  const std::string path_;
  const std::uint64_t epoch_;
  std::uint64_t size_;
};

}  // namespace telltale::base::testing
