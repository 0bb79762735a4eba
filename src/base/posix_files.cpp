#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/files.h"
#include "base/text.h"

namespace telltale::base {

namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;

template <class... Words>
std::unexpected<Error> failed(fmt::format_string<Words...> what, Words&&... words) {
  const int cause = errno;
  return std::unexpected(system_error(cause, fmt::format(what, std::forward<Words>(words)...)));
}

// Repeats a system call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Result<Descriptor> open_descriptor(const std::string& path, int flags, const char* what) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, file_mode); });
  if (fd < 0) return failed("{} {}", what, path);
  return Descriptor(fd);
}

UnixNanos nanos(const statx_timestamp& time) {
  return time.tv_sec * nanos_per_second + time.tv_nsec;
}

FileKind kind_of(unsigned mode) {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  return FileKind::other;
}

// Of the descriptor when `path` is empty, else of the path.
Result<FileInfo> info_at(int directory, const char* path, int flags, const std::string& shown) {
  struct statx status{};
  if (::statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return failed("looking at {}", shown);
  FileInfo info;
  info.size = status.stx_size;
  info.inode = status.stx_ino;
  info.device = (static_cast<std::uint64_t>(status.stx_dev_major) << 32) | status.stx_dev_minor;
  if ((status.stx_mask & STATX_BTIME) != 0) info.birth_time = nanos(status.stx_btime);
  info.modify_time = nanos(status.stx_mtime);
  info.links = status.stx_nlink;
  info.kind = kind_of(status.stx_mode);
  info.own = status.stx_uid == ::geteuid();
  return info;
}

Result<FileInfo> info_of_descriptor(const Descriptor& fd, const std::string& path) {
  return info_at(fd.get(), "", AT_EMPTY_PATH, path);
}

Result<std::size_t> read_fully(const Descriptor& fd, std::uint64_t offset, std::span<char> out, const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t got = uninterrupted([&] { return ::pread(fd.get(), out.data() + done, out.size() - done, at); });
    if (got < 0) return failed("reading {} at {}", path, offset + done);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

class PosixReader final : public ReadableFile {
 public:
  PosixReader(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override { return read_fully(fd_, offset, out, path_); }
  Result<FileInfo> info() override { return info_of_descriptor(fd_, path_); }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixWriter final : public WritableFile {
 public:
  PosixWriter(Descriptor fd, std::string path, std::uint64_t size) : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Status append(std::span<const std::string_view> pieces) override {
    std::size_t piece = 0;
    std::size_t begin = 0;  // bytes of `piece` that are written already
    while (piece < pieces.size()) {
      std::array<iovec, 64> vectors;
      int count = 0;
      for (std::size_t i = piece, skip = begin; i < pieces.size() && count < static_cast<int>(vectors.size()); ++i, skip = 0) {
        vectors[count++] = {const_cast<char*>(pieces[i].data()) + skip, pieces[i].size() - skip};
      }
      const ssize_t written = uninterrupted([&] { return ::writev(fd_.get(), vectors.data(), count); });
      if (written < 0) return failed("writing {} at {}", path_, size_);
      size_ += static_cast<std::uint64_t>(written);
      begin += static_cast<std::size_t>(written);
      while (piece < pieces.size() && begin >= pieces[piece].size()) begin -= pieces[piece++].size();
    }
    return {};
  }

  Status sync() override {
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) return failed("syncing {}", path_);
    return {};
  }

  Status truncate(std::uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) return failed("truncating {}", path_);
    size_ = size;
    return {};
  }

  std::uint64_t size() const override { return size_; }

 private:
  Descriptor fd_;
  std::string path_;
  std::uint64_t size_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // flock(2) ends with it
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::create_new:
      return O_CREAT | O_EXCL;
    case OpenMode::append:
      return 0;
    case OpenMode::create_or_append:
      return O_CREAT;
    case OpenMode::append_own:
      return O_NOFOLLOW | O_NONBLOCK;
  }
  return 0;
}

std::unexpected<Error> not_own(const std::string& path) {
  return fail(ErrorCode::permission_denied, fmt::format("opening {}: it is no regular file of this user", path), "Remove it.");
}

Result<void> write_lock_text(const Descriptor& fd, std::string_view content, const std::string& path) {
  if (::ftruncate(fd.get(), 0) != 0) return failed("truncating {}", path);
  for (std::size_t done = 0; done < content.size();) {
    const auto at = static_cast<off_t>(done);
    const ssize_t written = uninterrupted([&] { return ::pwrite(fd.get(), content.data() + done, content.size() - done, at); });
    if (written < 0) return failed("writing {}", path);
    done += static_cast<std::size_t>(written);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ReadableFile>> PosixFiles::open_read(const std::string& path) {
  // Not blocking, so that a named pipe among log files cannot hold the caller.
  auto fd = open_descriptor(path, O_RDONLY | O_NONBLOCK, "opening");
  if (!fd) return pass(fd);
  auto info = info_of_descriptor(*fd, path);
  if (!info) return pass(info);
  if (info->kind == FileKind::directory) return std::unexpected(system_error(EISDIR, "opening " + path));
  return std::make_unique<PosixReader>(std::move(*fd), path);
}

Result<std::unique_ptr<WritableFile>> PosixFiles::open_write(const std::string& path, OpenMode mode) {
  auto fd = open_descriptor(path, O_WRONLY | O_APPEND | flags_of(mode), "opening");
  if (!fd) {
    const auto there = mode == OpenMode::append_own ? link_info(path) : Result<FileInfo>();
    if (there && there->kind != FileKind::regular) return not_own(path);
    return pass(fd);
  }
  auto info = info_of_descriptor(*fd, path);
  if (!info) return pass(info);
  if (mode == OpenMode::append_own && (info->kind != FileKind::regular || !info->own)) return not_own(path);
  return std::make_unique<PosixWriter>(std::move(*fd), path, info->size);
}

Result<FileInfo> PosixFiles::info(const std::string& path) {
  return info_at(AT_FDCWD, path.c_str(), 0, path);
}

Result<FileInfo> PosixFiles::link_info(const std::string& path) {
  return info_at(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, path);
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& directory) {
  struct Closer {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, Closer> open(::opendir(directory.c_str()));
  if (open == nullptr) return failed("listing {}", directory);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("listing {}", directory);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming {} to {}", from, to);
  return {};
}

Status PosixFiles::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return failed("removing {}", path);
  return {};
}

Status PosixFiles::make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), directory_mode) == 0) return sync_directory(parent_path(path));
  const int cause = errno;
  if (cause == EEXIST) {
    auto there = info(path);
    if (!there) return pass(there);
    if (there->kind == FileKind::directory) return {};
    return std::unexpected(system_error(ENOTDIR, "making the directory " + path));
  }
  if (cause != ENOENT || parent_path(path) == path) return std::unexpected(system_error(cause, "making the directory " + path));
  if (auto parent = make_directories(parent_path(path)); !parent) return parent;
  // Another process may make it meanwhile.
  if (::mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) return failed("making the directory {}", path);
  return sync_directory(parent_path(path));
}

