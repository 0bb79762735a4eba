#include "sources/relay/progress.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <utility>

namespace telltale::sources {

namespace {

// What stands at the end of the place for bytes until they are there. No text ends so: it is no UTF-8.
constexpr std::string_view not_there("\xf8\x00telltale\x00\xfa\xfb\xfc\xfd\xfe", 16);

std::string_view mark_for(std::size_t bytes) {
  return not_there.substr(not_there.size() - std::min(bytes, not_there.size()));
}

// Numbers that are set together: the one of two that counts is chosen in one step.
template <std::size_t count>
struct Together {
  std::array<std::array<std::atomic<std::uint64_t>, count>, 2> values;
  std::atomic<std::uint32_t> current;

  void set(const std::array<std::uint64_t, count>& all) {
    const std::uint32_t next = 1 - (current & 1);
    for (std::size_t i = 0; i < count; ++i) values[next][i] = all[i];
    current = next;
  }
  std::uint64_t get(std::size_t i) const { return values[current & 1][i]; }
};

struct Slot {
  Together<3> read;  // offset, line, bytes that are being read
  Together<2> stored;
};

std::unexpected<base::Error> failed() {
  const int cause = errno;
  return std::unexpected(base::system_error(cause, "sharing memory with the relay"));
}

}  // namespace

// Pages that no stream uses take no memory.
struct Progress::Memory {
  std::array<Slot, most_streams> slots;
  std::array<std::array<char, most_read>, most_streams> bytes;
};

base::Result<base::Descriptor> Progress::make() {
  base::Descriptor descriptor(::memfd_create("telltale-progress", MFD_CLOEXEC));
  if (!descriptor.valid() || ::ftruncate(descriptor.get(), sizeof(Memory)) != 0) return failed();
  return descriptor;
}

base::Result<Progress> Progress::map(const base::Descriptor& descriptor) {
  void* memory = ::mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (memory == MAP_FAILED) return failed();
  return Progress(static_cast<Memory*>(memory));
}

Progress::Progress(Progress&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}

Progress& Progress::operator=(Progress&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}

Progress::~Progress() {
  if (memory_ != nullptr) ::munmap(memory_, sizeof(Memory));
}

void Progress::set_stored(std::uint32_t stream, const StreamPlace& place) {
  memory_->slots[stream].stored.set({place.offset, place.line});
}

StreamPlace Progress::stored(std::uint32_t stream) const {
  const auto& stored = memory_->slots[stream].stored;
  return {stored.get(0), stored.get(1)};
}

StreamPlace Progress::read(std::uint32_t stream) const {
  const auto& read = memory_->slots[stream].read;
  return {read.get(0), read.get(1)};
}

std::span<char> Progress::begin_read(std::uint32_t stream, std::size_t bytes) {
  const auto place = std::span(memory_->bytes[stream]).first(std::min(bytes, most_read));
  const std::string_view mark = mark_for(place.size());
  std::ranges::copy(mark, place.end() - static_cast<std::ptrdiff_t>(mark.size()));
  const StreamPlace at = read(stream);
  memory_->slots[stream].read.set({at.offset, at.line, place.size()});
  return place;
}

void Progress::set_read(std::uint32_t stream, const StreamPlace& place) {
  memory_->slots[stream].read.set({place.offset, place.line, 0});
}

std::string Progress::left(std::uint32_t stream) const {
  const std::size_t size = memory_->slots[stream].read.get(2);
  if (size == 0 || size > most_read) return {};
  std::string bytes(memory_->bytes[stream].data(), size);
  if (bytes.ends_with(mark_for(size))) return {};
  return bytes;
}

}  // namespace telltale::sources
