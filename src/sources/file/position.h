// What is stored to go on with a file after a restart, and how a file is recognised (format: docs/reference/file-source.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/hash.h"

namespace telltale::sources {

// What the file system says of a file. The device is a hint only, it changes over reboots.
struct FileIdentity {
  std::uint64_t inode = 0;
  base::UnixNanos birth = 0;  // 0: the file system has none
  std::uint64_t device = 0;

  static FileIdentity of(const base::FileInfo& info) { return {info.inode, info.birth_time, info.device}; }
  bool same_file(const FileIdentity& other) const { return inode == other.inode && birth == other.birth; }
  auto operator<=>(const FileIdentity&) const = default;
};

// Keyed hash of `length` bytes.
struct ContentMark {
  std::uint32_t length = 0;
  base::Hash128 hash;
  bool operator==(const ContentMark&) const = default;
};

inline constexpr std::size_t head_bytes = 1024;  // most bytes of a file's beginning that are hashed
inline constexpr std::size_t tail_bytes = 256;   // most bytes before the offset that are hashed

// The hash covers the length too.
ContentMark mark_of(const base::KeyedHasher& hasher, std::string_view bytes);

// Where reading of one origin stands. An origin is a sequence of bytes that a program wrote: it keeps its id when its file is renamed,
// and moves to the copy when copytruncate takes the original away.
struct FilePosition {
  std::uint64_t version = 0;  // counts the positions of this origin; a later one has a higher number
  std::uint64_t offset = 0;   // start of the first line that was not delivered
  std::uint64_t line = 0;     // source lines of the stream before the offset
  std::uint64_t size = 0;     // of the file when this was made
  base::UnixNanos first_seen = 0;
  FileIdentity identity;
  ContentMark head;  // of the bytes [0, head.length), all before the offset
  ContentMark tail;  // of the bytes [offset - tail.length, offset)
  std::string host;
  std::string source;                // name of the configured source
  std::vector<std::string> paths;    // where the file stood: the first names the stream, the last is the newest
  std::vector<FileIdentity> copies;  // files that hold a copy of these bytes and are not read
  bool end_told = false;             // what cannot be unpacked behind the offset was stated as a gap
  bool operator==(const FilePosition&) const = default;
};

inline constexpr std::size_t most_paths = 4;   // the first and the newest are kept
inline constexpr std::size_t most_copies = 8;  // the newest are kept
inline constexpr std::string_view position_key_prefix = "file:";

// "file:" and the origin's id.
std::string position_key(const base::Hash128& origin);
std::string encode_position(const FilePosition& position);
// Nothing for text that is no position of a version this program knows.
std::optional<FilePosition> decode_position(std::string_view value);
// The two numbers that are needed at each commit, without reading the rest.
struct PositionProgress {
  std::uint64_t version = 0;
  std::uint64_t offset = 0;
};
std::optional<PositionProgress> read_progress(std::string_view value);

}  // namespace telltale::sources
