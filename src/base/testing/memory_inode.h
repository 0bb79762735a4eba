// What MemoryFiles keeps of a file or folder. For its own files only; guarded by its mutex.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/testing/memory_files.h"

namespace telltale::base::testing {

// A change of a file's data since its last sync: bytes at an offset, or a new size.
struct DataChange {
  enum class Kind : std::uint8_t { write, resize } kind;
  std::uint64_t offset;  // of the bytes; or the size
  std::string bytes;
};

struct MemoryInode {
  std::uint64_t number = 0;
  FileKind kind = FileKind::regular;
  UnixNanos birth_time = 0;
  UnixNanos modify_time = 0;
  std::uint64_t links = 0;
  std::uint64_t handles = 0;
  bool locked = false;

  std::string data;     // what readers see
  std::string durable;  // at the last sync
  std::vector<DataChange> unsynced;

  using Entries = std::map<std::string, std::shared_ptr<MemoryInode>>;  // second owners: open handles
  Entries entries;
  Entries durable_entries;

  void write(std::uint64_t offset, std::string_view bytes);
  void resize(std::uint64_t size);
  void sync();
};

// Does `change` to `image`; bytes beyond its end leave zeros between.
void apply_change(const DataChange& change, std::string& image);

// What a power cut leaves of the file's data.
std::string surviving_data(const MemoryInode& inode, const CrashPolicy& policy, std::mt19937_64& random);

}  // namespace telltale::base::testing
