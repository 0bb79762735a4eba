// Files that fail, fill up and lose power on purpose: the base of every crash-point test.
//
//   for (std::uint64_t n = 1;; ++n) {
//     MemoryFiles disk;
//     FaultyFiles files(disk);
//     files.crash_at(n, CrashSide::before);
//     run(files);                       // every operation from the n-th on fails with io_error
//     if (!files.crashed()) break;      // all crash points were visited
//     files.reboot({.data = UnsyncedData::prefix, .seed = n});
//     reopen_and_compare(files);        // works again
//   }
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "base/testing/memory_files.h"

namespace telltale::base::testing {

// What is counted: the operations with an effect. Opening counts only when it creates a file, make_directories() when it makes one.
enum class FileOperation : std::uint8_t {
  create,
  append,
  sync,
  truncate,
  rename,
  remove,
  make_directories,
  sync_directory,
  allocate,
  lock
};
std::string_view to_string(FileOperation operation);

enum class CrashSide : std::uint8_t {
  before,  // the operation has no effect
  after,   // it has its effect, but its caller is told io_error
};

// Wraps a MemoryFiles, which must outlive it and should be used through it alone. Faults are planned with counts since construction or
// the last restart_count(); the first operation is number 1. Thread-safe: operations are done and counted one at a time. Outlives its
// handles.
class FaultyFiles final : public Files {
 public:
  explicit FaultyFiles(MemoryFiles& disk) : disk_(disk) {}

  // (a) The power goes off at the n-th operation: it and everything after it, reads too, fails with io_error until reboot().
  void crash_at(std::uint64_t operation, CrashSide side);
  // The power goes off now.
  void crash_now();
  bool crashed() const;
  // The power comes back: what was not synced is treated as `policy` says; handles and locks from before are dead. No faults are
  // planned any more and the count starts again. Also allowed without a crash before it (a `kill -9` is reboot with keep_all).
  void reboot(const CrashPolicy& policy);

  // (b) The n-th operation fails once with `code`. An append that fails with disk_full writes the first half of its bytes (a short
  // write), with any other code nothing; a sync that fails forgets what was unsynced (see MemoryWriter::forget_unsynced); others have no
  // effect.
  void fail_at(std::uint64_t operation, ErrorCode code);
  // The same for the next operation of a kind.
  void fail_next(FileOperation kind, ErrorCode code);

  // (c) The disk has room for `bytes` in all; appends beyond it are short and fail with disk_full. Empty: no limit.
  void limit_bytes(std::optional<std::uint64_t> bytes) { disk_.set_capacity(bytes); }

  // (d) The disk refuses to read bytes [from, to) of the file: reads that meet them fail with io_error. An empty range: nothing any more.
  void refuse_reads(const std::string& path, std::uint64_t from, std::uint64_t to);
  // (e) As after a remount for reading only: every operation fails with io_error and has no effect, reads work.
  void set_read_only(bool read_only);

  // Operations so far, including those that failed by plan.
  std::uint64_t operations() const;
  // One line each, for messages of tests: "3 append store/0001.seg 4096".
  std::vector<std::string> journal() const;
  void restart_count();

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

 private:
  friend class FaultyWriter;
  friend class FaultyReader;
  // What the plan has for the operation that comes now.
  struct Verdict {
    std::optional<ErrorCode> fail;
    std::optional<CrashSide> crash;
  };
  Verdict begin(FileOperation kind, const std::string& subject) TT_REQUIRES(mutex_);
  template <class Effect, class OnFailure>
  std::invoke_result_t<Effect> perform(FileOperation kind, const std::string& subject, Effect effect, OnFailure on_failure)
      TT_REQUIRES(mutex_);

  MemoryFiles& disk_;
  mutable Mutex mutex_;
  std::uint64_t count_ TT_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> journal_ TT_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> crash_at_ TT_GUARDED_BY(mutex_);
  CrashSide crash_side_ TT_GUARDED_BY(mutex_) = CrashSide::before;
  bool crashed_ TT_GUARDED_BY(mutex_) = false;
  std::map<std::uint64_t, ErrorCode> fail_at_ TT_GUARDED_BY(mutex_);
  std::map<FileOperation, ErrorCode> fail_next_ TT_GUARDED_BY(mutex_);
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> refused_ TT_GUARDED_BY(mutex_);
  bool read_only_ TT_GUARDED_BY(mutex_) = false;
};

}  // namespace telltale::base::testing
