// Unpacks a stream of bytes: gzip and zstd.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace telltale::sources {

enum class Packing : std::uint8_t { none, gzip, zstd };

// By its name's ending: .gz, .zst.
Packing packing_of(std::string_view name);

enum class UnpackState : std::uint8_t {
  going,    // more must follow
  ended,    // whole if nothing follows; another member or frame may
  damaged,  // reason() says how; nothing more comes
};

// Bytes in, bytes out, nothing else; one thread. Members (gzip) and frames (zstd) one behind the other are one stream. What follows the
// last of them and is none is passed over, as the programs do it. Memory is bounded: a window of 32 KiB (gzip), or of what the file asks
// for up to 128 MiB (zstd, which refuses more without an option too).
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  struct Step {
    std::size_t taken = 0;  // of `in`
    std::size_t given = 0;  // to `out`
    UnpackState state = UnpackState::going;
  };
  // Call again with the rest of `in`. With all of `in` taken and `out` filled there may be more to give: call again with an empty `in`.
  // `out` is not empty.
  virtual Step step(std::span<const char> in, std::span<char> out) = 0;
  // For people, once it is damaged.
  const std::string& reason() const { return reason_; }

 protected:
  std::string reason_;
};

// Not for Packing::none.
std::unique_ptr<Unpacker> make_unpacker(Packing packing);

}  // namespace telltale::sources
