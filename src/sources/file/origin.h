// One origin that is followed, and the table of all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "record/gap.h"
#include "record/raw_block.h"
#include "record/stream.h"
#include "sources/file/line_reader.h"
#include "sources/file/listing.h"
#include "sources/file/position.h"

namespace telltale::sources {

// A block that the sink was too full to take.
struct PendingBlock {
  LineBlock line;  // without its bytes
  std::string head;
  record::RawBlock raw;
  base::UnixNanos caught_up = 0;  // once it is delivered, the reader has all that the file held then; 0: there is more
};

struct Origin {
  std::string key;
  record::StreamRef stream;
  std::size_t source = 0;
  std::string lineage;    // path of the file that programs write to: what names the stream
  FilePosition position;  // version, identity, paths, copies; the rest is filled in when it is sent
  std::string path;       // where the file stands now; empty: nowhere that is known
  std::unique_ptr<base::ReadableFile> file;
  LineReader reader;
  ContentMark head;              // of head_of bytes, kept because it soon stops changing
  std::uint64_t size = 0;        // of the file, as last seen
  std::uint64_t sound_size = 0;  // of it, these many bytes are known to be this origin's: the bytes before the read position were checked
  std::uint64_t must_reach = 0;  // bytes that are known to have existed; ending before them is a loss
  bool listed = false;           // found by a pattern
  bool rotated = false;          // no longer where its lineage writes
  bool deleted = false;
  bool drained = false;   // rotated, and read to its end since
  bool finished = false;  // rotated, read and no longer written to: its position is all that is kept
  bool after_truncation = false;
  bool copied_unread = false;           // its copies were made before anything was read of it: they alone tell what it held
  base::UnixNanos modified = 0;         // of the file, when a look last compared its bytes
  bool dirty = false;                   // its position must be sent even without lines
  bool forget = false;                  // its position is to be removed, then the origin too
  bool queued = false;                  // in the queue of those with something to do
  bool waiting = false;                 // for space in the sink
  bool failed = false;                  // could not be opened or read; tried again at the next sweep
  std::optional<PackedVerdict> packed;  // its file is compressed
  std::optional<SeenFile> packed_form;  // a compressed file that holds the same, for when this one is gone
  bool cut_away = false;                // it was truncated or overwritten, so what it lost is not just gone
  // Nobody wants what is written from now on: it is read up to here, then it ends.
  std::optional<std::uint64_t> leave_at;
  std::optional<record::Gap> gap;  // to be sent once everything before it is committed; the origin ends with it
  std::optional<PendingBlock> pending;
  Origin* after = nullptr;  // earlier file of the same lineage that is read to its end first
  base::MonoNanos last_growth = 0;
  base::UnixNanos caught_up = 0;  // when the reader last had whole lines only and all that the file held; 0: not yet
  bool told = false;              // an event told of a write to it ...
  bool silent = false;            // ... but not always: its file system does not tell of all
  std::uint64_t grew_in = 0;      // number of the look at events after which it had grown without one; 0: it had not
  std::uint64_t seen_in = 0;      // number of the scan that found it
  std::uint64_t last_use = 0;     // for closing those idle for longest

  bool is_blocked() const { return after != nullptr && after->is_draining() && !after->failed; }
  bool is_draining() const { return rotated && !drained && !finished; }
  bool has_left() const { return leave_at && (failed || finished || reader.read_end() >= *leave_at); }
  bool has_work() const {
    return gap || forget || dirty || pending || leave_at || (!failed && (is_draining() || size > reader.read_end()));
  }
};

// Owns the origins. Few thousands at most; lookups by identity are a map's.
class OriginTable {
 public:
  Origin& add(std::unique_ptr<Origin> origin) {
    Origin& added = *origins_.emplace_back(std::move(origin));
    index(added);
    return added;
  }
  void index(Origin& origin) { by_identity_[{origin.position.identity.inode, origin.position.identity.birth}] = &origin; }
  // The origin's identity is about to change, or the file belongs to another origin from now on.
  void unindex(Origin& origin) {
    const auto it = by_identity_.find({origin.position.identity.inode, origin.position.identity.birth});
    if (it != by_identity_.end() && it->second == &origin) by_identity_.erase(it);
  }
  void remove(Origin& origin) {
    unindex(origin);
    for (auto& other : origins_)
      if (other->after == &origin) other->after = nullptr;
    std::erase_if(origins_, [&](const auto& owned) { return owned.get() == &origin; });
  }
  Origin* find(const FileIdentity& identity) const {
    const auto it = by_identity_.find({identity.inode, identity.birth});
    return it == by_identity_.end() ? nullptr : it->second;
  }
  const std::vector<std::unique_ptr<Origin>>& all() const { return origins_; }

 private:
  std::vector<std::unique_ptr<Origin>> origins_;  // oldest first
  std::map<std::pair<std::uint64_t, base::UnixNanos>, Origin*> by_identity_;
};

}  // namespace telltale::sources
