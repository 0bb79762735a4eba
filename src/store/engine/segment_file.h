// A segment for reading, also from a disk with bad blocks: what the disk refuses comes as zeros, which are no sound frame, so that it is
// damage like any other. One thread.
#pragma once

#include <memory>

#include "base/files.h"

namespace telltale::store {

class SegmentFile final : public base::ReadableFile {
 public:
  explicit SegmentFile(std::unique_ptr<base::ReadableFile> file) : file_(std::move(file)) {}
  // io_error only when nothing of the file could be read so far.
  base::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override;
  base::Result<base::FileInfo> info() override { return file_->info(); }
  // Some of what was asked for came as zeros.
  bool unreadable() const { return unreadable_; }

 private:
  const std::unique_ptr<base::ReadableFile> file_;
  bool readable_ = false;  // some read went well
  bool unreadable_ = false;
};

base::Result<std::unique_ptr<SegmentFile>> open_segment(base::Files& files, const std::string& path);

}  // namespace telltale::store
