// Reading every byte of every segment.
#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "store/engine/chain.h"
#include "store/engine/quarantine.h"
#include "store/engine/segment.h"
#include "store/engine/store.h"
#include "store/engine/store_id.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

namespace {

constexpr std::int64_t tail_pause_ns = 2'000'000;

// One segment. Damaged ranges that touch are one problem.
class Verifier {
 public:
  // `patience_ns`: of the newest one, whose last frame an engine may be writing.
  Verifier(const Segment& segment, std::int64_t patience_ns, VerifyReport& report)
      : segment_(segment), patience_ns_(patience_ns), report_(report) {
    next_sequence_ = segment.first_sequence();
  }

  base::Status run(base::Files& files) {
    auto file = open_segment(files, segment_.path());
    if (!file) return base::pass(file);
    auto size = whole_size(**file);
    if (!size) return base::pass(size);
    ++report_.segments;
    report_.bytes += *size;
    FrameWalker walker(ByteSource(**file), 0, *size);
    while (true) {
      auto step = walker.next(PayloadCheck::crc);
      if (!step) return base::pass(step);
      if (*step == WalkStep::end) break;
      if (*step == WalkStep::damage) {
        damage(walker.damage());
      } else {
        frame(walker.header(), walker.payload());
      }
    }
    if (*size == 0) problem({0, 0}, "the file is empty");
    return {};
  }

  // What the chain has to know of it.
  ChainLink link(const SegmentHead& head) const { return make_link(segment_, head, totals_, seal_next_); }
  Sequence kept_from() const { return kept_from_; }
  bool any_frame() const { return any_frame_; }
  std::uint32_t store() const { return store_; }

 private:
  // The end is looked at again as long as it is no sound frame and somebody may be writing it.
  base::Result<std::uint64_t> whole_size(base::ReadableFile& file) const {
    std::uint64_t size = 0;
    for (std::int64_t waited = 0;; waited += tail_pause_ns) {
      auto info = file.info();
      if (!info) return base::pass(info);
      size = info->size;
      FrameWalker walker(ByteSource(file), 0, size);
      bool sound = true;
      while (true) {
        auto step = walker.next(PayloadCheck::none);
        if (!step) return base::pass(step);
        if (*step == WalkStep::end) break;
        sound = *step == WalkStep::frame;
      }
      if (sound || waited >= patience_ns_) return size;
      std::this_thread::sleep_for(std::chrono::nanoseconds(tail_pause_ns));
    }
  }

  void problem(const DamagedRange& range, std::string what) {
    report_.problems.push_back({segment_.path(), range.offset, range.size, std::move(what)});
  }

  void damage(const DamagedRange& range) {
    const bool touches = damaged_ && report_.problems.back().offset + report_.problems.back().bytes == range.offset;
    damaged_ = true;
    if (touches) {
      report_.problems.back().bytes += range.size;
    } else {
      problem(range, "no sound frame");
    }
  }

  void frame(const FrameHeader& header, std::string_view payload) {
    ++report_.frames;
    damaged_ = false;
    any_frame_ = true;
    if (store_ == 0) store_ = header.store;
    const DamagedRange place{header.offset, header.end() - header.offset};
    if (header.kind == FrameKind::snapshot) snapshot(header, payload, place);
    if (header.kind == FrameKind::seal) seal_next_ = header.first_sequence;
    if (header.kind == FrameKind::tombstone) {
      ByteReader reader(payload);
      kept_from_ = std::max(kept_from_, reader.fixed<Sequence>());
    }
    if (!header.holds_rows()) return;
    if (header.record_count > 0 && header.first_sequence < next_sequence_) problem(place, "sequences go backwards");
    next_sequence_ = header.first_sequence + header.record_count;
    const std::uint64_t records = rows(payload, place);
    if (records != header.record_count) problem(place, "the number of records differs from the header's");
    if (header.first_sequence >= segment_.limit()) return;
    report_.records += records;
    totals_.add(header);
  }

  void snapshot(const FrameHeader& header, std::string_view payload, const DamagedRange& place) {
    Snapshot snapshot;
    if (!decode_snapshot(payload, snapshot)) return problem(place, "the snapshot cannot be read");
    if (header.offset == 0 && snapshot.origin) kept_from_ = std::max(kept_from_, snapshot.origin->oldest);
  }

  std::uint64_t rows(std::string_view payload, const DamagedRange& place) {
    ByteReader reader(payload);
    ItemHead head;
    std::uint64_t records = 0;
    while (reader.left() > 0) {
      if (!read_item_head(reader, head)) {
        problem(place, "a batch cannot be read");
        return records;
      }
      record::Batch batch;
      if (!decode_item(head, nullptr, batch)) problem(place, "a batch's records cannot be read");
      records += head.record_count;
    }
    return records;
  }

  const Segment& segment_;
  const std::int64_t patience_ns_;
  VerifyReport& report_;
  bool damaged_ = false;  // the last problem is a damaged range, and nothing sound came after it
  bool any_frame_ = false;
  std::uint32_t store_ = 0;
  SegmentTotals totals_;
  Sequence seal_next_ = 0;
  Sequence kept_from_ = 0;
  Sequence next_sequence_ = 0;
};

class StoreVerifier {
 public:
  StoreVerifier(base::Files& files, const std::string& folder, std::int64_t patience_ns)
      : files_(files), folder_(folder), patience_ns_(patience_ns) {}

