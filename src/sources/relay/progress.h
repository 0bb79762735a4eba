// How far each stream was read and stored, in memory that outlives the relay: the one after it knows what died with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/descriptor.h"
#include "base/error.h"
#include "sources/process/relay_message.h"

namespace telltale::sources {

// Memory that processes share. The parent makes it and gives its descriptor to one relay after the other, which map it.
class Progress {
 public:
  static constexpr std::uint32_t most_streams = 256;

  static base::Result<base::Descriptor> make();
  static base::Result<Progress> map(const base::Descriptor& descriptor);
  Progress(Progress&& other) noexcept;
  Progress& operator=(Progress&& other) noexcept;
  ~Progress();

  // Any thread; one writer a stream (below most_streams) and kind of place. A kill at any moment leaves a place that was set.
  void set_stored(std::uint32_t stream, const StreamPlace& place);
  StreamPlace stored(std::uint32_t stream) const;
  StreamPlace read(std::uint32_t stream) const;

  // Bytes leave the pipe in the moment of a kill, or do not: so that nobody has to guess, they are read into this memory. begin_read()
  // says that `bytes` (at most most_read) are about to be read, in one read() that gives all of them or none, and gives the place for
  // them; set_read() that all is accounted for. left() gives what was read between the two by a relay that was killed there; empty:
  // nothing was.
  static constexpr std::size_t most_read = 64 * 1024;
  std::span<char> begin_read(std::uint32_t stream, std::size_t bytes);
  void set_read(std::uint32_t stream, const StreamPlace& place);
  std::string left(std::uint32_t stream) const;

 private:
  struct Memory;
  explicit Progress(Memory* memory) : memory_(memory) {}
  Memory* memory_;
};

}  // namespace telltale::sources
