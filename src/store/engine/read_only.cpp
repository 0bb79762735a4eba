// Reading a data folder that is not ours to write.
#include <algorithm>

#include "base/mutex.h"
#include "store/engine/cursor.h"
#include "store/engine/scan.h"
#include "store/engine/store.h"
#include "store/engine/survey.h"

namespace telltale::store {

namespace {

class ReadOnlyStore final : public StoreReader {
 public:
  ReadOnlyStore(base::Files& files, std::string folder, StoreId id) : files_(files), folder_(std::move(folder)), id_(std::move(id)) {}

  base::Status scan(const ScanRange& range, const StreamFilter& filter, const BatchVisitor& visitor) const override {
    auto segments = look();
    if (!segments) return base::pass(segments);
    return scan_segments({files_, *segments, true}, range, filter, visitor);
  }

  std::vector<StreamRef> streams() const override {
    std::vector<StreamRef> out;
    auto segments = look();
    if (!segments || segments->empty()) return out;
    auto survey = survey_segment(files_, *segments->back(), {});
    if (!survey) return out;
    for (auto& [id, entry] : survey->streams) out.push_back(std::move(entry.stream));
    std::sort(out.begin(), out.end(), [](const StreamRef& a, const StreamRef& b) { return a->id < b->id; });
    return out;
  }

  StoreStats stats() const override {
    StoreStats stats;
    stats.store_id = id_.id.hex();
    auto segments = look();
    if (!segments) return stats;
    add_segment_stats(*segments, stats);
    stats.streams = streams().size();
    if (!segments->empty()) {
      const SegmentTotals totals = segments->back()->totals();
      stats.next_sequence = totals.records > 0 ? totals.last_sequence + 1 : segments->back()->first_sequence();
    }
    return stats;
  }

  std::string cursor(Sequence sequence) const override { return make_cursor(id_, sequence); }
  base::Result<Sequence> read_cursor(std::string_view text) const override { return parse_cursor(id_, text); }

 private:
  // The segments there are now. Known ones keep their index.
  base::Result<std::vector<SegmentRef>> look() const TT_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    auto found = list_segments(files_, folder_);
    if (!found) return base::pass(found);
    if (auto own = leave_strangers_out(*found); !own) return base::pass(own);
    std::vector<SegmentRef> segments;
    for (std::size_t i = 0; i < found->size(); ++i) {
      SegmentRef segment = known((*found)[i]);
      segment->set_limit((*found)[i]->limit());
      auto there = refresh(*segment, i + 1 == found->size());
      if (!there) return base::pass(there);
      if (*there) segments.push_back(std::move(segment));
    }
    segments_ = segments;
    return segments;
  }

  base::Status leave_strangers_out(std::vector<SegmentRef>& segments) const TT_REQUIRES(mutex_) {
    std::vector<SegmentRef> own;
    for (const SegmentRef& segment : segments) {
      if (known(segment) != segment) {
        own.push_back(segment);
        continue;
      }
      auto head = read_head(files_, *segment, store_mark(id_.id));
      if (!head && head.error().code == base::ErrorCode::file_not_found) continue;
      if (!head) return base::pass(head);
      if (head->kind != HeadKind::foreign && head->kind != HeadKind::nothing) own.push_back(segment);
    }
    segments = std::move(own);
    set_limits(segments);
    return {};
  }

  SegmentRef known(const SegmentRef& found) const TT_REQUIRES(mutex_) {
    for (const SegmentRef& segment : segments_) {
      if (segment->first_sequence() == found->first_sequence()) return segment;
    }
    return found;
  }

  // False when retention has removed it meanwhile.
  base::Result<bool> refresh(Segment& segment, bool newest) const {
    auto info = files_.info(segment.path());
    if (!info && info.error().code == base::ErrorCode::file_not_found) return false;
    if (!info) return base::pass(info);
    if (info->size == segment.visible_end()) return true;
    auto seal = read_seal(files_, segment, info->size);
    if (!seal) return base::pass(seal);
    if (*seal) {
      segment.publish(info->size, (*seal)->totals);
      return true;
    }
    segment.publish(info->size, {});
    auto totals = segment.index_totals(files_, newest);
    if (!totals) return base::pass(totals);
    segment.publish(info->size, *totals);
    return true;
  }

  base::Files& files_;
  const std::string folder_;
  const StoreId id_;
  mutable base::Mutex mutex_;
  mutable std::vector<SegmentRef> segments_ TT_GUARDED_BY(mutex_);
};

}  // namespace

base::Result<std::unique_ptr<StoreReader>> open_read_only(base::Files& files, const std::string& folder) {
  auto id = read_store_id(files, folder);
  if (!id && id.error().code == base::ErrorCode::file_not_found) {
    return base::fail(base::ErrorCode::not_found, "there is no store in " + folder, "Name the data folder of an engine with --data.");
  }
  if (!id) return base::pass(id);
  return std::unique_ptr<StoreReader>(std::make_unique<ReadOnlyStore>(files, folder, std::move(*id)));
}

}  // namespace telltale::store
