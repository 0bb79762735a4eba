// A compressed file as if it stood there unpacked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "sources/packed/unpacker.h"

namespace telltale::sources {

enum class PackedEnd : std::uint8_t {
  unknown,  // not unpacked to its end yet
  whole,
  cut_off,    // more should follow: still written, or truncated
  damaged,    // cannot be unpacked beyond here
  too_large,  // holds more than any log would: see most_unpacked
};

// What unpacking to the end found.
struct PackedVerdict {
  PackedEnd end = PackedEnd::unknown;
  std::uint64_t size = 0;          // bytes that can be had of it, unpacked
  std::uint64_t packed_bytes = 0;  // of the file: all, or up to where it was unpacked
  std::string reason;              // why there are no more, for people; empty when it is whole
};

// Files that hold more are not read beyond it: 1 GiB, or 1000 times what the file has, whatever is more.
std::uint64_t most_unpacked(std::uint64_t packed_bytes);

// Offsets and size are those of the unpacked bytes. Reading onward is cheap; going back further than the last read begins at the
// beginning again. Memory: a few times the largest read. Nothing is written anywhere. One thread.
class PackedFile final : public base::ReadableFile {
 public:
  // `size`: unpacked bytes that are known to be there; the file ends with them. Nothing: as many as there are.
  PackedFile(std::unique_ptr<base::ReadableFile> packed, Packing packing, std::optional<std::uint64_t> size);

  base::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override;
  // That of the compressed file, but `size` is of the unpacked bytes: what the constructor was told, else what is known so far.
  base::Result<base::FileInfo> info() override;

  // Unpacks on, about `budget` bytes; for finding out how many there are.
  base::Status advance(std::uint64_t budget);
  const PackedVerdict& verdict() const { return verdict_; }

 private:
  void begin();
  base::Status fill();
  base::Status step();
  void keep(std::uint64_t from);
  void end(PackedEnd how, std::string reason);

  std::unique_ptr<base::ReadableFile> packed_;
  const Packing packing_;
  const std::optional<std::uint64_t> size_;
  std::unique_ptr<Unpacker> unpacker_;
  std::string input_;            // packed bytes that were read
  std::size_t input_taken_ = 0;  // of them, unpacked
  std::uint64_t input_end_ = 0;  // place in the file behind them
  bool at_end_ = false;          // of the compressed file
  std::uint64_t limit_ = 0;      // unpacked bytes
  UnpackState state_ = UnpackState::going;
  std::string window_;             // unpacked bytes that are kept
  std::uint64_t window_from_ = 0;  // place of the first
  std::size_t largest_read_ = 0;
  PackedVerdict verdict_;  // size: unpacked so far
};

}  // namespace telltale::sources