  base::Result<VerifyReport> run() {
    if (auto names = look_at_names(); !names) return base::pass(names);
    auto segments = list_segments(files_, folder_);
    if (!segments) return base::pass(segments);
    if (const auto id = read_store_id(files_, folder_)) mark_ = store_mark(id->id);
    auto own = leave_strangers_out(std::move(*segments));
    if (!own) return base::pass(own);
    for (std::size_t i = 0; i < own->size(); ++i) {
      if (auto done = look_at((*own)[i], i + 1 == own->size()); !done) return base::pass(done);
    }
    look_at_chain();
    return std::move(report_);
  }

 private:
  struct Own {
    SegmentRef segment;
    SegmentHead head;
  };

  void problem(std::string path, std::string what) { report_.problems.push_back({std::move(path), 0, 0, std::move(what)}); }

  base::Status look_at_names() {
    const std::string folder = segments_folder(folder_);
    auto names = files_.list(folder);
    if (!names) return base::pass(names);
    for (const std::string& name : *names) {
      // An engine may be making a segment.
      const std::string_view stem = std::string_view(name).substr(0, name.ends_with(".new") ? name.size() - 4 : name.size());
      if (!parse_segment_name(stem)) problem(base::join_path(folder, name), "it is no segment");
    }
    return {};
  }

  base::Result<std::vector<Own>> leave_strangers_out(std::vector<SegmentRef> segments) {
    std::vector<Own> own;
    std::vector<SegmentRef> kept;
    for (const SegmentRef& segment : segments) {
      auto head = read_head(files_, *segment, mark_);
      if (!head && head.error().code == base::ErrorCode::file_not_found) continue;  // retention was here
      if (!head) return base::pass(head);
      if (head->kind == HeadKind::foreign) {
        stranger(*segment);
        continue;
      }
      // One that is set aside at the next opening ends no other.
      if (head->kind != HeadKind::nothing || segment == segments.back()) kept.push_back(segment);
      own.push_back({segment, std::move(*head)});
    }
    set_limits(kept);
    return own;
  }

  void stranger(const Segment& segment) {
    const auto info = files_.info(segment.path());
    ++report_.segments;
    if (info) report_.bytes += info->size;
    report_.problems.push_back({segment.path(), 0, info ? info->size : 0, "it is no segment of this store, or has another one's name"});
  }

  base::Status look_at(const Own& own, bool newest) {
    const std::size_t before = report_.problems.size();
    Verifier verifier(*own.segment, newest ? patience_ns_ : 0, report_);
    auto done = verifier.run(files_);
    if (!done && done.error().code == base::ErrorCode::file_not_found) return {};  // retention was here
    if (!done && done.error().code == base::ErrorCode::io_error) {
      problem(own.segment->path(), done.error().message());
      return {};
    }
    if (!done) return done;
    const bool of_another = mark_ != 0 && verifier.store() != 0 && verifier.store() != mark_;
    if (of_another) {
      report_.problems.resize(before);
      --report_.segments;
      stranger(*own.segment);
      return {};
    }
    if (report_.problems.size() > before) report_.suspects.push_back(own.segment->first_sequence());
    if (!verifier.any_frame() && !newest) return {};  // set aside at the next opening: no link
    links_.push_back(verifier.link(own.head));
    kept_from_ = std::max(kept_from_, verifier.kept_from());
    return {};
  }

  void look_at_chain() {
    std::vector<Damage> damages = missing_segments(links_, kept_from_);
    for (std::size_t i = 0; i + 1 < links_.size(); ++i) {
      const auto end = told_end(links_[i], links_[i + 1]);
      const std::string path = segment_path(folder_, links_[i].first_sequence);
      if (!end || *end <= links_[i].records_end || is_told(path)) continue;
      report_.suspects.push_back(links_[i].first_sequence);
      problem(path, fmt::format("records {} to {} are missing at its end", links_[i].records_end, *end - 1));
    }
    if (!links_.empty() && links_.back().next_segment > 0) damages.push_back(missing_newest(links_.back(), 0));
    for (const Damage& damage : damages) {
      const std::string path = base::join_path(segments_folder(folder_), damage.segment);
      if (!is_told(path)) problem(path, damage.what);
    }
  }

  // Then what is missing is missing because of that.
  bool is_told(const std::string& path) const {
    return std::ranges::any_of(report_.problems, [&](const VerifyProblem& problem) { return problem.segment == path; });
  }

  base::Files& files_;
  const std::string folder_;
  const std::int64_t patience_ns_;
  std::uint32_t mark_ = 0;
  VerifyReport report_;
  std::vector<ChainLink> links_;
  Sequence kept_from_ = 0;
};

}  // namespace

base::Result<VerifyReport> verify(base::Files& files, const std::string& folder, std::int64_t patience_ns) {
  return StoreVerifier(files, folder, patience_ns).run();
}

base::Status tell_engine(base::Files& files, const std::string& folder, const VerifyReport& report) {
  for (const Sequence first : report.suspects) {
    if (auto noted = note_suspect(files, folder, first); !noted) return noted;
  }
  return {};
}

}  // namespace telltale::store
