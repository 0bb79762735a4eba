// Damage of every kind, planted in the segments of a closed store at places that a seed chooses.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/testing/memory_files.h"
#include "store/engine/store.h"

namespace telltale::testing {

enum class DamageKind : std::uint8_t {
  flip_header,       // a bit of any field of a frame's header
  flip_payload,      // a bit of a frame's payload
  zeroed_block,      // zeros over some frames, whole or in part
  cut_middle,        // an older segment ends early
  missing_middle,    // an older segment is gone
  missing_oldest,    // the first one is gone, and retention did not do it
  missing_newest,    // the last one is gone
  foreign_file,      // a segment's name, but no segment
  foreign_name,      // no segment's name
  other_store,       // a segment of another store
  duplicate,         // a segment under another name too
  garbage_appended,  // to an older segment, or to the newest
  torn_tail,         // a part of a frame at the end
  hole_in_tail,      // the end was never durable, with sound frames behind a hole
};
constexpr std::size_t damage_kinds = 14;
std::string_view name_of(DamageKind kind);

// A frame as it stands in a sound segment.
struct FramePlace {
  std::string segment;  // path
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
  std::uint32_t window = 0;
  struct Item {
    std::uint64_t stream = 0;  // its number in the window
    bool defines = false;
    std::vector<std::string> lines;
  };
  std::vector<Item> items{};
};

// Where verify has to find something, and what may be lost by it.
struct Planted {
  DamageKind kind = DamageKind::flip_header;
  std::string segment;  // path
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // the problem covers [from, to)
  std::vector<std::string> lost;
  std::string about;  // for messages
};

// What the store holds: all frames of all segments, in order. The store is whole.
std::vector<FramePlace> frames_of(base::testing::MemoryFiles& disk, const std::string& folder);
// Plants one damage. `other`: the folder of another store on the same disk.
Planted plant(base::testing::MemoryFiles& disk, const std::string& folder, const std::string& other, const std::vector<FramePlace>& frames,
              DamageKind kind, std::mt19937_64& random);

}  // namespace telltale::testing
