// How far each stream was read and stored, in memory that outlives the relay: the one after it knows what died with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

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

  // Any thread; one writer a stream (below most_streams). A kill between two writes leaves numbers that are a block apart.
  void set_read(std::uint32_t stream, const StreamPlace& place);
  void set_stored(std::uint32_t stream, const StreamPlace& place);
  StreamPlace read(std::uint32_t stream) const;
  StreamPlace stored(std::uint32_t stream) const;

 private:
  struct Slot;
  explicit Progress(Slot* slots) : slots_(slots) {}
  Slot* slots_;
};

}  // namespace telltale::sources
