// The writer's beginning and ending of segments.
#include <algorithm>
#include <array>

#include "store/engine/retention.h"
#include "store/engine/writer.h"
#include "telemetry/log.h"

namespace telltale::store {

namespace {

using telemetry::LogLevel;

// A limit on what is kept works only when segments are a small part of it.
constexpr std::uint64_t segments_in_retention = 8;
constexpr std::int64_t rotation_retry_nanos = base::nanos_per_second;

std::uint64_t random_salt(base::Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  std::uint64_t salt = 0;
  for (const std::uint8_t byte : bytes) salt = salt << 8 | byte;
  return salt;
}

}  // namespace

bool Writer::rotation_due() const {
  if (active_.writer->totals().records == 0 || context_.clock.mono() < next_rotation_) return false;
  const StoreOptions& options = context_.options;
  std::uint64_t bytes = options.segment_bytes;
  if (options.retention_bytes > 0) bytes = std::min(bytes, options.retention_bytes / segments_in_retention);
  std::int64_t age = options.segment_age_ns;
  if (options.retention_age_ns > 0) age = std::min(age, options.retention_age_ns / static_cast<std::int64_t>(segments_in_retention));
  if (active_.writer->size() >= bytes || context_.clock.wall() - active_.writer->created() >= age) return true;
  return context_.clock.mono() - begun_ >= age;  // also under a clock that was set back
}

void Writer::rotate() {
  sync();  // marks too: behind a seal a torn one would be damage
  if (must_begin_) return;
  if (auto begun = begin_segment(); !begun) {
    // Unless the new file may be there already, the old segment simply goes on.
    telemetry::log(LogLevel::warning, "store", "no new segment could be begun: {}", begun.error().message());
    next_rotation_ = context_.clock.mono() + rotation_retry_nanos;
    if (must_begin_) failed(begun.error());
    return;
  }
  retain();
}

base::Result<std::unique_ptr<SegmentWriter>> Writer::write_new_segment(const std::string& path, Sequence first) {
  if (context_.files.info(path)) {
    if (auto removed = context_.files.remove(path); !removed) return base::pass(removed);
  }
  auto file = context_.files.open_write(path, base::OpenMode::create_new);
  if (!file) return base::pass(file);
  Snapshot snapshot{context_.clock.wall(), durable_positions_, context_.state.streams(), origin_of(first)};
  SegmentTail tail;
  tail.store = store_mark(context_.id.id);
  tail.salt = random_salt(context_.random);
  tail.window = 1;
  tail.created = snapshot.created;
  auto writer = std::make_unique<SegmentWriter>(std::move(*file), tail);
  if (auto written = writer->append_snapshot(snapshot, first); !written) return base::pass(written);
  for (const Unsynced& frame : unsynced_) {
    std::vector<const EncodedItem*> items;
    for (const EncodedItem& item : frame.items) items.push_back(&item);
    if (auto written = writer->append_rows(items, frame.first_sequence); !written) return base::pass(written);
  }
  if (auto synced = writer->sync(); !synced) return base::pass(synced);
  return writer;
}

SegmentOrigin Writer::origin_of(Sequence first) const {
  std::vector<SegmentRef> segments = context_.state.segments();
  if (!segments.empty() && segments.back()->first_sequence() == first) segments.pop_back();  // it is replaced
  SegmentOrigin origin{context_.id.id, context_.id.epoch, first, 0, 0};
  if (segments.empty()) return origin;
  const Segment& before = *segments.back();
  const SegmentTotals totals = segments.back() == active_.segment ? durable_totals_ : before.totals();
  origin.oldest = segments.front()->first_sequence();
  origin.before = before.first_sequence();
  origin.before_end = totals.records > 0 ? totals.last_sequence + 1 : before.first_sequence();
  return origin;
}

base::Status Writer::begin_segment() {
  const StoreOptions& options = context_.options;
  const Sequence first = unsynced_.empty() ? context_.state.next_sequence() : unsynced_.front().first_sequence;
  const std::string path = segment_path(options.folder, first);
  const std::string unfinished = path + ".new";
  auto writer = write_new_segment(unfinished, first);
  if (!writer) {
    // What is left of it is removed at the next attempt or opening.
    static_cast<void>(context_.files.remove(unfinished));
    return base::pass(writer);
  }
  // From here on the name may be on the disk: a reader would take it that this segment holds all from `first` on.
  must_begin_ = true;
  if (auto renamed = context_.files.rename(unfinished, path); !renamed) return renamed;
  if (auto synced = context_.files.sync_directory(segments_folder(options.folder)); !synced) return synced;

  auto segment = std::make_shared<Segment>(path, first);
  segment->publish((*writer)->size(), (*writer)->totals());
  context_.state.add_segment(segment);
  OpenSegment old = std::exchange(active_, OpenSegment{std::move(segment), std::move(*writer)});
  if (old.writer != nullptr && old.segment->first_sequence() != first) finish_old(old);
  must_begin_ = false;
  begun_ = context_.clock.mono();
  note_file();
  announced_ = true;  // by the snapshot's header
  trusted_ = true;
  synced();
  context_.metrics.segments.set(static_cast<std::int64_t>(context_.state.segments().size()));
  return {};
}

void Writer::finish_old(OpenSegment& old) {
  if (!trusted_) {
    old.segment->publish(old.segment->visible_end(), durable_totals_);
    return;
  }
  // A missing seal is made up for at the next opening.
  const bool sealed = old.writer->append_seal(context_.state.next_sequence()) && old.writer->sync();
  if (!sealed) telemetry::log(LogLevel::info, "store", "{} has no seal yet", old.segment->path());
  old.segment->publish(old.writer->size(), old.writer->totals());
}

std::size_t Writer::outlived_segments(const std::vector<SegmentRef>& segments) const {
  const StoreOptions& options = context_.options;
  std::uint64_t bytes = 0;
  for (const SegmentRef& segment : segments) bytes += segment->visible_end();
  std::size_t count = 0;
  for (; count + 1 < segments.size() && options.retention_bytes > 0 && bytes > options.retention_bytes; ++count) {
    bytes -= segments[count]->visible_end();
  }
  if (options.retention_age_ns == 0) return count;
  std::vector<SegmentSpan> spans;
  for (const SegmentRef& segment : segments) spans.push_back({segment->totals().min_observed, segment->totals().max_observed});
  const EngineTime time{opened_wall_, context_.clock.mono() - opened_mono_, context_.clock.wall()};
  return std::max(count, outlived(spans, time, options.retention_age_ns));
}

// Shows the next opening that what is missing before `kept_from` was removed on purpose. On a full disk there may be no room for it before
// the removal; then it comes after.
bool Writer::leave_tombstone(Sequence kept_from) {
  if (must_begin_ || !announce()) return false;
  if (auto left = active_.writer->append_tombstone(kept_from, context_.state.next_sequence()); !left) {
    telemetry::log(LogLevel::debug, "store", "no tombstone: {}", left.error().message());
    if (active_.writer->broken()) {
      must_begin_ = true;
      trusted_ = false;
    }
    return false;
  }
  active_.segment->publish(active_.writer->size(), active_.writer->totals());
  sync();
  return !must_begin_;
}

void Writer::retain() {
  std::vector<SegmentRef> segments = context_.state.segments();
  const std::size_t count = outlived_segments(segments);
  if (count == 0) return;
  const Sequence kept_from = segments[count]->first_sequence();
  const bool told = leave_tombstone(kept_from);
  if (must_begin_) return;  // later
  for (std::size_t i = 0; i < count; ++i) {
    Segment& oldest = *segments[i];
    oldest.retire();
    auto removed = context_.files.remove(oldest.path());
    if (!removed && removed.error().code != base::ErrorCode::file_not_found) {
      telemetry::log(LogLevel::warning, "store", "retention could not remove a segment: {}", removed.error().message());
      break;
    }
    context_.state.drop_oldest_segment();
    // One by one, so that a power cut never leaves an older segment without the one after it.
    if (auto synced = context_.files.sync_directory(segments_folder(context_.options.folder)); !synced) break;
  }
  context_.metrics.segments.set(static_cast<std::int64_t>(context_.state.segments().size()));
  if (!told) leave_tombstone(kept_from);
}

void Writer::note_file() {
  const auto info = context_.files.info(active_.segment->path());
  inode_ = info ? info->inode : 0;
  looked_ = context_.clock.mono();
}

// What is written to a file that somebody removed is lost when it is closed.
void Writer::look_after_file() {
  looked_ = context_.clock.mono();
  unlooked_ = false;
  const auto info = context_.files.info(active_.segment->path());
  const bool gone = info ? info->inode != inode_ : info.error().code == base::ErrorCode::file_not_found;
  if (!gone) return;
  telemetry::log(LogLevel::error, "store", "{} was removed or replaced while it was written; a new segment is begun",
                 active_.segment->path());
  must_begin_ = true;
  trusted_ = false;
}

}  // namespace telltale::store