Status PosixFiles::sync_directory(const std::string& path) {
  auto fd = open_descriptor(path, O_RDONLY | O_DIRECTORY, "opening the directory");
  if (!fd) return pass(fd);
  const bool synced = uninterrupted([&] { return ::fsync(fd->get()); }) == 0;
  // File systems that cannot sync directories say EINVAL or EBADF (PostgreSQL, src/common/file_utils.c, ignores both too).
  if (!synced && errno != EINVAL && errno != EBADF) return failed("syncing the directory {}", path);
  return {};
}

Status PosixFiles::allocate(const std::string& path, std::uint64_t bytes) {
  auto fd = open_descriptor(path, O_WRONLY | O_CREAT, "opening");
  if (!fd) return pass(fd);
  int cause = EINTR;
  while (cause == EINTR) cause = ::posix_fallocate(fd->get(), 0, static_cast<off_t>(bytes));
  if (cause != 0) return std::unexpected(system_error(cause, fmt::format("reserving {} for {}", format_bytes(bytes), path)));
  return {};
}

Result<std::unique_ptr<FileLock>> PosixFiles::lock(const std::string& path, std::string_view content) {
  auto fd = open_descriptor(path, O_RDWR | O_CREAT, "opening");
  if (!fd) return pass(fd);
  if (uninterrupted([&] { return ::flock(fd->get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return failed("locking {}", path);
    std::array<char, 256> holder;
    auto length = read_fully(*fd, 0, holder, path);
    if (!length) return pass(length);
    return fail(ErrorCode::store_locked, fmt::format("{} is held by {}", path, to_printable(trim({holder.data(), *length}))));
  }
  if (auto written = write_lock_text(*fd, content, path); !written) return pass(written);
  return std::make_unique<PosixLock>(std::move(*fd));
}

}  // namespace telltale::base
