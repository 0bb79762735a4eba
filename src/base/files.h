// The file system as a parameter. PosixFiles is the real one; base/testing has one in memory and one that fails and loses
// unsynced data on purpose. Paths are plain strings, absolute or relative to the working folder.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace telltale::base {

enum class FileKind : std::uint8_t { regular, directory, symlink, other };

struct FileInfo {
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // a hint only: it changes over reboots
  UnixNanos birth_time = 0;  // 0 where the file system has none
  UnixNanos modify_time = 0;
  std::uint64_t links = 1;  // 0: deleted but still open
  FileKind kind = FileKind::regular;
  bool own = true;  // it belongs to the user that this program runs as
};

// One reader; may be used from one thread at a time.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads up to out.size() bytes at `offset`; returns how many (0 at the end). Short only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
  virtual Result<FileInfo> info() = 0;
};

// One writer that appends; may be used from one thread at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // Appends all pieces in order. On an error the file may hold a part of them: size() tells how far it got.
  virtual Status append(std::span<const std::string_view> pieces) = 0;
  // Makes what was appended durable. After a failure nothing about unsynced data is known: never trust this file again.
  virtual Status sync() = 0;
  // Cuts the file to `size` bytes.
  virtual Status truncate(std::uint64_t size) = 0;
  // Bytes in the file as this writer knows it.
  virtual std::uint64_t size() const = 0;
};

// Held until destroyed. See Files::lock.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : std::uint8_t {
  create_new,  // fails with file_exists
  append,      // fails with file_not_found
  create_or_append,
  append_own,  // as append; permission_denied unless it is a regular file of this user: no symbolic link, no pipe
};

// Thread-safe. Files it creates are readable by their owner alone (0600), directories 0700.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) = 0;
  virtual Result<std::unique_ptr<WritableFile>> open_write(const std::string& path, OpenMode mode) = 0;
  // Follows symbolic links.
  virtual Result<FileInfo> info(const std::string& path) = 0;
  // Of the link itself where it is one.
  virtual Result<FileInfo> link_info(const std::string& path) = 0;
  // Names (not paths) in a directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Replaces `to` when it exists.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // A file or an empty directory.
  virtual Status remove(const std::string& path) = 0;
  // With its parents; existing ones are fine. Durable when it returns: the folder above each new one is synced.
  virtual Status make_directories(const std::string& path) = 0;
  // Makes creations, renames and removals in the directory durable.
  virtual Status sync_directory(const std::string& path) = 0;
  // Reserves `bytes` on the disk for a file of that size (created or grown), so that they are there when the disk is full.
  virtual Status allocate(const std::string& path, std::uint64_t bytes) = 0;
  // Takes the advisory lock of the file (created when missing); store_locked when another process has it. `content` replaces the
  // file's text after the lock is had (who holds it); the text of the present holder is in the error's cause.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path, std::string_view content) = 0;
};

class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> open_write(const std::string& path, OpenMode mode) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<FileInfo> link_info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status allocate(const std::string& path, std::uint64_t bytes) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, std::string_view content) override;
};

// Reads a whole file of at most `limit` bytes; io_error when it is larger.
Result<std::string> read_file(Files& files, const std::string& path, std::uint64_t limit);
// Replaces `path` by `text`: a temporary file beside it (PATH.tmp), synced, renamed, folder synced. Readers see the old or the new
// text, also after a crash. One writer of a path at a time.
Status write_file_atomically(Files& files, const std::string& path, std::string_view text);
// "a/b" joined with "c".
std::string join_path(std::string_view folder, std::string_view name);
// "a/b/c" -> "a/b"; "c" -> "."; "/c" -> "/".
std::string parent_path(std::string_view path);
// "a/b/c" -> "c".
std::string_view file_name(std::string_view path);

}  // namespace telltale::base
