// Walks the frames of a segment, also a damaged one: what is no sound frame is reported as a range, and the walk goes on at the next
// sound frame. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "store/segment/frame.h"

namespace telltale::store {

struct DamagedRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const { return offset + size; }
};

// Bytes of a file behind one buffer, or bytes in memory.
class ByteSource {
 public:
  explicit ByteSource(base::ReadableFile& file) : file_(&file) {}
  ByteSource(std::string_view bytes, std::uint64_t base_offset) : memory_(bytes), base_(base_offset) {}
  // Up to `size` bytes at `offset`, fewer at the end; valid until the next call for a file, always for memory. `ahead`: how much more
  // may be read into the buffer.
  base::Result<std::string_view> view(std::uint64_t offset, std::uint64_t size, std::uint64_t ahead);

 private:
  base::ReadableFile* file_ = nullptr;
  std::string_view memory_;
  std::uint64_t base_ = 0;  // file offset of the first byte held
  std::string buffer_;
};

enum class WalkStep : std::uint8_t { frame, damage, end };
enum class PayloadCheck : std::uint8_t { none, crc };

class FrameWalker {
 public:
  // Walks [begin, end). Without a salt the first sound frame's is taken.
  FrameWalker(ByteSource source, std::uint64_t begin, std::uint64_t end, std::optional<std::uint64_t> salt = {});

  // With PayloadCheck::crc a frame with a damaged payload is damage; without, the payload is not read. Fails with store_version for a
  // newer frame, and when the file cannot be read.
  base::Result<WalkStep> next(PayloadCheck check);
  // After WalkStep::frame.
  const FrameHeader& header() const { return header_; }
  // After WalkStep::frame with PayloadCheck::crc; valid as ByteSource::view says.
  std::string_view payload() const { return payload_; }
  // After WalkStep::damage.
  const DamagedRange& damage() const { return damage_; }
  // After WalkStep::damage: the header of the damaged frame where that is sound, else null.
  const FrameHeader* damaged_frame() const { return header_sound_ ? &header_ : nullptr; }
  std::optional<std::uint64_t> salt() const { return salt_; }
  std::uint64_t position() const { return at_; }

 private:
  enum class Look : std::uint8_t { sound, unsound, newer };
  Look judge(std::string_view bytes, std::uint64_t offset, FrameHeader& header) const;
  base::Result<Look> look_at(std::uint64_t offset, FrameHeader& header);
  base::Result<std::uint64_t> find_frame(std::uint64_t from);
  WalkStep pass_over(std::uint64_t to, bool header_sound);

  ByteSource source_;
  std::uint64_t at_;
  const std::uint64_t end_;
  std::optional<std::uint64_t> salt_;
  FrameHeader header_;
  std::string_view payload_;
  DamagedRange damage_;
  bool header_sound_ = false;
  std::uint64_t ahead_;
};

}  // namespace telltale::store
