#include "sources/relay/progress.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace telltale::sources {

struct Progress::Slot {
  std::atomic<std::uint64_t> read_offset;
  std::atomic<std::uint64_t> read_line;
  std::atomic<std::uint64_t> stored_offset;
  std::atomic<std::uint64_t> stored_line;
};

namespace {

std::unexpected<base::Error> failed() {
  const int cause = errno;
  return std::unexpected(base::system_error(cause, "sharing memory with the relay"));
}

}  // namespace

base::Result<base::Descriptor> Progress::make() {
  base::Descriptor descriptor(::memfd_create("telltale-progress", MFD_CLOEXEC));
  if (!descriptor.valid() || ::ftruncate(descriptor.get(), most_streams * sizeof(Slot)) != 0) return failed();
  return descriptor;
}

base::Result<Progress> Progress::map(const base::Descriptor& descriptor) {
  void* memory = ::mmap(nullptr, most_streams * sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (memory == MAP_FAILED) return failed();
  return Progress(static_cast<Slot*>(memory));
}

Progress::Progress(Progress&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}

Progress& Progress::operator=(Progress&& other) noexcept {
  std::swap(slots_, other.slots_);
  return *this;
}

Progress::~Progress() {
  if (slots_ != nullptr) ::munmap(slots_, most_streams * sizeof(Slot));
}

void Progress::set_read(std::uint32_t stream, const StreamPlace& place) {
  slots_[stream].read_offset = place.offset;
  slots_[stream].read_line = place.line;
}

void Progress::set_stored(std::uint32_t stream, const StreamPlace& place) {
  slots_[stream].stored_offset = place.offset;
  slots_[stream].stored_line = place.line;
}

StreamPlace Progress::read(std::uint32_t stream) const {
  return {slots_[stream].read_offset, slots_[stream].read_line};
}

StreamPlace Progress::stored(std::uint32_t stream) const {
  return {slots_[stream].stored_offset, slots_[stream].stored_line};
}

}  // namespace telltale::sources
