// Looks compressed files through, in small steps: are they whole, and how much do they hold?
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "sources/packed/packed_file.h"

namespace telltale::sources {

// One thread.
class Inspector {
 public:
  // A file that is cut off counts as still written until it did not change for `patience_ns`.
  Inspector(base::Files& files, std::int64_t patience_ns) : files_(files), patience_ns_(patience_ns) {}

  // What is known of the file at `path`, whose info this is; nothing: it is being looked through, or still written: ask again. A file
  // that changed is looked through anew. Valid until the next call.
  struct Answer {
    const PackedVerdict* verdict = nullptr;
    const base::Error* error = nullptr;  // it cannot be read; tried again when asked again
  };
  Answer ask(const std::string& path, const base::FileInfo& info, base::MonoNanos now);
  // Unpacks on, about `budget` bytes. True when something is known that was not: ask.
  bool work(std::uint64_t budget);
  // There is something to unpack.
  bool busy() const { return waiting_ > 0; }
  // Files that nobody asked for since the last call but one are forgotten.
  void end_look();

 private:
  struct Entry {
    std::string path;
    std::uint64_t packed_bytes = 0;
    base::UnixNanos modified = 0;
    base::MonoNanos changed = 0;
    std::unique_ptr<PackedFile> file;  // while it is looked through
    std::optional<PackedVerdict> verdict;
    std::optional<base::Error> error;
    std::uint64_t asked_in = 0;
    bool waits() const { return !verdict && !error; }
  };
  base::Status open(Entry& entry, std::pair<std::uint64_t, base::UnixNanos> identity);
  void count_waiting();

  base::Files& files_;
  const std::int64_t patience_ns_;
  std::map<std::pair<std::uint64_t, base::UnixNanos>, Entry> entries_;  // by inode and birth
  std::optional<base::Error> problem_;                                  // of the last answer
  std::size_t waiting_ = 0;
  std::uint64_t look_ = 1;
};

}  // namespace telltale::sources
