// Reading every byte of every segment.
#include "store/engine/segment.h"
#include "store/engine/store.h"
#include "store/segment/batch_codec.h"

namespace telltale::store {

namespace {

class Verifier {
 public:
  Verifier(const Segment& segment, VerifyReport& report) : segment_(segment), report_(report) {}

  base::Status run(base::Files& files) {
    auto file = files.open_read(segment_.path());
    if (!file) return base::pass(file);
    auto info = (*file)->info();
    if (!info) return base::pass(info);
    ++report_.segments;
    report_.bytes += info->size;
    FrameWalker walker(ByteSource(**file), 0, info->size);
    while (true) {
      auto step = walker.next(PayloadCheck::crc);
      if (!step) return base::pass(step);
      if (*step == WalkStep::end) break;
      if (*step == WalkStep::damage) {
        problem(walker.damage(), "no sound frame");
      } else {
        frame(walker.header(), walker.payload());
      }
    }
    if (!snapshot_seen_) problem({0, 0}, "the segment does not begin with a snapshot");
    return {};
  }

 private:
  void problem(const DamagedRange& range, std::string what) {
    report_.problems.push_back({segment_.path(), range.offset, range.size, std::move(what)});
  }

  void frame(const FrameHeader& header, std::string_view payload) {
    ++report_.frames;
    const DamagedRange place{header.offset, header.end() - header.offset};
    if (header.kind == FrameKind::snapshot) {
      Snapshot snapshot;
      if (!decode_snapshot(payload, snapshot)) problem(place, "the snapshot cannot be read");
      snapshot_seen_ = snapshot_seen_ || header.offset == 0;
    }
    if (!header.holds_rows()) return;
    if (header.record_count > 0 && header.first_sequence < next_sequence_) problem(place, "sequences go backwards");
    next_sequence_ = header.first_sequence + header.record_count;
    const std::uint64_t records = rows(payload, place);
    if (records != header.record_count) problem(place, "the number of records differs from the header's");
    if (header.first_sequence < segment_.limit()) report_.records += records;
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
  VerifyReport& report_;
  bool snapshot_seen_ = false;
  Sequence next_sequence_ = 0;
};

}  // namespace

base::Result<VerifyReport> verify(base::Files& files, const std::string& folder) {
  auto segments = list_segments(files, folder);
  if (!segments) return base::pass(segments);
  VerifyReport report;
  for (const SegmentRef& segment : *segments) {
    auto done = Verifier(*segment, report).run(files);
    if (!done && done.error().code != base::ErrorCode::file_not_found) return base::pass(done);
  }
  return report;
}

}  // namespace telltale::store
