#include "store/segment/frame_walker.h"

#include <algorithm>

#include "base/hash.h"

namespace telltale::store {

namespace {

constexpr std::uint64_t small_frame = 16 * 1024;  // of such, many headers are read at once
constexpr std::uint64_t read_ahead = 64 * 1024;
constexpr std::uint64_t search_step = 256 * 1024;

std::string_view magic_bytes() {
  return {reinterpret_cast<const char*>(&frame_magic), sizeof frame_magic};
}

}  // namespace

base::Result<std::string_view> ByteSource::view(std::uint64_t offset, std::uint64_t size, std::uint64_t ahead) {
  if (file_ == nullptr) {
    if (offset < base_ || offset - base_ >= memory_.size()) return std::string_view{};
    return memory_.substr(static_cast<std::size_t>(offset - base_), static_cast<std::size_t>(size));
  }
  const bool held = offset >= base_ && offset + size <= base_ + buffer_.size();
  if (!held) {
    buffer_.resize(static_cast<std::size_t>(std::max(size, ahead)));
    base_ = offset;
    auto got = file_->read_at(offset, buffer_);
    if (!got) return base::pass(got);
    buffer_.resize(*got);
  }
  const auto skip = static_cast<std::size_t>(offset - base_);
  if (skip >= buffer_.size()) return std::string_view{};
  return std::string_view(buffer_).substr(skip, static_cast<std::size_t>(size));
}

FrameWalker::FrameWalker(ByteSource source, std::uint64_t begin, std::uint64_t end, std::optional<std::uint64_t> salt)
    : source_(std::move(source)), at_(begin), end_(end), salt_(salt), ahead_(read_ahead) {}

FrameWalker::Look FrameWalker::judge(std::string_view bytes, std::uint64_t offset, FrameHeader& header) const {
  const HeaderCheck check = decode_header(bytes, header);
  if (check == HeaderCheck::newer) return Look::newer;
  const bool placed = check == HeaderCheck::good && header.offset == offset && header.end() <= end_ && (!salt_ || *salt_ == header.salt);
  return placed ? Look::sound : Look::unsound;
}

base::Result<FrameWalker::Look> FrameWalker::look_at(std::uint64_t offset, FrameHeader& header) {
  if (end_ - offset < frame_header_size) return Look::unsound;
  auto bytes = source_.view(offset, frame_header_size, std::min(ahead_, end_ - offset));
  if (!bytes) return base::pass(bytes);
  return judge(*bytes, offset, header);
}

base::Result<std::uint64_t> FrameWalker::find_frame(std::uint64_t from) {
  while (from + frame_header_size <= end_) {
    auto view = source_.view(from, std::min(search_step, end_ - from), 0);
    if (!view) return base::pass(view);
    const std::string_view bytes = *view;
    if (bytes.size() < frame_header_size) return end_;
    const std::size_t last = bytes.size() - frame_header_size;
    for (std::size_t at = bytes.find(magic_bytes()); at <= last; at = bytes.find(magic_bytes(), at + 1)) {
      FrameHeader header;
      if (judge(bytes.substr(at), from + at, header) == Look::sound) return from + at;
    }
    from += last + 1;
  }
  return end_;
}

WalkStep FrameWalker::pass_over(std::uint64_t to, bool header_sound) {
  damage_ = {at_, to - at_};
  header_sound_ = header_sound;
  at_ = to;
  return WalkStep::damage;
}

base::Result<WalkStep> FrameWalker::next(PayloadCheck check) {
  if (at_ >= end_) return WalkStep::end;
  FrameHeader header;
  auto look = look_at(at_, header);
  if (!look) return base::pass(look);
  if (*look == Look::newer) {
    return base::fail(base::ErrorCode::store_version, "a frame has format version " + std::to_string(header.version) +
                                                          ", this program knows " + std::to_string(format_version));
  }
  if (*look == Look::unsound) {
    auto found = find_frame(at_ + 1);
    if (!found) return base::pass(found);
    return pass_over(*found, false);
  }
  if (check == PayloadCheck::crc) {
    auto payload = source_.view(at_ + frame_header_size, header.payload_size, std::min(read_ahead, end_ - at_));
    if (!payload) return base::pass(payload);
    if (payload->size() != header.payload_size || base::crc32c(*payload) != header.payload_crc) {
      salt_ = header.salt;
      header_ = header;
      return pass_over(header.end(), true);
    }
    payload_ = *payload;
  }
  salt_ = header.salt;
  header_ = header;
  at_ = header.end();
  ahead_ = header.payload_size < small_frame ? read_ahead : frame_header_size;
  return WalkStep::frame;
}

}  // namespace telltale::store
