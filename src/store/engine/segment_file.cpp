#include "store/engine/segment_file.h"

#include <algorithm>

namespace telltale::store {

namespace {

constexpr std::uint64_t block_bytes = 4096;  // what a disk refuses or gives at once

}  // namespace

base::Result<std::size_t> SegmentFile::read_at(std::uint64_t offset, std::span<char> out) {
  auto whole = file_->read_at(offset, out);
  if (whole) readable_ = readable_ || *whole > 0;
  if (whole || whole.error().code != base::ErrorCode::io_error) return whole;
  auto about = file_->info();
  if (!about) return base::pass(about);
  const std::size_t there = offset >= about->size ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), about->size - offset));
  bool any = readable_;
  for (std::size_t done = 0; done < there;) {
    const std::uint64_t to_boundary = block_bytes - (offset + done) % block_bytes;
    const std::span<char> block = out.subspan(done, std::min<std::size_t>(to_boundary, there - done));
    if (auto got = file_->read_at(offset + done, block); got && *got == block.size()) {
      any = true;
    } else {
      std::ranges::fill(block, '\0');
    }
    done += block.size();
  }
  if (!any) return whole;
  readable_ = unreadable_ = true;
  return there;
}

base::Result<std::unique_ptr<SegmentFile>> open_segment(base::Files& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) return base::pass(file);
  return std::make_unique<SegmentFile>(std::move(*file));
}

}  // namespace telltale::store
