#include "base/testing/faulty_files.h"

#include <fmt/format.h>

namespace telltale::base::testing {

namespace {

std::unexpected<Error> power_off(std::string_view subject) {
  return fail(ErrorCode::io_error, fmt::format("using {}: the power is off", subject));
}

std::unexpected<Error> planned(ErrorCode code, FileOperation kind, std::string_view subject) {
  return fail(code, fmt::format("{} {}: failed by plan", to_string(kind), subject));
}

// The first `length` bytes of `pieces`.
std::vector<std::string_view> first_bytes(std::span<const std::string_view> pieces, std::size_t length) {
  std::vector<std::string_view> first;
  for (const std::string_view piece : pieces) {
    first.push_back(piece.substr(0, length));
    length -= first.back().size();
  }
  return first;
}

std::size_t length_of(std::span<const std::string_view> pieces) {
  std::size_t length = 0;
  for (const std::string_view piece : pieces) length += piece.size();
  return length;
}

}  // namespace

std::string_view to_string(FileOperation operation) {
  switch (operation) {
    case FileOperation::create:
      return "create";
    case FileOperation::append:
      return "append";
    case FileOperation::sync:
      return "sync";
    case FileOperation::truncate:
      return "truncate";
    case FileOperation::rename:
      return "rename";
    case FileOperation::remove:
      return "remove";
    case FileOperation::make_directories:
      return "make_directories";
    case FileOperation::sync_directory:
      return "sync_directory";
    case FileOperation::allocate:
      return "allocate";
    case FileOperation::lock:
      return "lock";
  }
  return "?";
}

// Counts an operation and does what is planned for it: `effect` is the operation itself, `on_failure` what happens besides when it fails
// by plan.
template <class Effect, class OnFailure>
std::invoke_result_t<Effect> FaultyFiles::perform(FileOperation kind, const std::string& subject, Effect effect, OnFailure on_failure) {
  if (crashed_) return power_off(subject);
  const Verdict verdict = begin(kind, subject);
  if (verdict.crash == CrashSide::before) {
    crashed_ = true;
    return power_off(subject);
  }
  if (verdict.fail) {
    on_failure(*verdict.fail);
    return planned(*verdict.fail, kind, subject);
  }
  auto result = effect();
  if (verdict.crash == CrashSide::after) {
    crashed_ = true;
    return power_off(subject);
  }
  return result;
}

FaultyFiles::Verdict FaultyFiles::begin(FileOperation kind, const std::string& subject) {
  ++count_;
  journal_.push_back(fmt::format("{} {} {}", count_, to_string(kind), subject));
  Verdict verdict;
  if (crash_at_ == count_) verdict.crash = crash_side_;
  if (read_only_) verdict.fail = ErrorCode::io_error;
  if (read_only_) return verdict;
  if (const auto at = fail_at_.find(count_); at != fail_at_.end()) {
    verdict.fail = at->second;
    fail_at_.erase(at);
  } else if (const auto next = fail_next_.find(kind); next != fail_next_.end()) {
    verdict.fail = next->second;
    fail_next_.erase(next);
  }
  return verdict;
}

class FaultyReader final : public ReadableFile {
 public:
  FaultyReader(FaultyFiles& files, std::unique_ptr<ReadableFile> file, std::string path)
      : files_(files), file_(std::move(file)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
    MutexLock lock(files_.mutex_);
    if (files_.crashed_) return power_off(path_);
    const auto refused = files_.refused_.find(path_);
    if (refused != files_.refused_.end() && offset < refused->second.second && refused->second.first < offset + out.size()) {
      return fail(ErrorCode::io_error, fmt::format("reading {} at {}: refused by plan", path_, offset));
    }
    return file_->read_at(offset, out);
  }
  Result<FileInfo> info() override {
    MutexLock lock(files_.mutex_);
    if (files_.crashed_) return power_off(path_);
    return file_->info();
  }

 private:
  FaultyFiles& files_;
  const std::unique_ptr<ReadableFile> file_;
  const std::string path_;
};

class FaultyWriter final : public WritableFile {
 public:
  FaultyWriter(FaultyFiles& files, std::unique_ptr<MemoryWriter> file) : files_(files), file_(std::move(file)) {}

  Status append(std::span<const std::string_view> pieces) override {
    MutexLock lock(files_.mutex_);
    const std::size_t length = length_of(pieces);
    return files_.perform(
        FileOperation::append, fmt::format("{} {}", file_->path(), length), [&] { return file_->append(pieces); },
        [&](ErrorCode code) {
          // A short write; that it fails is told by the planned error.
          if (code == ErrorCode::disk_full) static_cast<void>(file_->append(first_bytes(pieces, length / 2)));
        });
  }
  Status sync() override {
    MutexLock lock(files_.mutex_);
    return files_.perform(FileOperation::sync, file_->path(), [&] { return file_->sync(); }, [&](ErrorCode) { file_->forget_unsynced(); });
  }
  Status truncate(std::uint64_t size) override {
    MutexLock lock(files_.mutex_);
    return files_.perform(
        FileOperation::truncate, fmt::format("{} {}", file_->path(), size), [&] { return file_->truncate(size); }, [](ErrorCode) {});
  }
  std::uint64_t size() const override { return file_->size(); }

