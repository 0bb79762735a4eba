#include <algorithm>

#include <fmt/format.h>

#include "base/testing/memory_files.h"
#include "base/testing/memory_inode.h"
#include "base/text.h"

namespace telltale::base::testing {

namespace {

std::unexpected<Error> dead(const std::string& path) {
  return fail(ErrorCode::io_error, fmt::format("using {}: it was opened before the power went off", path));
}

std::uint64_t length_of(std::span<const std::string_view> pieces) {
  std::uint64_t length = 0;
  for (const std::string_view piece : pieces) length += piece.size();
  return length;
}

}  // namespace

class MemoryReader final : public ReadableFile {
 public:
  MemoryReader(MemoryFiles& files, std::shared_ptr<MemoryInode> inode, std::string path, std::uint64_t epoch)
      : files_(files), inode_(std::move(inode)), path_(std::move(path)), epoch_(epoch) {}

  ~MemoryReader() override {
    MutexLock lock(files_.mutex_);
    if (epoch_ == files_.epoch_) --inode_->handles;
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
    MutexLock lock(files_.mutex_);
    if (epoch_ != files_.epoch_) return dead(path_);
    if (offset >= inode_->data.size()) return 0;
    return inode_->data.copy(out.data(), out.size(), offset);
  }

  Result<FileInfo> info() override {
    MutexLock lock(files_.mutex_);
    if (epoch_ != files_.epoch_) return dead(path_);
    return files_.info_of(*inode_);
  }

 private:
  MemoryFiles& files_;
  const std::shared_ptr<MemoryInode> inode_;  // second owners: the directories' entries
  const std::string path_;
  const std::uint64_t epoch_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryFiles& files, std::shared_ptr<MemoryInode> inode, std::uint64_t epoch)
      : files_(files), inode_(std::move(inode)), epoch_(epoch) {}
  ~MemoryLock() override {
    MutexLock lock(files_.mutex_);
    if (epoch_ == files_.epoch_) inode_->locked = false;
  }

 private:
  MemoryFiles& files_;
  const std::shared_ptr<MemoryInode> inode_;  // second owners: the directories' entries
  const std::uint64_t epoch_;
};

MemoryWriter::MemoryWriter(MemoryFiles& files, std::shared_ptr<MemoryInode> inode, std::string path, std::uint64_t epoch,
                           std::uint64_t size)
    : files_(files), inode_(std::move(inode)), path_(std::move(path)), epoch_(epoch), size_(size) {}

MemoryWriter::~MemoryWriter() {
  MutexLock lock(files_.mutex_);
  if (epoch_ == files_.epoch_) --inode_->handles;
}

Status MemoryWriter::append(std::span<const std::string_view> pieces) {
  MutexLock lock(files_.mutex_);
  if (epoch_ != files_.epoch_) return dead(path_);
  const std::uint64_t wanted = length_of(pieces);
  std::uint64_t room = std::min(wanted, files_.free_bytes());
  const bool fits = room == wanted;
  std::string bytes;
  bytes.reserve(room);
  for (const std::string_view piece : pieces) bytes.append(piece.substr(0, room - bytes.size()));
  if (!bytes.empty()) inode_->write(inode_->data.size(), bytes);
  inode_->modify_time = files_.tick();
  size_ += bytes.size();
  if (!fits) return fail(ErrorCode::disk_full, fmt::format("writing {}: {} of {} bytes had room", path_, bytes.size(), wanted));
  return {};
}

Status MemoryWriter::sync() {
  MutexLock lock(files_.mutex_);
  if (epoch_ != files_.epoch_) return dead(path_);
  inode_->sync();
  return {};
}

Status MemoryWriter::truncate(std::uint64_t size) {
  MutexLock lock(files_.mutex_);
  if (epoch_ != files_.epoch_) return dead(path_);
  inode_->resize(size);
  inode_->modify_time = files_.tick();
  size_ = size;
  return {};
}

void MemoryWriter::forget_unsynced() {
  MutexLock lock(files_.mutex_);
  if (epoch_ == files_.epoch_) inode_->unsynced.clear();
}

Result<std::unique_ptr<ReadableFile>> MemoryFiles::open_read(const std::string& path) {
  MutexLock lock(mutex_);
  auto inode = find(path);
  if (!inode) return pass(inode);
  if ((*inode)->kind == FileKind::directory) return fail(ErrorCode::is_directory, "opening " + path + ": it is a directory");
  ++(*inode)->handles;
  return std::make_unique<MemoryReader>(*this, *inode, path, epoch_);
}

Result<std::unique_ptr<MemoryWriter>> MemoryFiles::open_writer(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  auto inode = find_or_create(path, mode);
  if (!inode) return pass(inode);
  ++(*inode)->handles;
  return std::unique_ptr<MemoryWriter>(new MemoryWriter(*this, *inode, path, epoch_, (*inode)->data.size()));
}

Result<std::unique_ptr<WritableFile>> MemoryFiles::open_write(const std::string& path, OpenMode mode) {
  auto writer = open_writer(path, mode);
  if (!writer) return pass(writer);
  return std::move(*writer);
}

Result<std::unique_ptr<FileLock>> MemoryFiles::lock(const std::string& path, std::string_view content) {
  MutexLock lock(mutex_);
  auto inode = find_or_create(path, OpenMode::create_or_append);
  if (!inode) return pass(inode);
  MemoryInode& file = **inode;
  if (file.locked) return fail(ErrorCode::store_locked, fmt::format("{} is held by {}", path, to_printable(trim(file.data))));
  file.locked = true;
  file.resize(0);
  file.write(0, content);
  file.modify_time = tick();
  return std::make_unique<MemoryLock>(*this, *inode, epoch_);
}

}  // namespace telltale::base::testing
