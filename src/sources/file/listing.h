// The names that the configured patterns find now.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "config/config.h"
#include "sources/file/glob.h"
#include "sources/packed/packed_file.h"

namespace telltale::sources {

// A file that was seen in a folder.
struct SeenFile {
  std::string path;
  base::FileInfo info;
  std::size_t source = 0;  // index of the configured source
  bool listed = true;      // found by a pattern; else only beside such a file
  // Of a compressed file that was looked through: then info.size is of the unpacked bytes.
  std::optional<PackedVerdict> packed{};
};

// File systems stamp files with a clock that is a few milliseconds behind.
inline constexpr std::int64_t coarse_clock_ns = 10 * base::nanos_per_millisecond;

// When the file came to be, as well as its file system knows.
inline base::UnixNanos born(const base::FileInfo& info) {
  return info.birth_time != 0 ? info.birth_time : info.modify_time;
}

// The same for ordering rotated files: a compressed one came to be when it was compressed, but keeps the time of the last write.
inline base::UnixNanos age_stamp(const SeenFile& seen) {
  return seen.packed ? seen.info.modify_time : born(seen.info);
}

struct Listing {
  std::vector<SeenFile> files;       // each path once, by path
  std::vector<std::string> folders;  // each once
  std::vector<Glob::Problem> problems;
};

// The patterns of all sources; of two sources that find one file the first has it.
class Patterns {
 public:
  static base::Result<Patterns> parse(const std::vector<config::FileSource>& sources);
  // Those of one source; source_invalid, then nothing has changed. `source` may be the next number.
  base::Status set(std::size_t source, const config::FileSource& configured);
  // It finds nothing from now on; its number stays.
  void clear(std::size_t source) { entries_[source] = {}; }
  Listing find(base::Files& files) const;
  // Would a file at `path` be found by this source? Compressed files are by patterns that end with .gz or .zst only.
  bool covers(std::size_t source, const std::string& path) const;

 private:
  struct Entry {
    std::vector<Glob> globs;
    std::vector<std::string> excludes;
  };
  bool is_excluded(const Entry& entry, const std::string& path) const;
  std::vector<Entry> entries_;
};

}  // namespace telltale::sources