 private:
  FaultyFiles& files_;
  const std::unique_ptr<MemoryWriter> file_;
};

void FaultyFiles::crash_at(std::uint64_t operation, CrashSide side) {
  MutexLock lock(mutex_);
  crash_at_ = operation;
  crash_side_ = side;
}

void FaultyFiles::crash_now() {
  MutexLock lock(mutex_);
  crashed_ = true;
}

bool FaultyFiles::crashed() const {
  MutexLock lock(mutex_);
  return crashed_;
}

void FaultyFiles::reboot(const CrashPolicy& policy) {
  MutexLock lock(mutex_);
  disk_.crash(policy);
  crashed_ = false;
  crash_at_.reset();
  fail_at_.clear();
  fail_next_.clear();
  count_ = 0;
  journal_.clear();
}

void FaultyFiles::fail_at(std::uint64_t operation, ErrorCode code) {
  MutexLock lock(mutex_);
  fail_at_[operation] = code;
}

void FaultyFiles::fail_next(FileOperation kind, ErrorCode code) {
  MutexLock lock(mutex_);
  fail_next_[kind] = code;
}

void FaultyFiles::refuse_reads(const std::string& path, std::uint64_t from, std::uint64_t to) {
  MutexLock lock(mutex_);
  refused_.erase(path);
  if (from < to) refused_[path] = {from, to};
}

void FaultyFiles::set_read_only(bool read_only) {
  MutexLock lock(mutex_);
  read_only_ = read_only;
}

std::uint64_t FaultyFiles::operations() const {
  MutexLock lock(mutex_);
  return count_;
}

std::vector<std::string> FaultyFiles::journal() const {
  MutexLock lock(mutex_);
  return journal_;
}

void FaultyFiles::restart_count() {
  MutexLock lock(mutex_);
  count_ = 0;
  journal_.clear();
}

Result<std::unique_ptr<ReadableFile>> FaultyFiles::open_read(const std::string& path) {
  MutexLock lock(mutex_);
  if (crashed_) return power_off(path);
  auto file = disk_.open_read(path);
  if (!file) return pass(file);
  return std::make_unique<FaultyReader>(*this, std::move(*file), path);
}

Result<std::unique_ptr<WritableFile>> FaultyFiles::open_write(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  if (crashed_) return power_off(path);
  const auto open = [&] { return disk_.open_writer(path, mode); };
  const bool creates = mode != OpenMode::append && mode != OpenMode::append_own && !disk_.info(path);
  auto file = creates ? perform(FileOperation::create, path, open, [](ErrorCode) {}) : open();
  if (!file) return pass(file);
  return std::make_unique<FaultyWriter>(*this, std::move(*file));
}

Result<FileInfo> FaultyFiles::info(const std::string& path) {
  MutexLock lock(mutex_);
  if (crashed_) return power_off(path);
  return disk_.info(path);
}

Result<std::vector<std::string>> FaultyFiles::list(const std::string& directory) {
  MutexLock lock(mutex_);
  if (crashed_) return power_off(directory);
  return disk_.list(directory);
}

Status FaultyFiles::rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  return perform(FileOperation::rename, fmt::format("{} {}", from, to), [&] { return disk_.rename(from, to); }, [](ErrorCode) {});
}

Status FaultyFiles::remove(const std::string& path) {
  MutexLock lock(mutex_);
  return perform(FileOperation::remove, path, [&] { return disk_.remove(path); }, [](ErrorCode) {});
}

Status FaultyFiles::make_directories(const std::string& path) {
  MutexLock lock(mutex_);
  if (crashed_) return power_off(path);
  if (const auto there = disk_.info(path); there && there->kind == FileKind::directory) return {};
  return perform(FileOperation::make_directories, path, [&] { return disk_.make_directories(path); }, [](ErrorCode) {});
}

Status FaultyFiles::sync_directory(const std::string& path) {
  MutexLock lock(mutex_);
  return perform(FileOperation::sync_directory, path, [&] { return disk_.sync_directory(path); }, [](ErrorCode) {});
}

Status FaultyFiles::allocate(const std::string& path, std::uint64_t bytes) {
  MutexLock lock(mutex_);
  const auto subject = fmt::format("{} {}", path, bytes);
  return perform(FileOperation::allocate, subject, [&] { return disk_.allocate(path, bytes); }, [](ErrorCode) {});
}

Result<std::unique_ptr<FileLock>> FaultyFiles::lock(const std::string& path, std::string_view content) {
  MutexLock lock(mutex_);
  return perform(FileOperation::lock, path, [&] { return disk_.lock(path, content); }, [](ErrorCode) {});
}

}  // namespace telltale::base::testing
