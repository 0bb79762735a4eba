// One segment file as readers see it. Thread-safe: the writer publishes how far it may be read, readers keep its index.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/mutex.h"
#include "store/engine/segment_file.h"
#include "store/engine/store.h"
#include "store/segment/segment_index.h"

namespace telltale::store {

// What a reader needs to go over a segment: its own file handle and the windows there were when it asked.
struct SegmentView {
  std::unique_ptr<SegmentFile> file;
  std::vector<WindowEntry> windows;
  std::vector<DamagedRange> damages;  // no sound header
  std::optional<std::uint64_t> salt;
};

class Segment {
 public:
  Segment(std::string path, Sequence first_sequence) : path_(std::move(path)), first_sequence_(first_sequence) {}

  const std::string& path() const { return path_; }
  Sequence first_sequence() const { return first_sequence_; }

  // Bytes that readers may look at.
  std::uint64_t visible_end() const { return visible_end_.load(std::memory_order_acquire); }
  // Records from this sequence on are in the next segment, whatever stands in this one.
  Sequence limit() const { return limit_.load(std::memory_order_acquire); }
  void set_limit(Sequence limit) { limit_.store(limit, std::memory_order_release); }
  // Retention is about to remove the file.
  void retire() { retired_.store(true, std::memory_order_release); }
  bool retired() const { return retired_.load(std::memory_order_acquire); }
  void publish(std::uint64_t end, const SegmentTotals& totals) TT_EXCLUDES(mutex_);
  SegmentTotals totals() const TT_EXCLUDES(mutex_);

  // Opens the file and brings the index up to the visible end. `growing`: somebody else writes it now, its end may be torn.
  base::Result<SegmentView> view(base::Files& files, bool growing) TT_EXCLUDES(mutex_);
  // Totals of all frames up to the visible end, by the index.
  base::Result<SegmentTotals> index_totals(base::Files& files, bool growing) TT_EXCLUDES(mutex_);

 private:
  const std::string path_;
  const Sequence first_sequence_;
  std::atomic<std::uint64_t> visible_end_{0};
  std::atomic<Sequence> limit_{~Sequence{0}};
  std::atomic<bool> retired_{false};
  mutable base::Mutex mutex_;
  SegmentTotals totals_ TT_GUARDED_BY(mutex_);
  SegmentIndex index_ TT_GUARDED_BY(mutex_);
};

// Owners: the store's list of segments, and every scan that is under way (retention may drop a segment meanwhile).
using SegmentRef = std::shared_ptr<Segment>;

// DATA/segments/<first sequence, 20 digits>.tts
std::string segments_folder(const std::string& folder);
std::string segment_path(const std::string& folder, Sequence first_sequence);
// The first sequence in a segment's file name; nothing for other names.
std::optional<Sequence> parse_segment_name(std::string_view name);
// Segments there are, in order; names that are none are left out.
base::Result<std::vector<SegmentRef>> list_segments(base::Files& files, const std::string& folder);
// Each ends where the next begins.
void set_limits(const std::vector<SegmentRef>& segments);

// What a segment's beginning says.
enum class HeadKind : std::uint8_t {
  own,      // of this store, under its own name
  damaged,  // no sound snapshot stands there, but sound frames behind it, or the disk refuses it
  foreign,  // of another store, or under another's name
  nothing   // there is no sound frame in it
};
struct SegmentHead {
  HeadKind kind = HeadKind::damaged;
  std::optional<SegmentOrigin> origin{};
};
// `store`: store_mark() of this store; 0: any.
base::Result<SegmentHead> read_head(base::Files& files, const Segment& segment, std::uint32_t store);

struct Seal {
  SegmentTotals totals;
  Sequence next_sequence = 0;  // where the next segment begins
};
// Nothing when the segment has none.
base::Result<std::optional<Seal>> read_seal(base::Files& files, const Segment& segment, std::uint64_t size);

}  // namespace telltale::store
