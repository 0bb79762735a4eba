#include "base/testing/memory_inode.h"

#include <algorithm>

#include "base/assert.h"

namespace telltale::base::testing {

namespace {

// The generator's own numbers, not <random>'s distributions: those differ between standard libraries.
std::uint64_t below(std::uint64_t limit, std::mt19937_64& random) {
  return random() % limit;
}
bool chance_of(std::uint64_t quarters, std::mt19937_64& random) {
  return below(4, random) < quarters;
}

void write_at(std::string& image, std::uint64_t offset, std::string_view bytes) {
  if (image.size() < offset + bytes.size()) image.resize(offset + bytes.size(), '\0');
  image.replace(offset, bytes.size(), bytes);
}

// A resize weighs as much as a byte.
std::uint64_t weight(const DataChange& change) {
  return change.kind == DataChange::Kind::write ? change.bytes.size() : 1;
}

std::string survive_prefix(const MemoryInode& inode, const CrashPolicy& policy, std::mt19937_64& random) {
  std::uint64_t total = 0;
  for (const DataChange& change : inode.unsynced) total += weight(change);
  std::uint64_t left = below(total + 1, random);
  std::string image = inode.durable;
  for (const DataChange& change : inode.unsynced) {
    if (left >= weight(change)) {
      apply_change(change, image);
      left -= weight(change);
      continue;
    }
    if (change.kind == DataChange::Kind::write) {
      const std::uint64_t end = (change.offset + left) / policy.granularity * policy.granularity;
      if (end > change.offset) write_at(image, change.offset, std::string_view(change.bytes).substr(0, end - change.offset));
    }
    break;
  }
  return image;
}

std::string survive_reordered(const MemoryInode& inode, const CrashPolicy& policy, std::mt19937_64& random) {
  std::string image = inode.durable;
  const std::uint64_t kept_quarters = 1 + below(3, random);
  for (const DataChange& change : inode.unsynced) {
    if (change.kind == DataChange::Kind::resize) {
      if (chance_of(kept_quarters, random)) apply_change(change, image);
      continue;
    }
    for (std::uint64_t at = 0; at < change.bytes.size();) {
      const std::uint64_t to_boundary = policy.granularity - (change.offset + at) % policy.granularity;
      const std::uint64_t length = std::min<std::uint64_t>(to_boundary, change.bytes.size() - at);
      if (chance_of(kept_quarters, random)) write_at(image, change.offset + at, std::string_view(change.bytes).substr(at, length));
      at += length;
    }
  }
  if (image.size() < inode.data.size() && chance_of(1, random)) image.resize(inode.data.size(), '\0');
  return image;
}

}  // namespace

void apply_change(const DataChange& change, std::string& image) {
  if (change.kind == DataChange::Kind::resize) {
    image.resize(change.offset, '\0');
  } else {
    write_at(image, change.offset, change.bytes);
  }
}

void MemoryInode::write(std::uint64_t offset, std::string_view bytes) {
  unsynced.push_back({DataChange::Kind::write, offset, std::string(bytes)});
  apply_change(unsynced.back(), data);
}

void MemoryInode::resize(std::uint64_t size) {
  unsynced.push_back({DataChange::Kind::resize, size, {}});
  apply_change(unsynced.back(), data);
}

void MemoryInode::sync() {
  for (const DataChange& change : unsynced) apply_change(change, durable);
  unsynced.clear();
}

std::string surviving_data(const MemoryInode& inode, const CrashPolicy& policy, std::mt19937_64& random) {
  TT_ASSERT(policy.granularity > 0, "a sector has bytes");
  if (inode.unsynced.empty()) return inode.durable;
  switch (policy.data) {
    case UnsyncedData::lose_all:
      return inode.durable;
    case UnsyncedData::keep_all: {
      // By replaying, because what a failed sync forgot is in `data` and yet lost.
      std::string image = inode.durable;
      for (const DataChange& change : inode.unsynced) apply_change(change, image);
      return image;
    }
    case UnsyncedData::prefix:
      return survive_prefix(inode, policy, random);
    case UnsyncedData::reorder:
      return survive_reordered(inode, policy, random);
  }
  return inode.durable;
}

}  // namespace telltale::base::testing
